package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web/account"
)

// Accounts is account.Accounts over a database.
type Accounts struct{ db *DB }

// Sessions is account.Sessions over a database.
type Sessions struct{ db *DB }

var (
	_ account.Accounts = (*Accounts)(nil)
	_ account.Sessions = (*Sessions)(nil)
)

// Accounts returns the accounts in the database.
func (d *DB) Accounts() *Accounts { return &Accounts{db: d} }

// Sessions returns the sessions in the database.
func (d *DB) Sessions() *Sessions { return &Sessions{db: d} }

const (
	selectAccount  = `SELECT data FROM account WHERE login = $1`
	selectAccounts = `SELECT data FROM account ORDER BY login`
	insertAccount  = `INSERT INTO account (login, version, data) VALUES ($1, $2, $3) ON CONFLICT (login) DO NOTHING`
	updateAccount  = `UPDATE account SET version = $2, data = $3 WHERE login = $1 AND version = $2 - 1`

	upsertSession = `INSERT INTO session (skey, login, created, expires, data) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (skey) DO UPDATE SET login = excluded.login, created = excluded.created, expires = excluded.expires, data = excluded.data`
	selectSession  = `SELECT data FROM session WHERE skey = $1`
	selectSessions = `SELECT data FROM session WHERE login = $1 OR $1 = '' ORDER BY created DESC, skey`
	deleteSession  = `DELETE FROM session WHERE skey = $1`
	deleteExpired  = `DELETE FROM session WHERE expires <= $1`
)

// Account implements account.Accounts.
func (a *Accounts) Account(ctx context.Context, login string) (account.Account, error) {
	acc, err := one[account.Account](ctx, a.db, selectAccount, text(login))
	return acc, a.db.wrap("account", err)
}

// ListAccounts implements account.Accounts.
func (a *Accounts) ListAccounts(ctx context.Context) ([]account.Account, error) {
	accs, err := all[account.Account](ctx, a.db, selectAccounts)
	return accs, a.db.wrap("list accounts", err)
}

// SaveAccount implements account.Accounts.
func (a *Accounts) SaveAccount(ctx context.Context, acc account.Account) error {
	before := acc.Version
	acc.Version++
	data, err := json.Marshal(acc)
	if err != nil {
		return a.db.wrap("save account", err)
	}
	statement := updateAccount
	if before == 0 {
		statement = insertAccount
	}
	n, err := affected(a.db.Write.ExecContext(ctx, statement, text(acc.Login), acc.Version, string(data)))
	if err == nil && n == 0 {
		err = fmt.Errorf("version %d: %w", before, tandem.ErrConflict)
	}
	return a.db.wrap("save account", err)
}

// SaveSession implements account.Sessions.
func (s *Sessions) SaveSession(ctx context.Context, ses account.Session) error {
	data, err := json.Marshal(ses)
	if err != nil {
		return s.db.wrap("save session", err)
	}
	_, err = s.db.Write.ExecContext(ctx, upsertSession, text(ses.Key), text(ses.Login), always(ses.Created), always(ses.Expires), string(data))
	return s.db.wrap("save session", err)
}

// Session implements account.Sessions.
func (s *Sessions) Session(ctx context.Context, key string) (account.Session, error) {
	ses, err := one[account.Session](ctx, s.db, selectSession, text(key))
	return ses, s.db.wrap("session", err)
}

// ListSessions implements account.Sessions.
func (s *Sessions) ListSessions(ctx context.Context, login string) ([]account.Session, error) {
	list, err := all[account.Session](ctx, s.db, selectSessions, text(login))
	return list, s.db.wrap("list sessions", err)
}

// DeleteSession implements account.Sessions.
func (s *Sessions) DeleteSession(ctx context.Context, key string) error {
	_, err := s.db.Write.ExecContext(ctx, deleteSession, text(key))
	return s.db.wrap("delete session", err)
}

// DeleteExpired implements account.Sessions.
func (s *Sessions) DeleteExpired(ctx context.Context, now time.Time) error {
	_, err := s.db.Write.ExecContext(ctx, deleteExpired, always(now))
	return s.db.wrap("delete expired sessions", err)
}

// one decodes the JSON that a query of one row returns; no row is ErrNotFound.
func one[T any](ctx context.Context, d *DB, query string, args ...any) (T, error) {
	var v T
	var data []byte
	err := d.Read.QueryRowContext(ctx, query, args...).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return v, tandem.ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(data, &v)
}

// all decodes the JSON that each row of a query returns.
func all[T any](ctx context.Context, d *DB, query string, args ...any) ([]T, error) {
	var vs []T
	err := d.each(ctx, func(data string) error {
		var v T
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			return err
		}
		vs = append(vs, v)
		return nil
	}, query, args...)
	return vs, err
}

// affected returns how many rows a statement touched.
func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// always is a time for a column that is never NULL: the zero time becomes the first moment that both engines know.
func always(t time.Time) Time {
	if t.IsZero() {
		return Time{time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)}
	}
	return Time{t}
}
