package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the numbered, forward-only migrations, in the form of package goose.
func Migrations() (fs.FS, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("sqlstore: migrations: %w", err)
	}
	return sub, nil
}

// DB is a database of either engine.
type DB struct {
	// Name is the package that opened it, for errors.
	Name string
	// Write is the pool for transactions, Read the one for queries; they may be the same.
	Write, Read *sql.DB
	// Clock is the query for the database's own time. Empty: the process's time is taken.
	Clock string
	// What a query adds to lock the rows that it reads, where the engine has that: SQLite has one writer and needs none.
	ForUpdate, ForShare, SkipLocked string
}

// Close closes both pools.
func (d *DB) Close() error {
	if d.Read == d.Write {
		return d.Write.Close()
	}
	return errors.Join(d.Read.Close(), d.Write.Close())
}

// wrap names the package and operation in an error; nil stays nil.
func (d *DB) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", d.Name, op, err)
}

// tx does f in a transaction.
func (d *DB) tx(ctx context.Context, f func(tx *sql.Tx) error) (err error) {
	tx, err := d.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if rb := tx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
				err = errors.Join(err, rb)
			}
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// now returns the time by the clock that all writers share.
func (d *DB) now(ctx context.Context) (time.Time, error) {
	if d.Clock == "" {
		return time.Now().UTC(), nil
	}
	var t Time
	if err := d.Write.QueryRowContext(ctx, d.Clock).Scan(&t); err != nil {
		return time.Time{}, err
	}
	return t.Time, nil
}

// each calls scan for every row of a query of one text column.
func (d *DB) each(ctx context.Context, scan func(data string) error, query string, args ...any) error {
	rows, err := d.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var data string
		if err := rows.Scan(&data); err != nil {
			return err
		}
		if err := scan(data); err != nil {
			return err
		}
	}
	return rows.Err()
}

// layout has a fixed width, so that texts in SQLite sort as the times do.
const layout = "2006-01-02T15:04:05.000000Z"

// Time is one instant, to the microsecond, in both engines. The zero time is NULL.
type Time struct{ time.Time }

// Scan takes what either driver hands out.
func (t *Time) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		t.Time = time.Time{}
		return nil
	case time.Time:
		t.Time = v.UTC()
		return nil
	case string:
		p, err := time.Parse(layout, v)
		if err != nil {
			return fmt.Errorf("sqlstore: time: %w", err)
		}
		t.Time = p
		return nil
	}
	return fmt.Errorf("sqlstore: a time cannot be made of %T", v)
}

// Value returns a text that SQLite keeps and PostgreSQL reads.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UTC().Truncate(time.Microsecond).Format(layout), nil
}

// text makes a column's value of what may come from outside: PostgreSQL takes neither invalid UTF-8 nor NUL.
func text[T ~string](s T) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(s), "\uFFFD"), "\x00", "")
}

// values returns "($1,$2),($3,$4)" for rows of that many columns.
func values(rows, columns int) string {
	var b strings.Builder
	n := 0
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteByte(',')
			}
			n++
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// chunks cuts n rows into insert statements of few different sizes, so that prepared ones are used again.
func chunks(n int, do func(from, to int) error) error {
	for from := 0; from < n; {
		size := 1
		for _, s := range []int{64, 8} {
			if n-from >= s {
				size = s
				break
			}
		}
		if err := do(from, from+size); err != nil {
			return err
		}
		from += size
	}
	return nil
}

// selection collects the conditions of a query.
type selection struct {
	where []string
	args  []any
}

// arg adds an argument and returns its placeholder.
func (s *selection) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// add adds a condition whose %s is the argument's placeholder.
func (s *selection) add(condition string, v any) {
	s.where = append(s.where, fmt.Sprintf(condition, s.arg(v)))
}

// String returns the WHERE clause, empty without conditions.
func (s *selection) String() string {
	if len(s.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(s.where, " AND ")
}
