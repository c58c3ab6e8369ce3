package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// gate decides who gets in: it checks passwords, counts failures, and makes and finds sessions. It may be used concurrently.
type gate struct {
	cfg     *Config
	hashing chan struct{} // holds a token per password being hashed: each takes 19 MiB and a core
	dummy   phc           // what an unknown name's password is compared with, so that both take the same time

	touching sync.Mutex // held while a session is read and written back, so that one that was revoked does not return

	mu      sync.Mutex // guards the fields below
	ghosts  map[string]Account
	sources map[string]*sourceCount
}

// sourceCount counts wrong passwords from one network address.
type sourceCount struct {
	failures int
	until    time.Time // when it is forgotten
}

// What bounds the memory that strangers can make the gate use.
const (
	maxGhosts   = 10_000
	maxSources  = 10_000
	hashingWait = 5 * time.Second
	saveTries   = 8
	tokenPrefix = "tdm_" // makes a leaked token findable
)

var (
	errWrongPassword = errors.New("The login name or the password is wrong.")           //nolint:staticcheck // a sentence for the person who logs in
	errBusy          = errors.New("Too many log-ins at this moment. Please try again.") //nolint:staticcheck // likewise
)

// lockedError says that an account or a source is locked.
type lockedError struct {
	until  time.Time
	source bool
}

func (e *lockedError) Error() string {
	wait := max(time.Until(e.until).Round(time.Minute), time.Minute)
	who := "This account is locked"
	if e.source {
		who = "This computer's network address is locked"
	}
	return fmt.Sprintf("%s after too many wrong passwords. It opens again in %d min; an administrator can unlock an account at once.", who, int(wait.Minutes()))
}

func newGate(cfg *Config) (*gate, error) {
	random := rand.Text()
	hash, err := HashPassword(random)
	if err != nil {
		return nil, err
	}
	dummy, err := parsePHC(hash)
	if err != nil {
		return nil, err
	}
	return &gate{cfg: cfg, hashing: make(chan struct{}, maxHashing()), dummy: dummy, ghosts: make(map[string]Account), sources: make(map[string]*sourceCount)}, nil
}

// login returns the account behind a login name and password given from source.
func (g *gate) login(ctx context.Context, login, password, source string) (Account, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	if until, locked := g.sourceLocked(source); locked {
		return Account{}, &lockedError{until: until, source: true}
	}
	// The failure is counted before the password is looked at: guesses that arrive together cannot outrun the count.
	a, err := g.charge(ctx, login)
	if err != nil {
		return Account{}, err
	}
	hash, err := parsePHC(a.Password)
	known := err == nil
	if !known {
		hash = g.dummy
	}
	matches, err := g.compare(ctx, hash, password)
	if err != nil {
		return Account{}, err
	}
	if !known || !matches || a.Disabled || a.Role == RoleUnset {
		g.countSource(source)
		return Account{}, errWrongPassword
	}
	return g.change(ctx, login, func(a *Account) error {
		a.Failures, a.LockedUntil = 0, time.Time{}
		return nil
	})
}

// charge counts one failure in advance, or says that the account is locked.
func (g *gate) charge(ctx context.Context, login string) (Account, error) {
	return g.change(ctx, login, func(a *Account) error {
		now := time.Now().UTC()
		if now.Before(a.LockedUntil) {
			return &lockedError{until: a.LockedUntil}
		}
		if !a.LockedUntil.IsZero() || a.Failures >= g.cfg.FailureLimit {
			a.Failures, a.LockedUntil = 0, time.Time{} // the lock is over
		}
		a.Failures++
		if a.Failures >= g.cfg.FailureLimit {
			a.LockedUntil = now.Add(g.cfg.LockTime)
		}
		return nil
	})
}

// maxHashing is how many passwords are hashed at once: never all cores', because the calls' sound passes through them too.
func maxHashing() int { return min(max(runtime.GOMAXPROCS(0)/2, 1), 4) }

// compare hashes one password, at most maxHashing at a time.
func (g *gate) compare(ctx context.Context, hash phc, password string) (bool, error) {
	timer := time.NewTimer(hashingWait)
	defer timer.Stop()
	select {
	case g.hashing <- struct{}{}:
	case <-timer.C:
		return false, errBusy
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-g.hashing }()
	return len(password) <= MaxPassword && hash.matches(password), nil
}

// change alters an account by its stored version, again when someone was first. A name without an account is
// kept in memory and counted alike, so that a stranger cannot tell who exists.
func (g *gate) change(ctx context.Context, login string, alter func(*Account) error) (Account, error) {
	for range saveTries {
		a, err := g.cfg.Accounts.Account(ctx, login)
		if errors.Is(err, tandem.ErrNotFound) {
			return g.changeGhost(login, alter)
		}
		if err != nil {
			return Account{}, fmt.Errorf("web: account: %w", err)
		}
		before := a
		if err := alter(&a); err != nil {
			return Account{}, err
		}
		if a == before {
			return a, nil
		}
		err = g.cfg.Accounts.SaveAccount(ctx, a)
		if err == nil {
			a.Version++
			return a, nil
		}
		if !errors.Is(err, tandem.ErrConflict) {
			return Account{}, fmt.Errorf("web: account: %w", err)
		}
	}
	return Account{}, errBusy
}

func (g *gate) changeGhost(login string, alter func(*Account) error) (Account, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.ghosts[login]
	if err := alter(&a); err != nil {
		return Account{}, err
	}
	if _, known := g.ghosts[login]; !known && len(g.ghosts) >= maxGhosts {
		for old := range g.ghosts {
			delete(g.ghosts, old)
			break
		}
	}
	g.ghosts[login] = a
	return a, nil
}

func (g *gate) sourceLocked(source string) (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sources[source]
	if s == nil || !time.Now().Before(s.until) {
		return time.Time{}, false
	}
	return s.until, s.failures >= g.cfg.SourceLimit
}

func (g *gate) countSource(source string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	s := g.sources[source]
	if s == nil {
		if len(g.sources) >= maxSources {
			for old := range g.sources {
				delete(g.sources, old)
				break
			}
		}
		s = &sourceCount{}
		g.sources[source] = s
	}
	if !now.Before(s.until) {
		s.failures = 0
	}
	s.failures++
	s.until = now.Add(g.cfg.LockTime)
}

// sessionKey returns the name under which a secret's session is stored.
func sessionKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// open makes a session and returns its secret.
func (g *gate) open(ctx context.Context, s Session) (string, Session, error) {
	secret := rand.Text() + rand.Text() // 260 bits
	if s.Token {
		secret = tokenPrefix + secret
	}
	s.Key, s.Created = sessionKey(secret), time.Now().UTC()
	s.Seen = s.Created
	if err := g.cfg.Sessions.SaveSession(ctx, s); err != nil {
		return "", Session{}, fmt.Errorf("web: session: %w", err)
	}
	return secret, s, nil
}

// user is who makes a request.
type user struct {
	Account

	session Session
}

// find returns who holds a secret; ErrNotFound when nobody does, or not any more.
func (g *gate) find(ctx context.Context, secret string) (user, error) {
	return g.byKey(ctx, sessionKey(secret))
}

func (g *gate) byKey(ctx context.Context, key string) (user, error) {
	s, err := g.cfg.Sessions.Session(ctx, key)
	if err != nil {
		return user{}, fmt.Errorf("web: session: %w", err)
	}
	now := time.Now().UTC()
	if !now.Before(s.Expires) {
		return user{}, fmt.Errorf("web: session: expired: %w", tandem.ErrNotFound)
	}
	a, err := g.cfg.Accounts.Account(ctx, s.Login)
	if err != nil {
		return user{}, fmt.Errorf("web: account: %w", err)
	}
	if a.Disabled {
		return user{}, fmt.Errorf("web: account: disabled: %w", tandem.ErrNotFound)
	}
	if now.Sub(s.Seen) >= time.Minute {
		if err := g.touch(ctx, key, now); err != nil {
			return user{}, fmt.Errorf("web: session: %w", err)
		}
	}
	return user{Account: a, session: s}, nil
}

// touch notes that a session was used.
func (g *gate) touch(ctx context.Context, key string, now time.Time) error {
	g.touching.Lock()
	defer g.touching.Unlock()
	s, err := g.cfg.Sessions.Session(ctx, key)
	if err != nil {
		return err
	}
	s.Seen = now
	return g.cfg.Sessions.SaveSession(ctx, s)
}

// revoke ends a session.
func (g *gate) revoke(ctx context.Context, key string) error {
	g.touching.Lock()
	defer g.touching.Unlock()
	return g.cfg.Sessions.DeleteSession(ctx, key)
}
