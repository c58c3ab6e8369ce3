package loopback

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// Script is what a person does with a telephone. The zero value answers at once and talks until the other side
// hangs up.
type Script struct {
	// Progress is how long a dialled telephone is silent before it rings; zero: it rings at once.
	Progress time.Duration
	// Ring is how long it rings before the person does what Reaction says.
	Ring time.Duration
	// Reaction is what the person does then. A caller (see Customer) has nothing to react to and ignores it.
	Reaction Reaction
	// Cause is why a Refuse refuses: busy, rejected, unallocated, congestion and so on; zero means busy.
	Cause tandem.Cause
	// Patience is how long the person stays on an answered (or calling) line without being joined with anybody;
	// zero: for ever.
	Patience time.Duration
	// Talk is how long the person talks, from first being joined with somebody to hanging up; zero: the person
	// never hangs up first.
	Talk time.Duration
	// Keys are pressed one after the other from the moment the leg is up, each after KeyGap.
	Keys string
	// KeyGap is the time before each key; zero means 200 ms.
	KeyGap time.Duration
}

// DefaultKeyGap is the time before each key of a Script whose KeyGap is zero.
const DefaultKeyGap = 200 * time.Millisecond

// Validate returns a tandem.ErrInvalid that says what is wrong with the script, or nil.
func (s Script) Validate() error {
	times := []struct {
		name string
		d    time.Duration
	}{
		{"progress", s.Progress},
		{"ring", s.Ring},
		{"patience", s.Patience},
		{"talk", s.Talk},
		{"key_gap", s.KeyGap},
	}
	for _, t := range times {
		if t.d < 0 {
			return &tandem.ConfigError{Where: "script." + t.name, What: "is negative"}
		}
	}
	if s.Reaction > Refuse {
		return &tandem.ConfigError{Where: "script.reaction", What: fmt.Sprintf("%d is not one", s.Reaction)}
	}
	if i := strings.IndexFunc(s.Keys, func(r rune) bool { return !isKey(r) }); i >= 0 {
		return &tandem.ConfigError{Where: "script.keys", What: fmt.Sprintf("%q is not a key", s.Keys[i:])}
	}
	return nil
}

func isKey(r rune) bool { return strings.ContainsRune("0123456789*#ABCD", r) }

// Reaction is what a person does about a telephone that rings.
type Reaction uint8

// The reactions; the zero value is Answer.
const (
	Answer Reaction = iota // takes the call
	Ignore                 // lets it ring (a Party may still be told to answer)
	Refuse                 // refuses it with Script.Cause
)

// Customer is a person who calls in.
type Customer struct {
	Trunk  tandem.TrunkID  // the trunk through which the call comes; required
	From   tandem.CallerID // who calls
	To     tandem.Number   // the number called
	Script Script          // how patient and talkative the person is
}

// Agent is a person whose device the switch knows.
type Agent struct {
	ID tandem.AgentID // required
	// Away says that the agent has no device at the start; Attach brings one.
	Away bool
	// Script is what the agent does with each call that rings.
	Script Script
}

// Trunk is a carrier's line.
type Trunk struct {
	ID tandem.TrunkID // required
	// Channels is how many calls it carries at a time; zero: any number. The next one dialled ends with
	// tandem.CauseCongestion, the next one coming in is tandem.ErrFull.
	Channels int
	// Down says that it is out of order at the start; TrunkUp repairs it.
	Down bool
}

// Config is the world of a Switch. Its zero value knows no agents and no trunks.
type Config struct {
	// Agents are the agents whose devices may ring; dialling any other ends with tandem.CauseUnavailable.
	Agents []Agent
	// Trunks are the lines to the outside; dialling through any other ends with tandem.CauseNetwork.
	Trunks []Trunk
	// Dialled chooses what a customer does who is dialled through a trunk. It is called by Dial, possibly from
	// several goroutines at a time, and must not call the switch. Nil: every customer answers at once. A script
	// that is not valid makes Dial fail.
	Dialled func(tandem.Dial) Script
	// IDs names the incoming legs; nil means "in1", "in2" and so on.
	IDs tandem.IDSource
	// Backlog is how many events may wait for the Handler; zero means 100,000. When it is full, Hangup still works
	// (the legs bound what it adds), the other commands return tandem.ErrFull, and keys pressed are lost.
	Backlog int
}

func (c Config) validate() error {
	var agents []tandem.AgentID
	for i, a := range c.Agents {
		where := fmt.Sprintf("loopback: agents[%d]", i)
		if err := named(where, string(a.ID), slices.Contains(agents, a.ID)); err != nil {
			return err
		}
		if err := a.Script.Validate(); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		agents = append(agents, a.ID)
	}
	var trunks []tandem.TrunkID
	for i, t := range c.Trunks {
		where := fmt.Sprintf("loopback: trunks[%d]", i)
		if err := named(where, string(t.ID), slices.Contains(trunks, t.ID)); err != nil {
			return err
		}
		if t.Channels < 0 {
			return &tandem.ConfigError{Where: where + ".channels", What: "is negative"}
		}
		trunks = append(trunks, t.ID)
	}
	if c.Backlog < 0 {
		return &tandem.ConfigError{Where: "loopback: backlog", What: "is negative"}
	}
	return nil
}

func named(where, id string, taken bool) error {
	switch {
	case id == "":
		return &tandem.ConfigError{Where: where + ".id", What: "is missing"}
	case taken:
		return &tandem.ConfigError{Where: where + ".id", What: fmt.Sprintf("%q is there twice", id)}
	}
	return nil
}
