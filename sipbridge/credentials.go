package sipbridge

import (
	"context"
	"errors"
	"fmt"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// Account is what a SIP user name stands for.
type Account struct {
	// Agent is whose phone it is.
	Agent tandem.AgentID
	// HA1 is the MD5 hash of user:realm:password in lower-case hexadecimal (see HA1); required. It is worth as much as the
	// password within this realm, so keep it as secret.
	HA1 string
	// HA1SHA256 is the same with SHA-256, for phones that can; empty: MD5 only.
	HA1SHA256 string
}

// String returns the agent and keeps the secrets out of logs.
func (a Account) String() string { return string(a.Agent) }

// Credentials knows which SIP users exist. It is called concurrently, also for users that do not exist.
type Credentials interface {
	// Account returns the account of a SIP user. ErrNotFound means that there is none, or that it may not be used now;
	// any other error is a fault of the store and counts against nobody.
	Account(ctx context.Context, user string) (Account, error)
}

// CredentialsFunc makes a function Credentials.
type CredentialsFunc func(ctx context.Context, user string) (Account, error)

// Account calls f.
func (f CredentialsFunc) Account(ctx context.Context, user string) (Account, error) {
	return f(ctx, user)
}

// Accounts are Credentials that never change, by SIP user name.
type Accounts map[string]Account

// Account returns the account of a user.
func (a Accounts) Account(_ context.Context, user string) (Account, error) {
	if acc, ok := a[user]; ok {
		return acc, nil
	}
	return Account{}, fmt.Errorf("sipbridge: account: %w", tandem.ErrNotFound)
}

// HA1 returns the hash by which a SIP password is kept: MD5, because browsers' phones know no other. The realm is
// Config.Domain.
func HA1(user, realm, password string) string {
	return string(digest.HA1(digest.MD5, user, realm, password))
}

// accounts gives the registrar the hashes and remembers whose phone each user is.
type accounts struct {
	from Credentials
	seen func(user string, agent tandem.AgentID)
}

// HA1 implements registrar.Credentials.
func (a accounts) HA1(ctx context.Context, user, _ string, alg digest.Algorithm) ([]byte, error) {
	acc, err := a.from.Account(ctx, user)
	switch {
	case errors.Is(err, tandem.ErrNotFound):
		return nil, registrar.ErrUnknownUser
	case err != nil:
		return nil, fmt.Errorf("sipbridge: account: %w", err)
	}
	hash := acc.HA1
	if alg != digest.MD5 {
		hash = acc.HA1SHA256
	}
	if hash == "" || acc.Agent == "" {
		return nil, registrar.ErrUnknownUser
	}
	a.seen(user, acc.Agent)
	return []byte(hash), nil
}

// peerCredentials knows the passwords that trunks prove themselves by.
func peerCredentials(trunks []Trunk) registrar.Credentials {
	return registrar.CredentialsFunc(func(_ context.Context, user, realm string, alg digest.Algorithm) ([]byte, error) {
		for _, t := range trunks {
			if t.AuthIn.User == user && user != "" {
				return digest.HA1(alg, user, realm, t.AuthIn.Password), nil
			}
		}
		return nil, registrar.ErrUnknownUser
	})
}
