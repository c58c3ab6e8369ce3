package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tandem-cc/tandem"
)

// claim is the proof that this process alone runs a centre on the file: an exclusive lock on an empty file beside it, which the
// system takes back when the process ends, however it ends.
type claim struct {
	mu sync.Mutex
	db *sql.DB // nil without a claim
	tx *sql.Tx // holds the lock
}

// Claim makes this process the one that runs a centre on the file, until Close or the process's end. ErrConflict says that
// another does. Stores that are opened beside it, to read or to add an account, need no claim. Calling it again is harmless.
func (s *Store) Claim(ctx context.Context) error {
	s.claim.mu.Lock()
	defer s.claim.mu.Unlock()
	if s.claim.db != nil {
		return nil
	}
	// Nothing is ever written to this file. It must not be opened by other means: the system would drop the lock at that closing.
	dsn := (&url.URL{Scheme: "file", Opaque: url.PathEscape(s.path + ".lock")}).String() + "?_txlock=exclusive"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("sqlitestore: claim: %w", err)
	}
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		var fault *sqlite.Error
		if errors.As(err, &fault) && fault.Code()&0xff == sqlite3.SQLITE_BUSY {
			err = fmt.Errorf("another process runs a centre on %s: %w", s.path, tandem.ErrConflict)
		}
		return errors.Join(fmt.Errorf("sqlitestore: claim: %w", err), db.Close())
	}
	s.claim.db, s.claim.tx = db, tx
	return nil
}

// release gives the claim up.
func (c *claim) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return nil
	}
	err := errors.Join(c.tx.Rollback(), c.db.Close())
	c.db, c.tx = nil, nil
	return err
}
