package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/tandem-cc/tandem"
)

// claim is the proof that this process alone runs a centre in the schema: an advisory lock of a connection that is kept for it.
type claim struct {
	mu   sync.Mutex
	conn *sql.Conn // nil without a claim
}

// keepalives let the server notice within some fifteen seconds that the claiming machine is gone without a word.
const keepalives = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3"

// Claim makes this process the one that runs a centre in the schema, until Close or the connection's loss. ErrConflict says
// that another does. Call it again now and then: it finds out whether the claim still holds, and renews one that was lost with its
// connection. Several processes that share a centre through leases need no claim.
func (s *Store) Claim(ctx context.Context) error {
	s.claim.mu.Lock()
	defer s.claim.mu.Unlock()
	if c := s.claim.conn; c != nil {
		if _, err := c.ExecContext(ctx, "SELECT 1"); err == nil || ctx.Err() != nil {
			return err
		}
		s.claim.conn = nil
		_ = c.Close() // It is broken.
	}
	conn, err := s.db.Write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("pgstore: claim: %w", err)
	}
	if err := take(ctx, conn); err != nil {
		return errors.Join(fmt.Errorf("pgstore: claim: %w", err), conn.Close())
	}
	s.claim.conn = conn
	return nil
}

func take(ctx context.Context, conn *sql.Conn) error {
	id, err := lockID(ctx, conn, "tandem.centre.")
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, keepalives); err != nil {
		return err //nolint:wrapcheck // The caller says what for.
	}
	var mine bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", id).Scan(&mine); err != nil {
		return err //nolint:wrapcheck // The caller says what for.
	}
	if !mine {
		return fmt.Errorf("another process runs a centre in this database: %w", tandem.ErrConflict)
	}
	return nil
}

// release gives the claim up. The connection returns to the pool, which is being closed.
func (c *claim) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}
