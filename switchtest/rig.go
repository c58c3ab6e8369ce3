package switchtest

import (
	"context"
	"testing"
	"time"

	"github.com/tandem-cc/tandem"
)

// Config says how to run the suite.
type Config struct {
	// Open makes a switch that is not running yet, with its far ends, and cleans up by t.Cleanup. Required. It is
	// called once for each case, so that no case sees another's legs.
	Open func(t testing.TB) Rig
	// Around runs the body of each case; nil calls it plainly. synctest.Test puts each case into a bubble, for
	// a switch whose only clock is package time.
	Around func(t *testing.T, body func(t *testing.T))
	// Step bounds every single expectation, such as "the leg is answered now"; zero means 10 s.
	Step time.Duration
	// Ring is the ring timeout in the cases about no answer, a whole number of seconds; zero means 2 s.
	Ring time.Duration
	// Calm is how long a case watches, after the last event, that nothing follows; zero means 150 ms.
	Calm time.Duration
	// Calls is how many calls are up at a time in the case about many calls; zero means 8.
	Calls int
	// Parallel runs the cases at the same time, for rigs that do not share ports or servers.
	Parallel bool
	// Skip names cases that this switch cannot keep, each with the reason, which the test's output repeats.
	Skip map[string]string
	// Lacks names the optional interfaces of package tandem that this switch does without, such as "Holder". Instead of their
	// cases the suite then checks that the switch really does not have them, so that nothing new goes untested; cases of an
	// interface that is lacking and not named here are skipped.
	Lacks []string
}

func (c Config) withDefaults() Config {
	if c.Around == nil {
		c.Around = func(t *testing.T, body func(t *testing.T)) {
			t.Helper()
			body(t)
		}
	}
	if c.Step == 0 {
		c.Step = 10 * time.Second
	}
	if c.Ring == 0 {
		c.Ring = 2 * time.Second
	}
	if c.Calm == 0 {
		c.Calm = 150 * time.Millisecond
	}
	if c.Calls == 0 {
		c.Calls = 8
	}
	return c
}

// Plan says whom and what the suite may use.
type Plan struct {
	// Trunk is the trunk through which customers call in and are called. Required.
	Trunk tandem.TrunkID
	// DID is the number that customers call. Required.
	DID tandem.Number
	// Agents are at least two agents whom the switch knows, none with a device at the start. Required.
	Agents []tandem.AgentID
	// Customer returns the number of the i-th customer, i from 0: what the switch shows as LegIncoming.From when that one
	// calls, and what is dialled through Trunk to reach that one. Nil means "+15550100", "+15550101" and so on.
	Customer func(i int) tandem.Number
	// File is the name of a short sound file that a Player can play; empty: files are not tested.
	File string
}

// Rig is a switch under test with its far ends. The suite calls its methods from several goroutines.
type Rig interface {
	// Switch returns the switch, always the same, which the suite runs.
	Switch() tandem.Switch
	// Plan says whom and what the suite may use.
	Plan() Plan
	// Attach makes an agent's device appear (register, connect) and returns when it can be rung. It is called while
	// the switch runs.
	Attach(ctx context.Context, agent tandem.AgentID) error
	// Detach makes an agent's device go away (unregister, disconnect).
	Detach(ctx context.Context, agent tandem.AgentID) error
	// Call lets the customer with the number from call the number to through the trunk, and returns without waiting for
	// an answer. The customer waits for ever.
	Call(ctx context.Context, from, to tandem.Number) (Party, error)
	// Ringing waits until a leg dialled to the endpoint rings there and returns its far end, each once, the longest ringing
	// first. Dialled far ends ring at once and go on ringing until the party is told otherwise.
	Ringing(ctx context.Context, at tandem.Endpoint) (Party, error)
}

// Party is the far end of one leg: a telephone with one call on it.
type Party interface {
	// Answer takes the ringing call; media is ready when it returns.
	Answer(ctx context.Context) error
	// Refuse refuses the ringing call; over SIP with the status for the cause (busy 486, rejected 603, unavailable 480,
	// unallocated 404, congestion 503).
	Refuse(ctx context.Context, cause tandem.Cause) error
	// HangUp ends the call: a caller who is not answered yet gives up, an answered call ends.
	HangUp(ctx context.Context) error
	// Press presses a key of an answered call: one of 0-9 * #.
	Press(ctx context.Context, key byte) error
	// Wait waits until this end has seen its call ring (tandem.LegStateRinging: a caller was told that it rings), be answered
	// (tandem.LegStateUp) or be over (tandem.LegStateEnded). A call that ended before is an error.
	Wait(ctx context.Context, state tandem.LegState) error
	// Cause returns why the call is over as this end was told; tandem.CauseUnset when it was not told, or cannot tell.
	Cause() tandem.Cause
}

// Listener is a Party that knows by content what it hears. Each far end then sends a sound of its own.
type Listener interface {
	Party
	// HearParty waits until this end hears the other one.
	HearParty(ctx context.Context, other Party) error
	// HearSound waits until this end hears ring-back (tandem.SoundRing), music (tandem.SoundMusic) or nothing
	// (tandem.SoundUnset).
	HearSound(ctx context.Context, kind tandem.SoundKind) error
}

// DigitListener is a Party that can tell which keys reach it.
type DigitListener interface {
	Party
	// Digit waits for the next key.
	Digit(ctx context.Context) (byte, error)
}
