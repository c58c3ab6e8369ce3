package campaign

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// Agents is the routing engine as a campaign sees it. A composition adapts package acd to it in a few lines. Both methods are
// called from several goroutines.
type Agents interface {
	// Staff returns the agents whom the queue could give a call, and how many calls wait there.
	Staff(ctx context.Context, queue tandem.QueueID) (Staff, error)
	// Enqueue hands over an answered call. From then on the engine owns the customer's leg: it connects the call with an agent or
	// hangs it up, and tells so by its records (CallConnected, CallEnded), which must reach Runner.Handle. After an error the
	// leg is still the campaign's.
	Enqueue(ctx context.Context, a tandem.Arrival) error
}

// Staff is what Agents.Staff returns.
type Staff struct {
	// Agents are those of the queue who are logged in, in any order.
	Agents []dialer.Agent
	// Waiting is how many calls wait for them without an agent being rung for them yet, the campaign's own included.
	Waiting int
}

// Trunk is how a campaign uses its line to the outside.
type Trunk struct {
	ID tandem.TrunkID // required
	// Channels is how many calls of the campaign may be up at a time, conversations included; zero: no limit.
	Channels int
	// PerSecond is how many calls may be placed in a second; zero: no limit.
	PerSecond float64
}

// Config is what a Runner is made of. Fields without a default in their comment are required.
type Config struct {
	ID     tandem.CampaignID
	Queue  tandem.QueueID // where answered calls go
	Switch tandem.Switch
	Store  Store
	Agents Agents
	Trunk  Trunk
	// Events takes the campaign's records, the journal first: CampaignChanged, AttemptStarted with the CallStarted of its call,
	// AttemptEnded, and the CallEnded of calls that nobody answered. AttemptStarted is taken before the number is
	// dialled. An error ends Run. Nil drops the records.
	Events tandem.Handler
	// Node is who we are among the processes that share the store; empty is fine for the only one.
	Node tandem.NodeID
	// Pacer decides how many calls to place; nil means dialer.Progressive.
	Pacer dialer.Pacer
	// Limit is the greatest share of abandoned calls, for pacers that use it; zero allows none.
	Limit dialer.Share
	// Ledger counts answered and abandoned calls; the Runner owns it from New on. A host that restarts fills it from
	// the journal first, with a Refill. Nil means an empty one over the whole campaign.
	Ledger *dialer.Ledger
	// From is what the called person is shown; empty leaves it to the trunk.
	From tandem.CallerID
	// Window is when calls may be placed; the zero value is always.
	Window Window
	// Retry says what becomes of a lead after an attempt; the zero value has sensible rules.
	Retry Retry
	// Ring is how long a call rings before it is given up; zero means 25 s.
	Ring time.Duration
	// Patience is how long a person who answered waits for an agent before the call is abandoned; zero means 2 s.
	Patience time.Duration
	// Priority is that of the answered calls in the queue, above inbound ones, since a person who was called waits
	// for seconds only; zero means 1000.
	Priority int
	// CancelRinging gives up the calls that ring when the last agent leaves, instead of letting people answer to nobody.
	CancelRinging bool
	// MinRing is how long a call must have rung before CancelRinging may give it up, where a law says so.
	MinRing time.Duration
	// KeepOpen leaves the campaign active when every lead is done, for leads that are yet to come.
	KeepOpen bool
	// LeaseTTL is how long leads are held ahead of being dialled; zero means 1 min.
	LeaseTTL time.Duration
	// Poll is how often the agents are looked at when no event says that anything changed, and after three times that
	// the store is asked for leads when none was due; zero means 5 s.
	Poll time.Duration
	// Workers is how many calls of ports may be under way at a time; zero means 8.
	Workers int
	// Inbox is how many records may wait for the loop; when it is full, Handle waits. Zero means 1024.
	Inbox int
	// IDs names attempts, calls and legs; nil means tandem.RandomIDs.
	IDs tandem.IDSource
	// Logger gets what an operator acts on, without numbers; nil discards.
	Logger *slog.Logger
}

// The defaults of Config.
const (
	DefaultRing     = 25 * time.Second
	DefaultPatience = 2 * time.Second
	DefaultPriority = 1000
)

func (c Config) validate() error {
	missing := []struct {
		name string
		is   bool
	}{
		{"id", c.ID == ""},
		{"queue", c.Queue == ""},
		{"switch", c.Switch == nil},
		{"store", c.Store == nil},
		{"agents", c.Agents == nil},
		{"trunk.id", c.Trunk.ID == ""},
	}
	for _, m := range missing {
		if m.is {
			return &tandem.ConfigError{Where: "campaign: " + m.name, What: "is missing"}
		}
	}
	negative := []struct {
		name string
		is   bool
	}{
		{"trunk.channels", c.Trunk.Channels < 0},
		{"trunk.per_second", !(c.Trunk.PerSecond >= 0)}, // so that NaN is caught too
		{"ring", c.Ring < 0},
		{"patience", c.Patience < 0},
		{"min_ring", c.MinRing < 0},
		{"lease_ttl", c.LeaseTTL < 0},
		{"poll", c.Poll < 0},
		{"workers", c.Workers < 0},
		{"inbox", c.Inbox < 0},
	}
	for _, n := range negative {
		if n.is {
			return &tandem.ConfigError{Where: "campaign: " + n.name, What: "is negative"}
		}
	}
	for _, err := range []error{c.Window.Validate(), c.Retry.Validate(), c.Limit.Validate()} {
		if err != nil {
			return fmt.Errorf("campaign: %w", err)
		}
	}
	if v, ok := c.Pacer.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return fmt.Errorf("campaign: pacer: %w", err)
		}
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Ledger == nil {
		l, err := dialer.NewLedger(dialer.Window{})
		if err != nil {
			return c, fmt.Errorf("campaign: %w", err)
		}
		c.Ledger = l
	}
	if c.Pacer == nil {
		c.Pacer = dialer.Progressive{}
	}
	if c.Events == nil {
		c.Events = tandem.Handlers(nil)
	}
	if c.IDs == nil {
		c.IDs = tandem.RandomIDs()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Ring = cmp.Or(c.Ring, DefaultRing)
	c.Patience = cmp.Or(c.Patience, DefaultPatience)
	c.Priority = cmp.Or(c.Priority, DefaultPriority)
	c.LeaseTTL = cmp.Or(c.LeaseTTL, time.Minute)
	c.Poll = cmp.Or(c.Poll, 5*time.Second)
	c.Workers = cmp.Or(c.Workers, 8)
	c.Inbox = cmp.Or(c.Inbox, 1024)
	return c, nil
}
