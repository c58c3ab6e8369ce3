package acd

import (
	"context"
	"log/slog"
	"time"

	"github.com/tandem-cc/tandem"
)

// Config is what a Center is made of. Switch is required; the rest works at zero.
type Config struct {
	Switch tandem.Switch // the telephone mechanism; required
	// Events takes every record of the engine, in order, before the actions that follow from it are performed: the
	// journal first (tandem.Handlers). An error from it ends Run. It must not wait for a Snapshot, which waits for it. Nil
	// drops the records.
	Events tandem.Handler
	Queues []QueueConfig
	Agents []AgentConfig
	// Route says where an incoming call goes. Nil refuses every incoming call with CauseForbidden.
	Route RouteFunc
	// RouteTimeout ends the context of one call of Route; past it the caller is refused with CauseFailed. Zero means 10 s.
	RouteTimeout time.Duration
	// Exit takes the calls that leave a queue by an exit of the host's (Exit.Host); required when a queue has one. It is called outside the
	// owner loop, by several goroutines at once, within RouteTimeout. With an error, or when it panics, the customer is hung up with CauseFailed.
	Exit func(ctx context.Context, d Departure) error
	// IDs names incoming calls. Nil means tandem.RandomIDs.
	IDs tandem.IDSource
	// Position returns the journal's last number, for Snapshot.Seq. It is called between two appends of this centre's records and
	// must not wait. Nil makes Snapshot.Seq count the centre's own records instead.
	Position func() uint64
	Logger   *slog.Logger // nil discards
	// Record takes every input of the engine, in order, before the records that follow from it: see Engine.Replay. It is called by the scribe, like Events. Nil records
	// nothing.
	Record func(Input)

	// Sharing and Ageing order calls across queues: see EngineConfig.
	Sharing Sharing
	Ageing  time.Duration

	Inbox   int // events and commands that may wait for the loop; full: their sender waits. Zero means 1024.
	Backlog int // records and actions that may wait for the scribe; full: the loop takes no input. Zero means 8192.
	Hands   int // how many calls' switch commands may be under way at once. Zero means 8.
	Routers int // how many calls of Route and Exit may be under way at once. Zero means 16.
}

// RouteFunc decides where the call of an incoming leg goes. It is called outside the owner loop, by several goroutines at once, and
// may ask a database or a CRM. An error refuses the caller with CauseFailed and is logged.
type RouteFunc func(ctx context.Context, in tandem.LegIncoming) (Route, error)

// Route is where a call goes. The zero value refuses it with CauseUnallocated.
type Route struct {
	Queue    tandem.QueueID // where it waits; empty: the call is refused with Refuse
	Priority int            // higher is served first; 0 is normal
	Agent    tandem.AgentID // offer it to this agent only; empty means whoever the queue finds
	Patience time.Duration  // how long it may wait; zero means the queue's own limit
	// Requirements are the skills that the agent must have, beside those that the queue asks for.
	Requirements []tandem.Requirement
	// Prefer is the agent whom the call is kept for at first: for PreferFor, and as long as that agent is at work and does not
	// decline. Zero PreferFor means the queue's own time.
	Prefer    tandem.AgentID
	PreferFor time.Duration
	Refuse    tandem.Cause // why it is refused, when Queue is empty; unset means CauseUnallocated
}

// EngineConfig is what an Engine is made of. The zero value is an engine without queues or agents.
type EngineConfig struct {
	Queues []QueueConfig
	Agents []AgentConfig
	// Clearing is how long the engine waits for a leg to end, or two legs to be bridged, after having told the switch so; past it the engine goes on
	// as if it had. Zero means 5 s.
	Clearing time.Duration
	// Ring makes callers hear ring-back in a queue that configures no sound. Center sets it when its switch can play.
	Ring bool
	// Record takes each input before the engine does, for Engine.Replay. It must keep nothing of what Input points to beyond the call, and must not call the engine.
	// Nil records nothing.
	Record func(Input)
	// Sharing is how queues share an agent who could take the calls of several.
	Sharing Sharing
	// Ageing is how long a wait outweighs one point of priority: with a minute, a call of priority 2 goes before calls of priority 0 that came up to
	// two minutes earlier, and behind those that came before. Nobody starves. Zero means that priorities always win.
	Ageing time.Duration
}

// QueueConfig says how a queue works. Queue.ID is required.
type QueueConfig struct {
	tandem.Queue
	// Strategy orders the ready agents. Nil means LongestIdle.
	Strategy Strategy
	// RingAtOnce is how many agents an offer rings at the same time; the first to answer gets the call. Zero means 1. A Strategy that is a Ringer
	// decides it instead.
	RingAtOnce int
	// RingTimeout is how long an offer rings. Zero means 15 s.
	RingTimeout time.Duration
	// Retry is how long an agent gets no further offer after one that failed.
	Retry Retry
	// WrapUp is the agents' time for finishing the work of a call; AgentConfig.WrapUp overrides it. Zero means 10 s, negative none.
	WrapUp time.Duration
	// Requirements are the skills that each agent who gets a call of this queue must have. A call meant for one agent, or kept for one that it
	// prefers, asks for none.
	Requirements []tandem.Requirement
	// Relax eases requirements, the queue's and the single call's, while a call waits.
	Relax []Relaxation
	// Tiers keeps calls from the agents of the higher levels at first, in rising order. Empty means that every agent is asked, the lowest level first.
	Tiers []Tier
	// PreferFor is how long a call is kept for the agent that it prefers. Zero means 30 s.
	PreferFor time.Duration
	// Weight orders the queues of an agent who becomes ready, after the calls' priority: higher is served first.
	Weight int
	// MaxWaiting is how many calls may wait; a further one is refused with CauseQueueFull. Zero means no limit.
	MaxWaiting int
	// MaxWait is how long a call may wait; past it it leaves and is hung up. An offer that rings at that moment is
	// given up. Zero means no limit.
	MaxWait time.Duration
	// RefuseWhen refuses a call (LeaveEmpty) when each agent of the queue is in one of these states; a queue without agents always
	// qualifies. Empty means that callers may always join.
	RefuseWhen []tandem.AgentState
	// LeaveWhen sends the waiting calls away (LeaveEmpty) as soon as each agent of the queue is in one of these
	// states. Empty means that callers stay.
	LeaveWhen []tandem.AgentState
	// OnTimeout is where a call goes whose MaxWait or patience is over, OnFull one that MaxWaiting keeps out, OnEmpty one that
	// RefuseWhen or LeaveWhen sends away or that comes while the queue is drained. A call that rules move on more than eight times, or back to a queue that has just not taken it, is hung up.
	OnTimeout, OnFull, OnEmpty Exit
	// Keys is where a waiting caller goes by pressing a key, such as "1". A key that is not in it does nothing.
	Keys map[string]Exit
	// Sound is what a caller hears while waiting, for as long as it lasts. The zero value means ring-back if the switch can play,
	// else nothing.
	Sound tandem.Sound
	// ServiceLevel is the time within which a call should be answered. Zero means 20 s.
	ServiceLevel time.Duration
}

// Relaxation says that after a wait in the queue a lower level of a skill will do.
type Relaxation struct {
	After time.Duration // required
	Skill tandem.SkillID
	Min   uint8 // the level that will do from then on; zero means that none is needed
}

// Tier says that the agents of a level and above are asked only after a call has waited in the queue for some time.
type Tier struct {
	Level int           // 1 or more
	After time.Duration // required
}

// Retry is the back-off after a failed offer, by its cause. In each field zero means the default, negative no back-off.
type Retry struct {
	NoAnswer time.Duration // the offer rang out: 5 s
	Rejected time.Duration // the agent declined: 10 s
	Busy     time.Duration // the agent's device was busy: 60 s
	Failed   time.Duration // anything else: 5 s; at least 1 s, lest a broken device be rung without end
}

// AgentConfig is an agent and the queues that it serves. Agent.ID is required.
type AgentConfig struct {
	tandem.Agent
	Queues []Seat
	// WrapUp is the time for finishing the work of a call, whatever the queue. Zero means the queue's, negative none.
	WrapUp time.Duration
	// MaxMisses is after how many offers in a row that rang out the agent is paused. Zero means 3, negative never.
	MaxMisses int
	// AlwaysReachable says that the switch reports no devices for this agent (an outside number): it counts as reachable.
	AlwaysReachable bool
}

// Seat is an agent's place in a queue.
type Seat struct {
	Queue    tandem.QueueID // required
	Level    int            // the tier: lower is asked first
	Position int            // order within the level where the strategy's keys are equal: lower is asked first
	Weight   int            // for WeightedRandom: how often the agent is asked beside the others of the level; zero means 1
}
