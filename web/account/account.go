package account

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem"
)

// Accounts keeps who may log in: the port that a store implements. Its methods may be called concurrently.
type Accounts interface {
	// Account returns the account with that login name, or ErrNotFound.
	Account(ctx context.Context, login string) (Account, error)
	// ListAccounts returns all accounts by login name.
	ListAccounts(ctx context.Context) ([]Account, error)
	// SaveAccount stores the account as a whole. a.Version is the stored one's version, 0 for a new account;
	// when it is not, ErrConflict says that someone was first. The stored account's version is one higher.
	SaveAccount(ctx context.Context, a Account) error
}

// Sessions keeps who is logged in: the port that a store implements. Its methods may be called concurrently.
type Sessions interface {
	// SaveSession stores the session as a whole, new or known by its Key.
	SaveSession(ctx context.Context, s Session) error
	// Session returns the session with that key, or ErrNotFound. It need not look at Expires.
	Session(ctx context.Context, key string) (Session, error)
	// ListSessions returns the sessions of a login name, the newest first; of everybody when login is empty.
	ListSessions(ctx context.Context, login string) ([]Session, error)
	// DeleteSession removes a session. An unknown key is no error.
	DeleteSession(ctx context.Context, key string) error
	// DeleteExpired removes every session that had expired at now.
	DeleteExpired(ctx context.Context, now time.Time) error
}

// Account is a person who may log in.
type Account struct {
	// Login is the name typed at log-in: lower case, 1 to 64 of a-z 0-9 . _ - @.
	Login string
	// Name is for people to read; empty means the login.
	Name string
	Role Role
	// Agent is the agent whose work this account does; empty means none, such as for an administrator.
	Agent tandem.AgentID
	// Password is the hash in PHC form ($argon2id$v=19$m=…), as HashPassword returns it.
	Password string
	// Disabled accounts cannot log in.
	Disabled bool
	// Failures counts log-ins since the last success; LockedUntil is when a locked account opens by itself (UTC).
	Failures    int
	LockedUntil time.Time
	// Version counts the changes, for SaveAccount.
	Version int64
}

// Session is one log-in of one browser, or one API token.
type Session struct {
	// Key is the SHA-256 of the secret that the client holds, in lower-case hexadecimal. The secret itself is stored nowhere.
	Key string
	// Login is whose it is.
	Login string
	// Token says that it is an API token, presented as a bearer, and no browser's cookie.
	Token bool
	// Label says where it came from, for the list of sessions: the browser's name, or the token's.
	Label   string
	Created time.Time
	Seen    time.Time // last used, to the minute
	Expires time.Time
}
