package pgstore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/pgstore"
	"github.com/tandem-cc/tandem/store/storetest"
)

// openDSN connects and closes with the test.
func openDSN(tb testing.TB, dsn string) *pgstore.Store {
	tb.Helper()
	s, err := pgstore.Open(tb.Context(), pgstore.Config{DSN: dsn, Connections: 4})
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, s.Close()) })
	require.NoError(tb, s.Migrate(tb.Context()))
	return s
}

// durable makes a fresh database and hands out one of its stores, again after a reconnection.
func durable[T any](port func(*pgstore.Store) T) func(*testing.T) storetest.Durable[T] {
	return func(t *testing.T) storetest.Durable[T] {
		t.Helper()
		dsn := testenv.Postgres(t)
		s := openDSN(t, dsn)
		return storetest.Durable[T]{Store: port(s), Reopen: func(t *testing.T) T {
			require.NoError(t, s.Close())
			return port(openDSN(t, dsn))
		}}
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	storetest.Journal(t, durable(func(s *pgstore.Store) reports.Store { return s.Journal() }))
}

func TestArchive(t *testing.T) {
	t.Parallel()
	storetest.Archive(t, durable(func(s *pgstore.Store) reports.Archive { return s.Archive() }))
}

func TestLease(t *testing.T) {
	t.Parallel()
	storetest.Lease(t, durable(func(s *pgstore.Store) tandem.Lease { return s.Lease() }))
}
