package pgstore_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/pgstore"
	"github.com/tandem-cc/tandem/store/storetest"
	"github.com/tandem-cc/tandem/web/account"
)

// openDSN connects and closes with the test.
func openDSN(tb testing.TB, dsn string) *pgstore.Store {
	tb.Helper()
	s, err := pgstore.Open(tb.Context(), pgstore.Config{URL: dsn, Connections: 4})
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, s.Close()) })
	require.NoError(tb, s.Migrate(tb.Context()))
	return s
}

// durable makes a fresh schema in the database and hands out one of its stores, again after a reconnection.
func durable[T any](dsn string, port func(*pgstore.Store) T) func(*testing.T) storetest.Durable[T] {
	return func(t *testing.T) storetest.Durable[T] {
		t.Helper()
		own := inSchema(t, dsn)
		s := openDSN(t, own)
		return storetest.Durable[T]{Store: port(s), Reopen: func(t *testing.T) T {
			t.Helper()
			require.NoError(t, s.Close())
			return port(openDSN(t, own))
		}}
	}
}

// inSchema makes a schema and returns the connection string that leads there. A schema is far quicker to make than a database.
func inSchema(t *testing.T, dsn string) string {
	t.Helper()
	schema := "s" + strings.ReplaceAll(uuid.NewString(), "-", "")
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	if !strings.Contains(dsn, "://") {
		return dsn + " search_path=" + schema
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestJournal(t *testing.T) {
	t.Parallel()
	storetest.Journal(t, durable(testenv.Postgres(t), func(s *pgstore.Store) reports.Store { return s.Journal() }))
}

func TestArchive(t *testing.T) {
	t.Parallel()
	storetest.Archive(t, durable(testenv.Postgres(t), func(s *pgstore.Store) reports.Archive { return s.Archive() }))
}

func TestLease(t *testing.T) {
	t.Parallel()
	storetest.Lease(t, durable(testenv.Postgres(t), func(s *pgstore.Store) tandem.Lease { return s.Lease() }))
}

func TestLeads(t *testing.T) {
	t.Parallel()
	storetest.Leads(t, durable(testenv.Postgres(t), func(s *pgstore.Store) storetest.LeadStore {
		return storetest.LeadStore{Store: s.Leads(), Lists: s.Lists(), DoNotCall: s.DoNotCall()}
	}))
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.Accounts(t, durable(testenv.Postgres(t), func(s *pgstore.Store) account.Accounts { return s.Accounts() }))
}

func TestSessions(t *testing.T) {
	t.Parallel()
	storetest.Sessions(t, durable(testenv.Postgres(t), func(s *pgstore.Store) account.Sessions { return s.Sessions() }))
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	storetest.Outbox(t, durable(testenv.Postgres(t), func(s *pgstore.Store) crm.Outbox { return s.Outbox() }))
}

func BenchmarkJournal(b *testing.B) {
	storetest.BenchJournal(b, func(b *testing.B) reports.Store {
		b.Helper()
		return openDSN(b, testenv.Postgres(b)).Journal()
	})
}

func TestMigrate_BySeveralNodesAtOnce(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := pgstore.Open(t.Context(), pgstore.Config{URL: dsn})
			if !assert.NoError(t, err) {
				return
			}
			assert.NoError(t, s.Migrate(t.Context()))
			assert.NoError(t, s.Close())
		})
	}
	wg.Wait()
}

func TestMigrations_AreNumberedAndOnlyGoForward(t *testing.T) {
	t.Parallel()
	files, err := pgstore.Migrations()
	require.NoError(t, err)
	names, err := fs.Glob(files, "*")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for i, name := range names {
		assert.Regexp(t, fmt.Sprintf(`^%05d_[a-z]+\.sql$`, i+1), name)
		text, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		assert.Contains(t, string(text), "-- +goose Up\n", name)
		assert.NotContains(t, string(text), "goose Down", name)
	}
}

func BenchmarkArchive(b *testing.B) {
	storetest.BenchArchive(b, func(b *testing.B) reports.Archive {
		b.Helper()
		return openDSN(b, testenv.Postgres(b)).Archive()
	})
}

func TestClaim_OneProcessRunsTheCentre(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	own := inSchema(t, dsn)
	first, second, elsewhere := openDSN(t, own), openDSN(t, own), openDSN(t, inSchema(t, dsn))
	require.NoError(t, first.Claim(t.Context()))
	require.NoError(t, first.Claim(t.Context()), "again, by whom it belongs to")
	require.ErrorIs(t, second.Claim(t.Context()), tandem.ErrConflict)
	require.NoError(t, elsewhere.Claim(t.Context()), "another schema is another centre")

	// The connection that holds the claim breaks: the claim is found lost, and taken again.
	_, err := second.Pool().ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "+
		"WHERE locktype = 'advisory' AND state = 'idle' AND query = 'SELECT 1'") // what a claim that was asked for again said last
	require.NoError(t, err)
	require.Eventually(t, func() bool { return first.Claim(t.Context()) == nil }, 5*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, second.Claim(t.Context()), tandem.ErrConflict)
	require.NoError(t, first.Close())
	require.NoError(t, second.Claim(t.Context()))
}
