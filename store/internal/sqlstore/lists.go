package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

const (
	lockCampaign = `SELECT campaign FROM campaign_state WHERE campaign = $1`
	lastPosition = `SELECT coalesce(max(pos), 0) FROM lead WHERE campaign = $1`
	selectSame   = `SELECT lead_id, state, attempts, data, progress FROM lead WHERE campaign = $1 AND dedup = $2 ORDER BY pos LIMIT 1`
	insertLead   = `INSERT INTO lead (lead_id, campaign, pos, dedup, state, next_at, attempts, fence, leased_until, data, progress)
VALUES ($1, $2, $3, $4, 'waiting', $5, 0, 0, $5, $6, $7) ON CONFLICT (lead_id) DO NOTHING`
	updateLead     = `UPDATE lead SET data = $2, progress = $3 WHERE lead_id = $1`
	countLeads     = `SELECT state, count(*) FROM lead WHERE campaign = $1 GROUP BY state`
	countOutcomes  = `SELECT outcome, count(*) FROM attempt WHERE campaign = $1 AND settled_at IS NOT NULL GROUP BY outcome`
	selectPosition = `SELECT pos FROM lead WHERE campaign = $1 AND lead_id = $2`
	selectLeads    = `SELECT dedup, state, attempts, data, progress FROM lead WHERE campaign = $1 AND pos > $2 ORDER BY pos LIMIT $3`
	insertBlocked  = `INSERT INTO do_not_call (campaign, number) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	deleteBlocked  = `DELETE FROM do_not_call WHERE campaign = $1 AND number = $2`
)

// Import implements campaign.Lists.
func (l *Leads) Import(
	ctx context.Context, id tandem.CampaignID, policy campaign.Duplicates, leads []campaign.NewLead,
) (campaign.ImportCounts, error) {
	var counts campaign.ImportCounts
	err := l.db.tx(ctx, func(tx *sql.Tx) error {
		// Imports of one campaign go one after the other: its row is the lock.
		if _, err := tx.ExecContext(ctx, insertState, text(id), ""); err != nil {
			return err
		}
		var locked string
		if err := tx.QueryRowContext(ctx, lockCampaign+l.db.ForUpdate, text(id)).Scan(&locked); err != nil {
			return err
		}
		im := importing{tx: tx, campaign: id, policy: policy}
		if err := tx.QueryRowContext(ctx, lastPosition, text(id)).Scan(&im.pos); err != nil {
			return err
		}
		for i := range leads {
			if err := im.add(ctx, leads[i]); err != nil {
				return fmt.Errorf("lead %d (%s): %w", i+1, leads[i].Lead.ID, err)
			}
		}
		counts = im.counts
		return nil
	})
	if err != nil {
		return campaign.ImportCounts{}, l.db.wrap("import", err)
	}
	return counts, nil
}

// importing is an import under way.
type importing struct {
	tx       *sql.Tx
	campaign tandem.CampaignID
	policy   campaign.Duplicates
	pos      int64
	counts   campaign.ImportCounts
}

func (im *importing) add(ctx context.Context, n campaign.NewLead) error {
	if n.Lead.ID == "" || len(n.Lead.Phones) == 0 {
		return fmt.Errorf("needs an ID and a phone: %w", tandem.ErrInvalid)
	}
	n.Lead.Campaign = im.campaign
	if n.Key != "" && im.policy != campaign.AddAll {
		var r leadRow
		err := im.tx.QueryRowContext(ctx, selectSame, text(im.campaign), text(n.Key)).
			Scan(&r.id, &r.state, &r.attempts, &r.data, &r.progress)
		if err == nil {
			return im.again(ctx, &r, n)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	data, err := json.Marshal(n.Lead)
	if err != nil {
		return err
	}
	progress, err := json.Marshal(campaign.Progress{State: campaign.LeadWaiting})
	if err != nil {
		return err
	}
	im.pos++
	rows, err := affected(im.tx.ExecContext(ctx, insertLead, text(n.Lead.ID), text(im.campaign), im.pos, text(n.Key),
		always(time.Time{}), string(data), string(progress)))
	if err == nil && rows == 0 {
		err = tandem.ErrConflict
	}
	im.counts.Added++
	return err
}

// again does with a duplicate what the policy says.
func (im *importing) again(ctx context.Context, r *leadRow, n campaign.NewLead) error {
	if im.policy != campaign.UpdateFirst {
		im.counts.Skipped++
		return nil
	}
	e, err := r.entry()
	if err != nil {
		return err
	}
	n.Lead.ID = e.Lead.ID
	if e.Progress.Phone >= len(n.Lead.Phones) {
		e.Progress.Phone = 0
	}
	data, err := json.Marshal(n.Lead)
	if err != nil {
		return err
	}
	progress, err := json.Marshal(e.Progress)
	if err != nil {
		return err
	}
	im.counts.Updated++
	_, err = im.tx.ExecContext(ctx, updateLead, r.id, string(data), string(progress))
	return err
}

// Counts implements campaign.Lists.
func (l *Leads) Counts(ctx context.Context, id tandem.CampaignID) (campaign.Counts, error) {
	var c campaign.Counts
	err := l.count(ctx, countLeads, id, func(name []byte, n int) error {
		var s campaign.LeadState
		if err := s.UnmarshalText(name); err != nil {
			return err
		}
		switch s {
		case campaign.LeadWaiting:
			c.Waiting = n
		case campaign.LeadDialing:
			c.Dialing = n
		case campaign.LeadDone:
			c.Done = n
		case campaign.LeadUnset:
		}
		return nil
	})
	if err == nil {
		err = l.count(ctx, countOutcomes, id, func(name []byte, n int) error {
			var o tandem.Outcome
			if err := o.UnmarshalText(name); err != nil {
				return err
			}
			if c.Outcomes == nil {
				c.Outcomes = make(map[tandem.Outcome]int)
			}
			c.Outcomes[o] = n
			return nil
		})
	}
	if err != nil {
		return campaign.Counts{}, l.db.wrap("count leads", err)
	}
	return c, nil
}

// count calls add with every name and number that a query returns.
func (l *Leads) count(ctx context.Context, query string, id tandem.CampaignID, add func(name []byte, n int) error) error {
	rows, err := l.db.Read.QueryContext(ctx, query, text(id))
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var name []byte
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		if err := add(name, n); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Leads implements campaign.Lists.
func (l *Leads) Leads(ctx context.Context, id tandem.CampaignID, after tandem.LeadID, limit int) ([]campaign.Entry, error) {
	es, err := l.leads(ctx, id, after, limit)
	return es, l.db.wrap("leads", err)
}

func (l *Leads) leads(ctx context.Context, id tandem.CampaignID, after tandem.LeadID, limit int) ([]campaign.Entry, error) {
	if limit < 1 || limit > 1000 {
		return nil, fmt.Errorf("limit %d is not between 1 and 1000: %w", limit, tandem.ErrInvalid)
	}
	var pos int64
	if after != "" {
		err := l.db.Read.QueryRowContext(ctx, selectPosition, text(id), text(after)).Scan(&pos)
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("lead %s: %w", after, tandem.ErrNotFound)
		}
		if err != nil {
			return nil, err
		}
	}
	rows, err := l.db.Read.QueryContext(ctx, selectLeads, text(id), pos, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var es []campaign.Entry
	for rows.Next() {
		var r leadRow
		var key string
		if err := rows.Scan(&key, &r.state, &r.attempts, &r.data, &r.progress); err != nil {
			return nil, err
		}
		e, err := r.entry()
		if err != nil {
			return nil, err
		}
		e.Key = key
		es = append(es, e)
	}
	return es, rows.Err()
}

// Block implements campaign.DoNotCall.
func (l *Leads) Block(ctx context.Context, id tandem.CampaignID, numbers ...tandem.Number) error {
	return l.db.wrap("block numbers", l.forNumbers(ctx, insertBlocked, id, numbers))
}

// Unblock implements campaign.DoNotCall.
func (l *Leads) Unblock(ctx context.Context, id tandem.CampaignID, numbers ...tandem.Number) error {
	return l.db.wrap("unblock numbers", l.forNumbers(ctx, deleteBlocked, id, numbers))
}

func (l *Leads) forNumbers(ctx context.Context, statement string, id tandem.CampaignID, numbers []tandem.Number) error {
	return l.db.tx(ctx, func(tx *sql.Tx) error {
		for _, n := range numbers {
			if _, err := tx.ExecContext(ctx, statement, text(id), text(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Blocked implements campaign.DoNotCall.
func (l *Leads) Blocked(ctx context.Context, id tandem.CampaignID, number tandem.Number) (bool, error) {
	var blocked bool
	err := l.db.Read.QueryRowContext(ctx, selectBlocked, text(id), text(number)).Scan(&blocked)
	return blocked, l.db.wrap("blocked", err)
}
