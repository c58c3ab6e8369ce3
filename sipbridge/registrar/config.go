package registrar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// ErrUnknownUser is what [Credentials] return for a user that does not exist.
var ErrUnknownUser = errors.New("registrar: unknown user")

// Credentials is where secrets come from.
type Credentials interface {
	// HA1 returns the hash of user, realm and password for the algorithm, as lower-case
	// hexadecimal text (RFC 7616 section 3.4.2; [digest.HA1] computes it).
	// [ErrUnknownUser] means that there is no such user, or that it may not register; any
	// other error is a fault of the store and is answered 503 without counting against
	// anyone. It is called concurrently, for users that do not exist too.
	HA1(ctx context.Context, user, realm string, alg digest.Algorithm) ([]byte, error)
}

// CredentialsFunc adapts a function to [Credentials].
type CredentialsFunc func(ctx context.Context, user, realm string, alg digest.Algorithm) ([]byte, error)

// HA1 calls the function.
func (f CredentialsFunc) HA1(ctx context.Context, user, realm string, alg digest.Algorithm) ([]byte, error) {
	return f(ctx, user, realm, alg)
}

// Config configures a [Registrar]. Realm and Credentials are required.
type Config struct {
	// Realm is the protection domain, for example the name of the site. Required.
	Realm string
	// Credentials knows the secrets. Required.
	Credentials Credentials
	// Algorithms are offered in this order. The default is MD5 alone, which is all that
	// browsers' phones know; SHA-256 first and MD5 second lets better phones choose (RFC
	// 8760). A phone that takes only the first challenge must find its algorithm there.
	Algorithms []digest.Algorithm
	// NonceKey signs nonces; give all nodes the same. The default is random per process.
	NonceKey []byte
	// NonceLifetime is how long a nonce is good; afterwards it is refused as stale and the
	// phone tries again by itself. Default 5 minutes.
	NonceLifetime time.Duration
	// MaxNonces bounds the memory of nonce counts against replay. When it is full, the
	// oldest nonces become stale early. Default 65536.
	MaxNonces int

	// MinExpires and MaxExpires bound the interval of a registration; shorter ones are
	// answered 423, longer ones shortened. Defaults 60 s and 1 h. DefaultExpires is used
	// when the phone names none; default 10 minutes.
	MinExpires, MaxExpires, DefaultExpires time.Duration
	// MaxBindings bounds the devices of one user; the oldest makes room. Default 8.
	MaxBindings int
	// MaxUsers bounds the users with bindings; further ones are answered 503. Default 100000.
	MaxUsers int

	// MaxFailures wrong passwords of one user from one address within FailureWindow lock
	// that pair out for LockFor. Defaults 3 (negative never locks), 10 minutes, 5 minutes.
	MaxFailures   int
	FailureWindow time.Duration
	LockFor       time.Duration
	// MaxSourceFailures locks an address out whatever users it tries. Default 30;
	// negative never locks.
	MaxSourceFailures int
	// MaxLocks bounds the table of failures; when it is full the oldest entry is forgotten.
	// Default 65536.
	MaxLocks int
	// Exempt addresses are never locked out, for example an office's own. May be nil.
	Exempt func(addr netip.Addr) bool

	// OnPresence is told when a user's first device registers (up) and when the last one
	// is gone. It is called in order, outside every lock, and should return soon. May be nil.
	OnPresence func(Presence)
	// Logger receives lock-outs and store faults; nil discards.
	Logger *slog.Logger
}

// Presence is a change of whether a user can be reached.
type Presence struct {
	User string
	// Up says that the user has at least one device now.
	Up bool
	At time.Time
}

// Binding is one device of a user. It is a copy; changing it changes nothing.
type Binding struct {
	User string
	// Contact is the URI the phone gave; use it as Request-URI only.
	Contact string
	// Flow is the way to the phone.
	Flow *sipcore.Flow
	// Instance and RegID identify the device across connections (RFC 5626); empty and zero
	// when the phone does not say.
	Instance string
	RegID    int
	// UserAgent is what the phone calls itself.
	UserAgent string
	// Since is when this device first registered, Expires when the binding ends.
	Since, Expires time.Time
}

// Counters are totals since the start.
type Counters struct {
	// Registered counts successful REGISTERs that added or refreshed a binding.
	Registered uint64
	// Removed counts bindings removed by request, Expired those that ran out, Lost those
	// whose connection ended.
	Removed, Expired, Lost uint64
	// Challenges counts requests answered with a challenge.
	Challenges uint64
	// Failures counts wrong passwords and unknown users.
	Failures uint64
	// Stale counts nonces refused for their age, Replays those refused for their count.
	Stale, Replays uint64
	// Locked counts requests refused because of a lock-out, Lockouts the lock-outs begun.
	Locked, Lockouts uint64
	// StoreErrors counts faults of [Credentials].
	StoreErrors uint64
	// Users and Bindings are the present numbers.
	Users, Bindings int
}

func (c *Config) withDefaults() (Config, error) {
	d := *c
	if d.Realm == "" {
		return d, fmt.Errorf("registrar: new: %w: Realm is required", errConfig)
	}
	if d.Credentials == nil {
		return d, fmt.Errorf("registrar: new: %w: Credentials is required", errConfig)
	}
	if len(d.Algorithms) == 0 {
		d.Algorithms = []digest.Algorithm{digest.MD5}
	}
	for _, a := range d.Algorithms {
		if !a.Known() {
			return d, fmt.Errorf("registrar: new: %w: algorithm %q", errConfig, a)
		}
	}
	setDuration(&d.NonceLifetime, 5*time.Minute)
	setDuration(&d.MinExpires, time.Minute)
	setDuration(&d.MaxExpires, time.Hour)
	setDuration(&d.DefaultExpires, 10*time.Minute)
	setDuration(&d.FailureWindow, 10*time.Minute)
	setDuration(&d.LockFor, 5*time.Minute)
	setInt(&d.MaxNonces, 65536)
	setInt(&d.MaxBindings, 8)
	setInt(&d.MaxUsers, 100000)
	setInt(&d.MaxLocks, 65536)
	if d.MaxFailures == 0 {
		d.MaxFailures = 3
	}
	if d.MaxSourceFailures == 0 {
		d.MaxSourceFailures = 30
	}
	if d.MinExpires > d.MaxExpires {
		return d, fmt.Errorf("registrar: new: %w: MinExpires is above MaxExpires", errConfig)
	}
	d.DefaultExpires = min(max(d.DefaultExpires, d.MinExpires), d.MaxExpires)
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

var errConfig = errors.New("incomplete configuration")

func setDuration(v *time.Duration, def time.Duration) {
	if *v <= 0 {
		*v = def
	}
}

func setInt(v *int, def int) {
	if *v <= 0 {
		*v = def
	}
}
