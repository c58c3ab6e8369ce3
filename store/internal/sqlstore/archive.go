package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Archive is reports.Archive over a database.
type Archive struct{ db *DB }

var _ reports.Archive = (*Archive)(nil)

// Archive returns the archive in the database.
func (d *DB) Archive() *Archive { return &Archive{db: d} }

// The roles in call_party.
const (
	roleQueue = "queue"
	roleAgent = "agent"
)

const (
	moveArchive   = `UPDATE archive_head SET seq = $1, state = $2 WHERE id = 1 AND seq = $3`
	setArchive    = `UPDATE archive_head SET seq = $1, state = $2 WHERE id = 1`
	selectArchive = `SELECT seq, state FROM archive_head WHERE id = 1`
	upsertCall    = `INSERT INTO call_record (call_id, started, direction, campaign, customer, data) VALUES ($1,$2,$3,$4,$5,$6)
ON CONFLICT (call_id) DO UPDATE SET data = excluded.data`
	upsertParty    = `INSERT INTO call_party (role, name, started, call_id) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING`
	upsertActivity = `INSERT INTO agent_activity (seq, agent, began, ended, data) VALUES ($1,$2,$3,$4,$5)
ON CONFLICT (seq) DO UPDATE SET ended = excluded.ended, data = excluded.data`
	selectCall = `SELECT data FROM call_record WHERE call_id = $1`
)

// Save implements reports.Archive.
func (a *Archive) Save(ctx context.Context, c reports.Changes) error {
	return a.db.wrap("save archive", a.db.tx(ctx, func(tx *sql.Tx) error {
		if c.Rebuild {
			for _, table := range []string{"call_record", "call_party", "agent_activity"} {
				if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
					return err
				}
			}
		}
		if err := moveHead(ctx, tx, c); err != nil {
			return err
		}
		for i := range c.Calls {
			if err := saveCall(ctx, tx, &c.Calls[i]); err != nil {
				return fmt.Errorf("call %s: %w", c.Calls[i].Call.ID, err)
			}
		}
		for _, act := range c.Activities {
			data, err := json.Marshal(act)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, upsertActivity, act.Seq, text(act.Agent), Time{act.From}, Time{act.To}, string(data)); err != nil {
				return fmt.Errorf("activity %d: %w", act.Seq, err)
			}
		}
		return nil
	}))
}

func moveHead(ctx context.Context, tx *sql.Tx, c reports.Changes) error {
	if c.Rebuild {
		_, err := tx.ExecContext(ctx, setArchive, c.Checkpoint.Seq, string(c.Checkpoint.State))
		return err
	}
	res, err := tx.ExecContext(ctx, moveArchive, c.Checkpoint.Seq, string(c.Checkpoint.State), c.Since)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("the checkpoint is not at %d: %w", c.Since, tandem.ErrConflict)
	}
	return nil
}

func saveCall(ctx context.Context, tx *sql.Tx, c *reports.CallRecord) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	id, started := text(c.Call.ID), Time{c.Started}
	_, err = tx.ExecContext(ctx, upsertCall, id, started, c.Call.Direction.String(), text(c.Call.Campaign),
		text(c.Call.CustomerNumber()), string(data))
	if err != nil {
		return err
	}
	for _, q := range c.Queues() {
		if _, err := tx.ExecContext(ctx, upsertParty, roleQueue, text(q), started, id); err != nil {
			return err
		}
	}
	for _, agent := range c.Agents() {
		if _, err := tx.ExecContext(ctx, upsertParty, roleAgent, text(agent), started, id); err != nil {
			return err
		}
	}
	return nil
}

// Checkpoint implements reports.Archive.
func (a *Archive) Checkpoint(ctx context.Context) (reports.Checkpoint, error) {
	var cp reports.Checkpoint
	if err := a.db.Read.QueryRowContext(ctx, selectArchive).Scan(&cp.Seq, &cp.State); err != nil {
		return reports.Checkpoint{}, a.db.wrap("checkpoint", err)
	}
	if cp.Seq == 0 {
		return reports.Checkpoint{}, nil
	}
	return cp, nil
}

// Call implements reports.Archive.
func (a *Archive) Call(ctx context.Context, id tandem.CallID) (reports.CallRecord, error) {
	var data []byte
	err := a.db.Read.QueryRowContext(ctx, selectCall, text(id)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		err = tandem.ErrNotFound
	}
	var c reports.CallRecord
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return reports.CallRecord{}, a.db.wrap("call "+string(id), err)
	}
	return c, nil
}

// Calls implements reports.Archive.
func (a *Archive) Calls(ctx context.Context, q reports.CallQuery) ([]reports.CallRecord, error) {
	limit, err := q.Page()
	if err != nil {
		return nil, a.db.wrap("calls", err)
	}
	var s selection
	if !q.From.IsZero() {
		s.add("c.started >= %s", Time{q.From})
	}
	if !q.To.IsZero() {
		s.add("c.started < %s", Time{q.To})
	}
	if q.Direction != tandem.DirectionUnset {
		s.add("c.direction = %s", q.Direction.String())
	}
	if q.Campaign != "" {
		s.add("c.campaign = %s", text(q.Campaign))
	}
	if q.Customer != "" {
		s.add("c.customer = %s", text(q.Customer))
	}
	if q.Queue != "" {
		s.party(roleQueue, text(q.Queue))
	}
	if q.Agent != "" {
		s.party(roleAgent, text(q.Agent))
	}
	order, than := "c.started, c.call_id", ">"
	if q.Newest {
		order, than = "c.started DESC, c.call_id DESC", "<"
	}
	if q.After != nil {
		s.where = append(s.where, fmt.Sprintf("(c.started, c.call_id) %s (%s, %s)",
			than, s.arg(Time{q.After.Started}), s.arg(text(q.After.Call))))
	}
	query := "SELECT c.data FROM call_record c" + s.String() + " ORDER BY " + order + " LIMIT " + s.arg(limit)
	calls := make([]reports.CallRecord, 0, limit)
	err = a.db.each(ctx, func(data string) error {
		var c reports.CallRecord
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return err
		}
		calls = append(calls, c)
		return nil
	}, query, s.args...)
	if err != nil {
		return nil, a.db.wrap("calls", err)
	}
	return calls, nil
}

// party selects the calls that a queue or agent had to do with.
func (s *selection) party(role, name string) {
	s.where = append(s.where, fmt.Sprintf(
		"EXISTS (SELECT 1 FROM call_party p WHERE p.role = %s AND p.name = %s AND p.started = c.started AND p.call_id = c.call_id)",
		s.arg(role), s.arg(name)))
}

// Activities implements reports.Archive.
func (a *Archive) Activities(ctx context.Context, q reports.ActivityQuery) ([]reports.Activity, error) {
	limit, err := q.Page()
	if err != nil {
		return nil, a.db.wrap("activities", err)
	}
	var s selection
	if !q.From.IsZero() {
		s.add("(ended IS NULL OR ended > %s)", Time{q.From})
	}
	if !q.To.IsZero() {
		s.add("began < %s", Time{q.To})
	}
	if q.Agent != "" {
		s.add("agent = %s", text(q.Agent))
	}
	if q.After != 0 {
		s.add("seq > %s", q.After)
	}
	query := "SELECT data FROM agent_activity" + s.String() + " ORDER BY seq LIMIT " + s.arg(limit)
	acts := make([]reports.Activity, 0, limit)
	err = a.db.each(ctx, func(data string) error {
		var act reports.Activity
		if err := json.Unmarshal([]byte(data), &act); err != nil {
			return err
		}
		acts = append(acts, act)
		return nil
	}, query, s.args...)
	if err != nil {
		return nil, a.db.wrap("activities", err)
	}
	return acts, nil
}
