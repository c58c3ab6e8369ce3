package sqlitestore_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/sqlitestore"
	"github.com/tandem-cc/tandem/store/storetest"
	"github.com/tandem-cc/tandem/web/account"
)

// openFile opens the file and closes it with the test.
func openFile(tb testing.TB, path string) *sqlitestore.Store {
	tb.Helper()
	s, err := sqlitestore.Open(tb.Context(), sqlitestore.Config{Path: path})
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, s.Close()) })
	require.NoError(tb, s.Migrate(tb.Context()))
	return s
}

// durable makes a fresh file and hands out one of its stores, again after a reopening.
func durable[T any](port func(*sqlitestore.Store) T) func(*testing.T) storetest.Durable[T] {
	return func(t *testing.T) storetest.Durable[T] {
		t.Helper()
		path := filepath.Join(t.TempDir(), "tandem.db")
		s := openFile(t, path)
		return storetest.Durable[T]{Store: port(s), Reopen: func(t *testing.T) T {
			t.Helper()
			require.NoError(t, s.Close())
			return port(openFile(t, path))
		}}
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	storetest.Journal(t, durable(func(s *sqlitestore.Store) reports.Store { return s.Journal() }))
}

func TestArchive(t *testing.T) {
	t.Parallel()
	storetest.Archive(t, durable(func(s *sqlitestore.Store) reports.Archive { return s.Archive() }))
}

func TestLease(t *testing.T) {
	t.Parallel()
	storetest.Lease(t, durable(func(s *sqlitestore.Store) tandem.Lease { return s.Lease() }))
}

func TestLeads(t *testing.T) {
	t.Parallel()
	storetest.Leads(t, durable(func(s *sqlitestore.Store) storetest.LeadStore {
		return storetest.LeadStore{Store: s.Leads(), Lists: s.Lists(), DoNotCall: s.DoNotCall()}
	}))
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.Accounts(t, durable(func(s *sqlitestore.Store) account.Accounts { return s.Accounts() }))
}

func TestSessions(t *testing.T) {
	t.Parallel()
	storetest.Sessions(t, durable(func(s *sqlitestore.Store) account.Sessions { return s.Sessions() }))
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	storetest.Outbox(t, durable(func(s *sqlitestore.Store) crm.Outbox { return s.Outbox() }))
}

func BenchmarkJournal(b *testing.B) {
	storetest.BenchJournal(b, func(b *testing.B) reports.Store {
		b.Helper()
		return openFile(b, filepath.Join(b.TempDir(), "tandem.db")).Journal()
	})
}

func BenchmarkArchive(b *testing.B) {
	storetest.BenchArchive(b, func(b *testing.B) reports.Archive {
		b.Helper()
		return openFile(b, filepath.Join(b.TempDir(), "tandem.db")).Archive()
	})
}

func TestClaim_OneProcessRunsTheCentre(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tandem.db")
	first, second := openFile(t, path), openFile(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, first.Claim(ctx))
	cancel()
	require.NoError(t, first.Claim(t.Context()), "again, by whom it belongs to")
	require.ErrorIs(t, second.Claim(t.Context()), tandem.ErrConflict)
	require.ErrorIs(t, second.Claim(t.Context()), tandem.ErrConflict, "and the first one's outlives the context that it was made with")
	_, err := second.Journal().Last(t.Context())
	require.NoError(t, err, "reading needs no claim")
	require.NoError(t, first.Close())
	require.NoError(t, second.Claim(t.Context()))
}
