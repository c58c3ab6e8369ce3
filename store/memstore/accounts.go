package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web"
)

// Accounts is web.Accounts and web.Sessions in memory. The zero value is empty and ready; it must not be copied after first use.
type Accounts struct {
	mu       sync.Mutex
	accounts map[string]web.Account
	sessions map[string]web.Session
}

var (
	_ web.Accounts = (*Accounts)(nil)
	_ web.Sessions = (*Accounts)(nil)
)

// NewAccounts returns a store in which nobody may log in.
func NewAccounts() *Accounts { return &Accounts{} }

// begin locks the store and makes its maps, or says why not.
func (a *Accounts) begin(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: %s: %w", op, err)
	}
	a.mu.Lock()
	if a.accounts == nil {
		a.accounts = make(map[string]web.Account)
		a.sessions = make(map[string]web.Session)
	}
	return nil
}

// Account implements web.Accounts.
func (a *Accounts) Account(ctx context.Context, login string) (web.Account, error) {
	if err := a.begin(ctx, "account"); err != nil {
		return web.Account{}, err
	}
	defer a.mu.Unlock()
	acc, ok := a.accounts[login]
	if !ok {
		return web.Account{}, fmt.Errorf("memstore: account: %w", tandem.ErrNotFound)
	}
	return acc, nil
}

// ListAccounts implements web.Accounts.
func (a *Accounts) ListAccounts(ctx context.Context) ([]web.Account, error) {
	if err := a.begin(ctx, "list accounts"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	return byID(a.accounts), nil
}

// SaveAccount implements web.Accounts.
func (a *Accounts) SaveAccount(ctx context.Context, acc web.Account) error {
	if err := a.begin(ctx, "save account"); err != nil {
		return err
	}
	defer a.mu.Unlock()
	if have := a.accounts[acc.Login].Version; have != acc.Version {
		return fmt.Errorf("memstore: save account: version %d, not %d: %w", have, acc.Version, tandem.ErrConflict)
	}
	acc.Version++
	a.accounts[acc.Login] = acc
	return nil
}

// SaveSession implements web.Sessions.
func (a *Accounts) SaveSession(ctx context.Context, s web.Session) error {
	if err := a.begin(ctx, "save session"); err != nil {
		return err
	}
	defer a.mu.Unlock()
	a.sessions[s.Key] = s
	return nil
}

// Session implements web.Sessions.
func (a *Accounts) Session(ctx context.Context, key string) (web.Session, error) {
	if err := a.begin(ctx, "session"); err != nil {
		return web.Session{}, err
	}
	defer a.mu.Unlock()
	s, ok := a.sessions[key]
	if !ok {
		return web.Session{}, fmt.Errorf("memstore: session: %w", tandem.ErrNotFound)
	}
	return s, nil
}

// ListSessions implements web.Sessions.
func (a *Accounts) ListSessions(ctx context.Context, login string) ([]web.Session, error) {
	if err := a.begin(ctx, "list sessions"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	list := slices.DeleteFunc(byID(a.sessions), func(s web.Session) bool { return login != "" && s.Login != login })
	slices.SortStableFunc(list, func(x, y web.Session) int { return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.Key, y.Key)) })
	return list, nil
}

// DeleteSession implements web.Sessions.
func (a *Accounts) DeleteSession(ctx context.Context, key string) error {
	if err := a.begin(ctx, "delete session"); err != nil {
		return err
	}
	defer a.mu.Unlock()
	delete(a.sessions, key)
	return nil
}

// DeleteExpired implements web.Sessions.
func (a *Accounts) DeleteExpired(ctx context.Context, now time.Time) error {
	if err := a.begin(ctx, "delete expired sessions"); err != nil {
		return err
	}
	defer a.mu.Unlock()
	for key, s := range a.sessions {
		if !s.Expires.After(now) {
			delete(a.sessions, key)
		}
	}
	return nil
}
