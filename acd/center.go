package acd

import (
	"context"

	"github.com/tandem-cc/tandem"
)

// Center is the running call centre: the engine over a Switch. All methods may be called concurrently. A command returns when the loop has decided
// on it; ErrClosed says that Run has ended, ctx's error that it was given up (the command may still take effect).
// Commands wait for Run to start.
type Center struct{}

var _ tandem.Handler = (*Center)(nil)

// New checks the configuration and returns a Center that does nothing before Run. A wrong setting is a *tandem.ConfigError, a sound without a
// tandem.Player ErrUnsupported.
func New(cfg Config) (*Center, error) { return &Center{}, nil }

// Run decides until ctx ends or Config.Events fails, and returns that error. It then settles what is under way: every
// call is hung up and recorded as interrupted, within a grace time of 5 s. It is called at most once; a second call returns ErrState.
func (c *Center) Run(ctx context.Context) error { return tandem.ErrUnsupported }

// Handle takes the switch's events; others are passed over. It waits while the inbox is full.
func (c *Center) Handle(ctx context.Context, rs ...tandem.Record) error {
	return tandem.ErrUnsupported
}

// Enqueue puts a call into a queue and takes over its customer leg, which from then on only this centre commands: it emits the call's events up to
// CallEnded. CallStarted is emitted here for an inbound call, and by the dialling engine for an outbound one.
// ErrInvalid: a field is missing or wrong; ErrNotFound: no such queue or agent, or the leg has ended; ErrConflict: the call or leg is here
// already. With an error the caller keeps the call. A full queue is no error but an outcome: CallLeft, and the customer is hung up.
func (c *Center) Enqueue(ctx context.Context, a tandem.Arrival) error { return tandem.ErrUnsupported }

// Login brings an agent to work: ready if a device could ring, else unavailable until one can. It does nothing when the agent is at work.
// ErrNotFound: no such agent.
func (c *Center) Login(ctx context.Context, agent tandem.AgentID) error { return tandem.ErrUnsupported }

// Logout ends an agent's work, at the end of the call when there is one. An offer that rings is declined.
func (c *Center) Logout(ctx context.Context, agent tandem.AgentID) error {
	return tandem.ErrUnsupported
}

// Ready ends a pause, a wrap-up, a back-off and a wish to pause or log out that has not taken effect. ErrState: logged out.
func (c *Center) Ready(ctx context.Context, agent tandem.AgentID) error { return tandem.ErrUnsupported }

// Pause keeps offers away from an agent. During a call it takes effect after call and wrap-up; a wrap-up under way it ends. An offer that
// rings is declined. Pausing a paused agent changes the reason. ErrState: logged out.
func (c *Center) Pause(ctx context.Context, agent tandem.AgentID, reason string) error {
	return tandem.ErrUnsupported
}

// FinishWrapUp ends an agent's wrap-up before its time. ErrState: not in wrap-up.
func (c *Center) FinishWrapUp(ctx context.Context, agent tandem.AgentID) error {
	return tandem.ErrUnsupported
}

// Reject declines the offer of a call that rings at the agent. ErrState: no such offer (any more).
func (c *Center) Reject(ctx context.Context, agent tandem.AgentID, call tandem.CallID) error {
	return tandem.ErrUnsupported
}

// Hangup ends a call in any state on behalf of a party. ErrNotFound: no such call (any more).
func (c *Center) Hangup(ctx context.Context, call tandem.CallID, by tandem.Party) error {
	return tandem.ErrUnsupported
}

// Dispose records what the agent says came of a call, the one at hand or its last one. A later disposition replaces an earlier.
// ErrState: the agent's call is another one.
func (c *Center) Dispose(ctx context.Context, agent tandem.AgentID, call tandem.CallID, d tandem.DispositionID, note string) error {
	return tandem.ErrUnsupported
}

// Snapshot returns the centre as it is now.
func (c *Center) Snapshot(ctx context.Context) (Snapshot, error) {
	return Snapshot{}, tandem.ErrUnsupported
}
