package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

// Leads is campaign.Store, campaign.Lists and campaign.DoNotCall over a database.
type Leads struct{ db *DB }

var (
	_ campaign.Store     = (*Leads)(nil)
	_ campaign.Lists     = (*Leads)(nil)
	_ campaign.DoNotCall = (*Leads)(nil)
)

// Leads returns the campaigns' leads in the database.
func (d *DB) Leads() *Leads { return &Leads{db: d} }

const (
	selectState    = `SELECT state FROM campaign_state WHERE campaign = $1`
	insertState    = `INSERT INTO campaign_state (campaign, state) VALUES ($1, $2) ON CONFLICT (campaign) DO NOTHING`
	updateState    = `UPDATE campaign_state SET state = $3 WHERE campaign = $1 AND state = $2`
	selectOpen     = `SELECT data FROM attempt WHERE campaign = $1 AND settled_at IS NULL AND (node = $2 OR $2 = '') ORDER BY at, attempt_id`
	leaseReturning = ` RETURNING lead_id, campaign, pos, state, next_at, attempts, fence, data, progress`
	leaseSet       = `UPDATE lead SET fence = fence + 1, leased_until = $3 WHERE lead_id IN (
SELECT lead_id FROM lead WHERE campaign = $1 AND state = 'waiting' AND next_at <= $2 AND leased_until <= $2 AND attempts `
	leaseAgain = leaseSet + `> 0 ORDER BY next_at, pos LIMIT $4`
	leaseFresh = leaseSet + `= 0 ORDER BY pos LIMIT $4`
	nextDue    = `SELECT min(CASE WHEN leased_until > next_at THEN leased_until ELSE next_at END) FROM lead
WHERE campaign = $1 AND state = 'waiting'`
	exhausted  = `SELECT NOT EXISTS (SELECT 1 FROM lead WHERE campaign = $1 AND state IN ('waiting', 'dialing'))`
	selectLead = `SELECT state, fence, attempts FROM lead WHERE campaign = $1 AND lead_id = $2`
	setDialing = `UPDATE lead SET state = 'dialing', attempts = attempts + 1 WHERE lead_id = $1`
	// A settled lead's fencing number moves on, so that the grant it was settled under is worth nothing any more.
	setSettled    = `UPDATE lead SET state = $2, next_at = $3, progress = $4, leased_until = $5, fence = fence + 1 WHERE lead_id = $1`
	selectAttempt = `SELECT lead_id, settled_at FROM attempt WHERE attempt_id = $1`
	insertAttempt = `INSERT INTO attempt (attempt_id, campaign, lead_id, node, at, outcome, cause, data) VALUES ($1,$2,$3,$4,$5,'','',$6)`
	settleAttempt = `UPDATE attempt SET settled_at = $2, outcome = $3, cause = $4 WHERE attempt_id = $1`
	selectBlocked = `SELECT EXISTS (SELECT 1 FROM do_not_call WHERE number = $2 AND campaign IN ('', $1))`
)

// leadRow is a row of the table lead.
type leadRow struct {
	id, campaign, state string
	pos                 int64
	next                Time
	attempts            int
	fence               uint64
	data, progress      []byte
}

// entry returns what the row says.
func (r *leadRow) entry() (campaign.Entry, error) {
	var e campaign.Entry
	if err := json.Unmarshal(r.data, &e.Lead); err != nil {
		return e, err
	}
	if err := json.Unmarshal(r.progress, &e.Progress); err != nil {
		return e, err
	}
	e.Progress.Attempts = r.attempts
	return e, e.Progress.State.UnmarshalText([]byte(r.state))
}

// Load implements campaign.Store.
func (l *Leads) Load(ctx context.Context, id tandem.CampaignID, node tandem.NodeID) (campaign.Loaded, error) {
	var loaded campaign.Loaded
	var state []byte
	err := l.db.Read.QueryRowContext(ctx, selectState, text(id)).Scan(&state)
	if err == nil {
		err = loaded.State.UnmarshalText(state)
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		loaded.Unfinished, err = all[campaign.Attempt](ctx, l.db, selectOpen, text(id), text(node))
	}
	return loaded, l.db.wrap("load campaign "+string(id), err)
}

// SetState implements campaign.Store.
func (l *Leads) SetState(ctx context.Context, id tandem.CampaignID, from, to tandem.CampaignState) error {
	return l.db.wrap("set state of campaign "+string(id), l.db.tx(ctx, func(tx *sql.Tx) error {
		// An import may have made the row of a campaign that has no state yet.
		if from == tandem.CampaignUnset {
			if _, err := tx.ExecContext(ctx, insertState, text(id), ""); err != nil {
				return err
			}
		}
		n, err := affected(tx.ExecContext(ctx, updateState, text(id), from.String(), to.String()))
		if err == nil && n == 0 {
			err = fmt.Errorf("is not %q: %w", from, tandem.ErrConflict)
		}
		return err
	}))
}

// Lease implements campaign.Store.
func (l *Leads) Lease(ctx context.Context, r campaign.LeaseRequest) (campaign.Batch, error) {
	if r.Max < 1 || r.TTL <= 0 || r.Now.IsZero() {
		return campaign.Batch{}, l.db.wrap("lease leads", fmt.Errorf("needs a maximum, a time and a time to live: %w", tandem.ErrInvalid))
	}
	var b campaign.Batch
	err := l.db.tx(ctx, func(tx *sql.Tx) error {
		for _, query := range []string{leaseAgain, leaseFresh} {
			if len(b.Leads) == r.Max {
				break
			}
			rows, err := leadRows(ctx, tx, query+l.db.SkipLocked+")"+leaseReturning,
				text(r.Campaign), always(r.Now), always(r.Now.Add(r.TTL)), r.Max-len(b.Leads))
			if err != nil {
				return err
			}
			// RETURNING has no order.
			slices.SortFunc(rows, func(x, y leadRow) int {
				if x.attempts > 0 && y.attempts > 0 {
					return cmp.Or(x.next.Compare(y.next.Time), cmp.Compare(x.pos, y.pos))
				}
				return cmp.Compare(x.pos, y.pos)
			})
			for i := range rows {
				e, err := rows[i].entry()
				if err != nil {
					return fmt.Errorf("lead %s: %w", rows[i].id, err)
				}
				b.Leads = append(b.Leads, campaign.Leased{Lead: e.Lead, Progress: e.Progress, Fence: rows[i].fence})
			}
		}
		if len(b.Leads) > 0 {
			return nil
		}
		return l.none(ctx, tx, r, &b)
	})
	if err != nil {
		return campaign.Batch{}, l.db.wrap("lease leads", err)
	}
	return b, nil
}

// none says when there will be leads again.
func (l *Leads) none(ctx context.Context, tx *sql.Tx, r campaign.LeaseRequest, b *campaign.Batch) error {
	if err := tx.QueryRowContext(ctx, exhausted, text(r.Campaign)).Scan(&b.Exhausted); err != nil {
		return err
	}
	var due Time
	if err := tx.QueryRowContext(ctx, nextDue, text(r.Campaign)).Scan(&due); err != nil {
		return err
	}
	b.NextDue = due.Time
	if !due.IsZero() && !due.After(r.Now) {
		b.NextDue = r.Now.Add(time.Second) // others are leasing them at this moment
	}
	return nil
}

func leadRows(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]leadRow, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var out []leadRow
	for rows.Next() {
		var r leadRow
		if err := rows.Scan(&r.id, &r.campaign, &r.pos, &r.state, &r.next, &r.attempts, &r.fence, &r.data, &r.progress); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// lock reads what Begin and Settle decide by, and keeps others from changing it meanwhile.
func (l *Leads) lock(ctx context.Context, tx *sql.Tx, id tandem.CampaignID, lead tandem.LeadID) (leadRow, error) {
	var r leadRow
	err := tx.QueryRowContext(ctx, selectLead+l.db.ForUpdate, text(id), text(lead)).Scan(&r.state, &r.fence, &r.attempts)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("lead %s: %w", lead, tandem.ErrNotFound)
	}
	return r, err
}

// Begin implements campaign.Store.
func (l *Leads) Begin(ctx context.Context, a campaign.Attempt) error {
	data, err := json.Marshal(a)
	if err != nil {
		return l.db.wrap("begin attempt "+string(a.ID), err)
	}
	return l.db.wrap("begin attempt "+string(a.ID), l.db.tx(ctx, func(tx *sql.Tx) error {
		lead, err := l.lock(ctx, tx, a.Campaign, a.Lead)
		if err != nil {
			return err
		}
		var other string
		var settled Time
		err = tx.QueryRowContext(ctx, selectAttempt, text(a.ID)).Scan(&other, &settled)
		switch {
		case err == nil:
			return fmt.Errorf("the name is taken: %w", tandem.ErrConflict)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if lead.state != campaign.LeadWaiting.String() || lead.fence != a.Fence || lead.attempts+1 != a.Count {
			return fmt.Errorf("lead %s is in other hands: %w", a.Lead, tandem.ErrConflict)
		}
		if err := l.allowed(ctx, tx, a); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, setDialing, text(a.Lead)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, insertAttempt, text(a.ID), text(a.Campaign), text(a.Lead), text(a.Node), always(a.At), string(data))
		return err
	}))
}

// allowed checks what may forbid an attempt at the last moment.
func (l *Leads) allowed(ctx context.Context, tx *sql.Tx, a campaign.Attempt) error {
	var state string
	err := tx.QueryRowContext(ctx, selectState+l.db.ForShare, text(a.Campaign)).Scan(&state)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if state != tandem.CampaignActive.String() {
		return fmt.Errorf("campaign %s is %q: %w", a.Campaign, state, tandem.ErrState)
	}
	var blocked bool
	if err := tx.QueryRowContext(ctx, selectBlocked, text(a.Campaign), text(a.Number)).Scan(&blocked); err != nil {
		return err
	}
	if blocked {
		return campaign.ErrDoNotCall
	}
	return nil
}

// Settle implements campaign.Store.
func (l *Leads) Settle(ctx context.Context, s campaign.Settlement) error {
	op := "settle lead " + string(s.Lead)
	if s.Next.State != campaign.LeadWaiting && s.Next.State != campaign.LeadDone {
		return l.db.wrap(op, fmt.Errorf("a settled lead cannot be %q: %w", s.Next.State, tandem.ErrInvalid))
	}
	return l.db.wrap(op, l.db.tx(ctx, func(tx *sql.Tx) error {
		lead, err := l.lock(ctx, tx, s.Campaign, s.Lead)
		if err != nil {
			return err
		}
		want := campaign.LeadWaiting
		if s.Attempt != "" {
			want = campaign.LeadDialing
			if err := settleOpen(ctx, tx, s); err != nil {
				return err
			}
		}
		if lead.fence != s.Fence || lead.state != want.String() {
			return fmt.Errorf("it is in other hands: %w", tandem.ErrConflict)
		}
		next := s.Next
		next.Attempts = lead.attempts
		progress, err := json.Marshal(next)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, setSettled, text(s.Lead), next.State.String(), always(next.NextAt), string(progress), always(time.Time{}))
		return err
	}))
}

// settleOpen settles the attempt, which must be the lead's and not settled.
func settleOpen(ctx context.Context, tx *sql.Tx, s campaign.Settlement) error {
	var lead string
	var settled Time
	err := tx.QueryRowContext(ctx, selectAttempt, text(s.Attempt)).Scan(&lead, &settled)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && lead != text(s.Lead):
		return fmt.Errorf("attempt %s: %w", s.Attempt, tandem.ErrNotFound)
	case err != nil:
		return err
	case !settled.IsZero():
		return fmt.Errorf("attempt %s is settled: %w", s.Attempt, tandem.ErrConflict)
	}
	_, err = tx.ExecContext(ctx, settleAttempt, text(s.Attempt), always(s.At), s.Outcome.String(), s.Cause.String())
	return err
}
