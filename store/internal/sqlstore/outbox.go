package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

// Outbox is crm.Outbox over a database.
type Outbox struct{ db *DB }

var _ crm.Outbox = (*Outbox)(nil)

// Outbox returns the outbox in the database.
func (d *DB) Outbox() *Outbox { return &Outbox{db: d} }

const (
	raiseMark      = `UPDATE outbox_head SET mark = $1 WHERE id = 1 AND mark < $1`
	selectMark     = `SELECT mark FROM outbox_head WHERE id = 1`
	insertDelivery = `INSERT INTO delivery (delivery_id, seq, line, state, attempts, next_at, last_error, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (delivery_id) DO NOTHING`
	deliveryColumns = `SELECT d.state, d.attempts, d.next_at, d.last_error, d.data FROM delivery d `
	selectDue       = deliveryColumns + `WHERE d.state = 'pending' AND d.next_at <= $1 AND NOT EXISTS (
  SELECT 1 FROM delivery e WHERE e.line = d.line AND e.state = 'pending' AND e.seq < d.seq)
ORDER BY d.next_at, d.seq, d.delivery_id LIMIT $2`
	selectInState  = deliveryColumns + `WHERE d.state = $1 ORDER BY d.seq DESC, d.delivery_id LIMIT $2`
	settleDelivery = `UPDATE delivery SET state = $2, attempts = $3, next_at = $4, last_error = $5 WHERE delivery_id = $1`
)

// deliveryData is what never changes of a delivery.
type deliveryData struct {
	ID    string `json:"id"`
	Seq   uint64 `json:"seq"`
	Order string `json:"order"`
	Type  string `json:"type"`
	Body  []byte `json:"body"`
}

// Enqueue implements crm.Outbox.
func (o *Outbox) Enqueue(ctx context.Context, mark uint64, ds ...crm.Delivery) error {
	return o.db.wrap("enqueue", o.db.tx(ctx, func(tx *sql.Tx) error {
		for i := range ds {
			d := &ds[i]
			data, err := json.Marshal(deliveryData{ID: d.ID, Seq: d.Seq, Order: d.Order, Type: d.Type, Body: d.Body})
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, insertDelivery, text(d.ID), d.Seq, text(d.Order), d.State.String(), d.Attempts,
				always(d.NextAt), text(d.LastError), string(data))
			if err != nil {
				return fmt.Errorf("delivery %s: %w", d.ID, err)
			}
		}
		_, err := tx.ExecContext(ctx, raiseMark, mark)
		return err
	}))
}

// Mark implements crm.Outbox.
func (o *Outbox) Mark(ctx context.Context) (uint64, error) {
	var mark uint64
	err := o.db.Read.QueryRowContext(ctx, selectMark).Scan(&mark)
	return mark, o.db.wrap("mark", err)
}

// Due implements crm.Outbox.
func (o *Outbox) Due(ctx context.Context, now time.Time, limit int) ([]crm.Delivery, error) {
	ds, err := o.deliveries(ctx, limit, selectDue, always(now), limit)
	return ds, o.db.wrap("due deliveries", err)
}

// List implements crm.Outbox.
func (o *Outbox) List(ctx context.Context, state crm.DeliveryState, limit int) ([]crm.Delivery, error) {
	ds, err := o.deliveries(ctx, limit, selectInState, state.String(), limit)
	return ds, o.db.wrap("list deliveries", err)
}

func (o *Outbox) deliveries(ctx context.Context, limit int, query string, args ...any) ([]crm.Delivery, error) {
	if limit < 1 {
		return nil, fmt.Errorf("limit %d: %w", limit, tandem.ErrInvalid)
	}
	rows, err := o.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var ds []crm.Delivery
	for rows.Next() {
		var d crm.Delivery
		var state, data []byte
		var next Time
		if err := rows.Scan(&state, &d.Attempts, &next, &d.LastError, &data); err != nil {
			return nil, err
		}
		if err := d.State.UnmarshalText(state); err != nil {
			return nil, err
		}
		var kept deliveryData
		if err := json.Unmarshal(data, &kept); err != nil {
			return nil, err
		}
		d.ID, d.Seq, d.Order, d.Type, d.Body = kept.ID, kept.Seq, kept.Order, kept.Type, kept.Body
		d.NextAt = never(next)
		ds = append(ds, d)
	}
	return ds, rows.Err()
}

// Settle implements crm.Outbox.
func (o *Outbox) Settle(ctx context.Context, d crm.Delivery) error {
	n, err := affected(o.db.Write.ExecContext(ctx, settleDelivery, text(d.ID), d.State.String(), d.Attempts, always(d.NextAt), text(d.LastError)))
	if err == nil && n == 0 {
		err = tandem.ErrNotFound
	}
	return o.db.wrap("settle delivery "+d.ID, err)
}

// never undoes always.
func never(t Time) time.Time {
	if t.Equal(always(time.Time{}).Time) {
		return time.Time{}
	}
	return t.Time
}
