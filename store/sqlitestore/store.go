package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/internal/sqlstore"
	"github.com/tandem-cc/tandem/web/account"
)

// Config says where the file is.
type Config struct {
	// Path is the database file. It is made when it does not exist; its directory must. Required.
	Path string
	// Readers is how many queries may run at once. Default 4.
	Readers int
}

// Store is a SQLite file behind the ports of the engines. All methods may be called concurrently.
type Store struct {
	db    *sqlstore.DB
	path  string
	claim claim
}

// Open opens the file, or makes it. The schema is not touched: call Migrate before anything else.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Path == "" {
		return nil, &tandem.ConfigError{Where: "sqlitestore.path", What: "is missing"}
	}
	if cfg.Readers < 0 {
		return nil, &tandem.ConfigError{Where: "sqlitestore.readers", What: "is negative"}
	}
	if cfg.Readers == 0 {
		cfg.Readers = 4
	}
	if err := private(cfg.Path); err != nil {
		return nil, err
	}
	write, err := open(ctx, cfg.Path, "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := open(ctx, cfg.Path, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(cfg.Readers)
	read.SetMaxIdleConns(cfg.Readers)
	return &Store{path: cfg.Path, db: &sqlstore.DB{Name: "sqlitestore", Write: write, Read: read}}, nil
}

// private makes the file, or checks that it is one, and closes it to everybody else. SQLite gives its companions the same mode.
func private(path string) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("sqlitestore: open: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("sqlitestore: open: %w", err)
	}
	return nil
}

// open returns a pool whose connections have our settings.
func open(ctx context.Context, path, more string) (*sql.DB, error) {
	dsn := (&url.URL{Scheme: "file", Opaque: url.PathEscape(path)}).String() +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + more
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: open %s: %w", path, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlitestore: open %s: %w", path, err), db.Close())
	}
	return db, nil
}

// Close closes the connections and gives up the claim.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.claim.release()) }

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

// Migrate brings the schema to the present version. It is safe to call at every start.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := Migrations()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db.Write, files)
	if err != nil {
		return fmt.Errorf("sqlitestore: migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("sqlitestore: migrate: %w", err)
	}
	return nil
}

// Migrations returns the schema's numbered files in the form of package goose.
func Migrations() (fs.FS, error) {
	files, err := sqlstore.Migrations()
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return files, nil
}
