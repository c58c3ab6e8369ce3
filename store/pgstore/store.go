package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/internal/sqlstore"
	"github.com/tandem-cc/tandem/web/account"
)

// Config says which server is used.
type Config struct {
	// URL is a connection string, a URL or key=value pairs. What it lacks comes from the standard variables PGHOST,
	// PGUSER and so on, so that it may be empty.
	URL string
	// Connections is how many are open at most. Default 16.
	Connections int
}

// Store is a PostgreSQL database behind the ports of the engines. All methods may be called concurrently.
type Store struct {
	db    *sqlstore.DB
	claim claim
}

// Open connects. The schema is not touched: call Migrate before anything else.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Connections < 0 {
		return nil, &tandem.ConfigError{Where: "pgstore.connections", What: "is negative"}
	}
	if cfg.Connections == 0 {
		cfg.Connections = 16
	}
	conf, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		// The parser's error may repeat the password.
		return nil, &tandem.ConfigError{Where: "pgstore.url", What: "is not a connection string"}
	}
	db := stdlib.OpenDB(*conf)
	db.SetMaxOpenConns(cfg.Connections)
	db.SetMaxIdleConns(cfg.Connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("pgstore: open: %w", err), db.Close())
	}
	return &Store{db: &sqlstore.DB{
		Name: "pgstore", Write: db, Read: db, Clock: "SELECT clock_timestamp()",
		ForUpdate: " FOR UPDATE", ForShare: " FOR SHARE", SkipLocked: " FOR UPDATE SKIP LOCKED",
	}}, nil
}

// Close closes the connections and gives up the claim.
func (s *Store) Close() error { return errors.Join(s.claim.release(), s.db.Close()) }

// Journal returns the journal.
func (s *Store) Journal() reports.Store { return s.db.Journal() }

// Archive returns the archive of call records and activities.
func (s *Store) Archive() reports.Archive { return s.db.Archive() }

// Lease returns the leases.
func (s *Store) Lease() tandem.Lease { return s.db.Lease() }

// Leads returns the campaigns' leads and attempts.
func (s *Store) Leads() campaign.Store { return s.db.Leads() }

// Lists returns the campaigns' contact lists, for imports and screens.
func (s *Store) Lists() campaign.Lists { return s.db.Leads() }

// DoNotCall returns the numbers that must not be called.
func (s *Store) DoNotCall() campaign.DoNotCall { return s.db.Leads() }

// Accounts returns who may log in.
func (s *Store) Accounts() account.Accounts { return s.db.Accounts() }

// Sessions returns who is logged in.
func (s *Store) Sessions() account.Sessions { return s.db.Sessions() }

// Outbox returns the webhooks' outbox.
func (s *Store) Outbox() crm.Outbox { return s.db.Outbox() }

// Migrate brings the schema to the present version. It is safe to call at every start, by several nodes at once.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := Migrations()
	if err != nil {
		return err
	}
	id, err := lockID(ctx, s.db.Write, "tandem.")
	if err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(
		lock.WithLockID(id),
		lock.WithLockTimeout(1, 300), // ask each second, for five minutes
	)
	if err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, s.db.Write, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("pgstore: migrate: %w", err)
	}
	return nil
}

// lockID names an advisory lock of the schema: centres in other schemas of the database have their own.
func lockID(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, purpose string,
) (int64, error) {
	var schema string
	if err := q.QueryRowContext(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return 0, err //nolint:wrapcheck // The caller says what for.
	}
	id := fnv.New64a()
	_, _ = id.Write([]byte(purpose + schema)) // a hash takes everything
	return int64(id.Sum64()), nil             //nolint:gosec // any number will do
}

// Migrations returns the schema's numbered files in the form of package goose.
func Migrations() (fs.FS, error) {
	files, err := sqlstore.Migrations()
	if err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	return files, nil
}

// Pool returns the pool, for a host that joins its own tables. The tables of this package are not part of its promise.
func (s *Store) Pool() *sql.DB { return s.db.Write }
