package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Journal is reports.Store over a database.
type Journal struct{ db *DB }

var _ reports.Store = (*Journal)(nil)

// Journal returns the journal in the database.
func (d *DB) Journal() *Journal { return &Journal{db: d} }

const (
	raiseHead  = `UPDATE journal_head SET seq = seq + $1 WHERE id = 1 RETURNING seq`
	insertHead = `INSERT INTO journal (seq, at, kind, data) VALUES `
	selectHead = `SELECT seq FROM journal_head WHERE id = 1`
	readFrom   = `SELECT seq, data FROM journal WHERE seq >= $1 ORDER BY seq LIMIT $2`
)

// Append implements reports.Store.
func (j *Journal) Append(ctx context.Context, rs []tandem.Record) error {
	if len(rs) == 0 {
		return nil
	}
	data := make([]string, len(rs))
	for i := range rs {
		if rs[i].Event == nil || rs[i].At.IsZero() {
			return j.db.wrap("append", fmt.Errorf("record %d of %d lacks its event or time: %w", i+1, len(rs), tandem.ErrInvalid))
		}
		b, err := json.Marshal(tandem.Record{At: rs[i].At, Event: rs[i].Event})
		if err != nil {
			return j.db.wrap("append", fmt.Errorf("record %d of %d: %w: %w", i+1, len(rs), tandem.ErrInvalid, err))
		}
		data[i] = string(b)
	}
	var first uint64
	err := j.db.tx(ctx, func(tx *sql.Tx) error {
		var last uint64
		if err := tx.QueryRowContext(ctx, raiseHead, len(rs)).Scan(&last); err != nil {
			return err
		}
		first = last - uint64(len(rs)) + 1
		return chunks(len(rs), func(from, to int) error {
			args := make([]any, 0, 4*(to-from))
			for i := from; i < to; i++ {
				args = append(args, first+uint64(i), Time{rs[i].At}, rs[i].Event.Kind(), data[i]) //nolint:gosec // i is not negative
			}
			_, err := tx.ExecContext(ctx, insertHead+values(to-from, 4), args...)
			return err
		})
	})
	if err != nil {
		return j.db.wrap("append", err)
	}
	for i := range rs {
		rs[i].Seq = first + uint64(i) //nolint:gosec // i is not negative
	}
	return nil
}

// Read implements reports.Store.
func (j *Journal) Read(ctx context.Context, from uint64, limit int) ([]tandem.Record, error) {
	if limit < 1 {
		return nil, j.db.wrap("read", fmt.Errorf("limit %d: %w", limit, tandem.ErrInvalid))
	}
	rs, err := j.read(ctx, from, limit)
	return rs, j.db.wrap("read", err)
}

func (j *Journal) read(ctx context.Context, from uint64, limit int) ([]tandem.Record, error) {
	rows, err := j.db.Read.QueryContext(ctx, readFrom, from, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	rs := make([]tandem.Record, 0, min(limit, 1024))
	var data sql.RawBytes
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq, &data); err != nil {
			return nil, err
		}
		var r tandem.Record
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("record %d: %w", seq, err)
		}
		r.Seq = seq
		rs = append(rs, r)
	}
	return rs, rows.Err()
}

// Last implements reports.Store.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	var seq uint64
	err := j.db.Read.QueryRowContext(ctx, selectHead).Scan(&seq)
	return seq, j.db.wrap("last", err)
}
