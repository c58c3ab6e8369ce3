package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/pgstore"
	"github.com/tandem-cc/tandem/store/sqlitestore"
	"github.com/tandem-cc/tandem/web"
)

// database is what a store offers, whichever it is.
type database interface {
	Migrate(ctx context.Context) error
	Journal() reports.Store
	Archive() reports.Archive
	Leads() campaign.Store
	Lists() campaign.Lists
	DoNotCall() campaign.DoNotCall
	Accounts() web.Accounts
	Sessions() web.Sessions
	Outbox() crm.Outbox
	Lease() tandem.Lease
	Close() error
}

// stores is an open database and what to call it.
type stores struct {
	database

	name string // for people: what and where, without secrets
}

// openStores opens PostgreSQL when the configuration or the environment names one, else SQLite in the data folder, and
// brings its tables up to date.
func openStores(ctx context.Context, c fileConfig) (*stores, error) {
	s := &stores{}
	if c.Database != "" || os.Getenv("PGHOST") != "" {
		db, err := pgstore.Open(ctx, pgstore.Config{URL: c.Database})
		if err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		s.database, s.name = db, "PostgreSQL"
	} else {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
		path := filepath.Join(c.Data, "tandem.db")
		db, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: path})
		if err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		s.database, s.name = db, "SQLite "+path
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), s.Close())
	}
	return s, nil
}
