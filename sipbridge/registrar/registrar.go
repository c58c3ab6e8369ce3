package registrar

import (
	"context"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Registrar, error) { return newRegistrar(cfg) }

// Run removes expired bindings until ctx is done and returns ctx.Err().
func (r *Registrar) Run(ctx context.Context) error { return r.run(ctx) }

// Register implements [sipcore.Registrar].
func (r *Registrar) Register(ctx context.Context, in *sipcore.Inbound) sipcore.Reply {
	return r.register(ctx, in)
}

// Authenticate judges the credentials of a request other than REGISTER: the admission
// either allows it and names the user, or refuses with 407 and a challenge. The From
// header field must name the same user, or 403 is the answer.
func (r *Registrar) Authenticate(ctx context.Context, in *sipcore.Inbound) sipcore.Admission {
	return r.authenticate(ctx, in)
}

// Lookup returns the devices of a user that can be reached now, newest first.
func (r *Registrar) Lookup(user string) []Binding { return r.lookup(user) }

// FlowClosed removes the bindings of a flow that ended; it fits sipcore.Config.FlowClosed.
func (r *Registrar) FlowClosed(f *sipcore.Flow) { r.flowClosed(f) }

// Unlock ends the lock-outs of a user, from wherever they came.
func (r *Registrar) Unlock(user string) { r.unlock(user) }

// Remove forgets all devices of a user, for example when an account is closed.
func (r *Registrar) Remove(user string) { r.removeUser(user) }

// Counters returns the totals since the start.
func (r *Registrar) Counters() Counters { return r.counters() }
