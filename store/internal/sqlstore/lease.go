package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

// Lease is tandem.Lease over a database.
type Lease struct{ db *DB }

var _ tandem.Lease = (*Lease)(nil)

// Lease returns the leases in the database.
func (d *DB) Lease() *Lease { return &Lease{db: d} }

const (
	acquireLease = `INSERT INTO lease (name, owner, fence, until_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at,
  fence = CASE WHEN lease.owner = excluded.owner AND lease.until_at > $4 THEN lease.fence ELSE lease.fence + 1 END
WHERE lease.owner = excluded.owner OR lease.until_at <= $4
RETURNING fence`
	renewLease   = `UPDATE lease SET until_at = $1 WHERE name = $2 AND owner = $3 AND fence = $4 AND until_at > $5`
	releaseLease = `UPDATE lease SET owner = '', until_at = $1 WHERE name = $2 AND owner = $3 AND fence = $4 AND until_at > $1`
)

// Acquire implements tandem.Lease.
func (l *Lease) Acquire(ctx context.Context, name string, owner tandem.NodeID, ttl time.Duration) (tandem.Grant, error) {
	if name == "" || owner == "" || ttl < time.Millisecond {
		return tandem.Grant{}, l.db.wrap("acquire lease "+name, fmt.Errorf("needs a name, an owner and at least 1 ms: %w", tandem.ErrInvalid))
	}
	// The clock is read first: a grant is then rather too short than too long, and another's is rather kept than taken.
	now, err := l.db.now(ctx)
	if err != nil {
		return tandem.Grant{}, l.db.wrap("acquire lease "+name, err)
	}
	g := tandem.Grant{Name: name, Owner: owner, Until: now.Add(ttl)}
	err = l.db.Write.QueryRowContext(ctx, acquireLease, name, string(owner), Time{g.Until}, Time{now}).Scan(&g.Fence)
	if errors.Is(err, sql.ErrNoRows) {
		err = tandem.ErrConflict
	}
	if err != nil {
		return tandem.Grant{}, l.db.wrap("acquire lease "+name, err)
	}
	return g, nil
}

// Renew implements tandem.Lease.
func (l *Lease) Renew(ctx context.Context, g tandem.Grant, ttl time.Duration) (tandem.Grant, error) {
	if ttl < time.Millisecond {
		return tandem.Grant{}, l.db.wrap("renew lease "+g.Name, fmt.Errorf("needs at least 1 ms: %w", tandem.ErrInvalid))
	}
	now, err := l.db.now(ctx)
	if err != nil {
		return tandem.Grant{}, l.db.wrap("renew lease "+g.Name, err)
	}
	until := now.Add(ttl)
	if err := l.change(ctx, renewLease, Time{until}, g.Name, string(g.Owner), g.Fence, Time{now}); err != nil {
		return tandem.Grant{}, l.db.wrap("renew lease "+g.Name, err)
	}
	g.Until = until
	return g, nil
}

// Release implements tandem.Lease.
func (l *Lease) Release(ctx context.Context, g tandem.Grant) error {
	now, err := l.db.now(ctx)
	if err == nil {
		err = l.change(ctx, releaseLease, Time{now}, g.Name, string(g.Owner), g.Fence)
	}
	return l.db.wrap("release lease "+g.Name, err)
}

// change does a statement that must touch exactly the lease that is still held.
func (l *Lease) change(ctx context.Context, statement string, args ...any) error {
	res, err := l.db.Write.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return tandem.ErrConflict
	}
	return nil
}
