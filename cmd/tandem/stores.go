package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

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
	Claim(ctx context.Context) error
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

// How long a server that starts waits for one that ends, and how often a running one makes sure that it still is the one.
const (
	claimPatience = 10 * time.Second
	claimEvery    = 5 * time.Second
)

// take makes this process the one that runs the centre on the database. One that stops, or was killed a moment ago, is
// waited for.
func (s *stores) take(ctx context.Context, log *slog.Logger) error {
	deadline := time.Now().Add(claimPatience)
	for told := false; ; told = true {
		err := s.Claim(ctx)
		if !errors.Is(err, tandem.ErrConflict) || time.Now().After(deadline) {
			return err
		}
		if !told {
			log.WarnContext(ctx, "another process runs a centre on this database, waiting for its end", "database", s.name, "for", claimPatience)
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
}

// keep makes sure of the claim until ctx ends. That another process has it is a fault that ends the server.
func (s *stores) keep(ctx context.Context, log *slog.Logger) error {
	for {
		if err := sleep(ctx, claimEvery); err != nil {
			return err
		}
		switch err := s.Claim(ctx); {
		case errors.Is(err, tandem.ErrConflict):
			return err
		case err != nil && ctx.Err() == nil:
			log.WarnContext(ctx, "claim on the database not confirmed, trying again", "error", err)
		}
	}
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
