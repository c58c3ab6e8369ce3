package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web/account"
)

// Accounts is account.Accounts and account.Sessions in memory. The zero value is empty and ready; it must not be copied after first use.
type Accounts struct {
	mu       sync.Mutex
	accounts map[string]account.Account
	sessions map[string]account.Session
}

var (
	_ account.Accounts = (*Accounts)(nil)
	_ account.Sessions = (*Accounts)(nil)
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
		a.accounts = make(map[string]account.Account)
		a.sessions = make(map[string]account.Session)
	}
	return nil
}

// Account implements account.Accounts.
func (a *Accounts) Account(ctx context.Context, login string) (account.Account, error) {
	if err := a.begin(ctx, "account"); err != nil {
		return account.Account{}, err
	}
	defer a.mu.Unlock()
	acc, ok := a.accounts[login]
	if !ok {
		return account.Account{}, fmt.Errorf("memstore: account: %w", tandem.ErrNotFound)
	}
	return acc, nil
}

// ListAccounts implements account.Accounts.
func (a *Accounts) ListAccounts(ctx context.Context) ([]account.Account, error) {
	if err := a.begin(ctx, "list accounts"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	return byID(a.accounts), nil
}

// SaveAccount implements account.Accounts.
func (a *Accounts) SaveAccount(ctx context.Context, acc account.Account) error {
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

// SaveSession implements account.Sessions.
func (a *Accounts) SaveSession(ctx context.Context, s account.Session) error {
	if err := a.begin(ctx, "save session"); err != nil {
		return err
	}
	defer a.mu.Unlock()
	a.sessions[s.Key] = s
	return nil
}

// Session implements account.Sessions.
func (a *Accounts) Session(ctx context.Context, key string) (account.Session, error) {
	if err := a.begin(ctx, "session"); err != nil {
		return account.Session{}, err
	}
	defer a.mu.Unlock()
	s, ok := a.sessions[key]
	if !ok {
		return account.Session{}, fmt.Errorf("memstore: session: %w", tandem.ErrNotFound)
	}
	return s, nil
}

// ListSessions implements account.Sessions.
func (a *Accounts) ListSessions(ctx context.Context, login string) ([]account.Session, error) {
	if err := a.begin(ctx, "list sessions"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	list := slices.DeleteFunc(byID(a.sessions), func(s account.Session) bool { return login != "" && s.Login != login })
	slices.SortStableFunc(list, func(x, y account.Session) int { return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.Key, y.Key)) })
	return list, nil
}

// DeleteSession implements account.Sessions.
func (a *Accounts) DeleteSession(ctx context.Context, key string) error {
	if err := a.begin(ctx, "delete session"); err != nil {
		return err
	}
	defer a.mu.Unlock()
	delete(a.sessions, key)
	return nil
}

// DeleteExpired implements account.Sessions.
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
