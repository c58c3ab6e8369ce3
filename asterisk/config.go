package asterisk

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

// numberMark is the place of the number in Trunk.Dial.
const numberMark = "{number}"

// Config says which Asterisk, and what of it is ours.
type Config struct {
	// AMI is the manager account: it needs read = system,call,agi,dtmf and write = system,call,agi,originate,reporting. Events
	// and Logger are set by the switch when empty.
	AMI ami.Config
	// Context and Exten are where the dialplan takes a leg that Tandem dialled, and where legs wait: a line with
	// AGI(agi:async), see the package comment. Empty means "tandem" and "answered".
	Context, Exten string
	// Incoming names the dialplan contexts whose calls are Tandem's when they reach AGI(agi:async); those of any other context
	// are left to other programs. Nil means Context alone.
	Incoming []string
	// Trunks are the ways to and from the telephone network.
	Trunks []Trunk
	// Agents are the people and their telephones. An agent who is not listed is never reachable.
	Agents []Agent
	// Stranger is the trunk under which a call from a device appears that neither Trunks nor Agents name. Empty: such a call
	// is refused with CauseForbidden.
	Stranger tandem.TrunkID
	// Grace is how long legs outlive a lost manager connection, in the hope of finding them again; past it they end with
	// CauseNetwork. Zero means 30 s.
	Grace time.Duration
	// Legs is how many legs may exist at a time; beyond, Dial fails with ErrFull and callers are refused with CauseCongestion. Zero
	// means 10,000.
	Legs int
	// Backlog is how many events may wait for the Handler; when it is full, commands fail with ErrFull, and at twice that Run ends with ErrFull,
	// since a journal with holes would be worse. Zero means 100,000.
	Backlog int
	// IDs names incoming legs. Nil means tandem.RandomIDs.
	IDs tandem.IDSource
	// Logger takes what an operator acts on; nil discards.
	Logger *slog.Logger
}

// Trunk is a way to the telephone network.
type Trunk struct {
	ID tandem.TrunkID // required
	// Dial is Asterisk's dial string with {number} in the place of the number: "PJSIP/{number}@carrier". Required.
	Dial string
	// Devices are those whose calls come from this trunk: "PJSIP/carrier". Nil means the one that Dial names behind its "@".
	Devices []string
}

// Agent is a person with one telephone at the Asterisk.
type Agent struct {
	ID     tandem.AgentID // required
	Device string         // the telephone: "PJSIP/1001". Required
}

func (c *Config) check() error {
	if strings.ContainsAny(c.Context+c.Exten, "^,|&()\"\r\n ") {
		return &tandem.ConfigError{Where: "context", What: fmt.Sprintf("%q, %q: not a dialplan place", c.Context, c.Exten)}
	}
	devices, trunks, agents := map[string]bool{}, map[tandem.TrunkID]bool{}, map[tandem.AgentID]bool{}
	for i := range c.Trunks {
		if err := c.checkTrunk(i, trunks, devices); err != nil {
			return err
		}
	}
	for i, a := range c.Agents {
		where := fmt.Sprintf("agents[%d]", i)
		switch {
		case a.ID == "":
			return &tandem.ConfigError{Where: where + ".id", What: "is missing"}
		case agents[a.ID]:
			return &tandem.ConfigError{Where: where + ".id", What: fmt.Sprintf("%q is there twice", a.ID)}
		case !isDevice(a.Device):
			return &tandem.ConfigError{Where: where + ".device", What: fmt.Sprintf("%q is no device such as PJSIP/1001", a.Device)}
		case devices[a.Device]:
			return &tandem.ConfigError{Where: where + ".device", What: fmt.Sprintf("%q is there twice", a.Device)}
		}
		agents[a.ID], devices[a.Device] = true, true
	}
	for where, n := range map[string]int64{"grace": int64(c.Grace), "legs": int64(c.Legs), "backlog": int64(c.Backlog)} {
		if n < 0 {
			return &tandem.ConfigError{Where: where, What: "is negative"}
		}
	}
	return nil
}

func (c *Config) checkTrunk(i int, trunks map[tandem.TrunkID]bool, devices map[string]bool) error {
	t := &c.Trunks[i]
	where := fmt.Sprintf("trunks[%d]", i)
	switch {
	case t.ID == "":
		return &tandem.ConfigError{Where: where + ".id", What: "is missing"}
	case trunks[t.ID]:
		return &tandem.ConfigError{Where: where + ".id", What: fmt.Sprintf("%q is there twice", t.ID)}
	case strings.Count(t.Dial, numberMark) != 1 || strings.ContainsAny(t.Dial, "&,\r\n"):
		return &tandem.ConfigError{Where: where + ".dial", What: fmt.Sprintf("%q is no dial string with one %s", t.Dial, numberMark)}
	}
	trunks[t.ID] = true
	for _, d := range t.devices() {
		switch {
		case !isDevice(d):
			return &tandem.ConfigError{Where: where + ".devices", What: fmt.Sprintf("%q is no device such as PJSIP/carrier", d)}
		case devices[d]:
			return &tandem.ConfigError{Where: where + ".devices", What: fmt.Sprintf("%q is there twice", d)}
		}
		devices[d] = true
	}
	return nil
}

// devices returns whose calls come from the trunk.
func (t Trunk) devices() []string {
	if t.Devices != nil {
		return t.Devices
	}
	tech, _, _ := strings.Cut(t.Dial, "/")
	if _, name, found := strings.Cut(t.Dial, "@"); found {
		return []string{tech + "/" + name}
	}
	return nil
}

func isDevice(s string) bool {
	tech, name, found := strings.Cut(s, "/")
	return found && tech != "" && name != "" && !strings.ContainsAny(s, "&,@\r\n ()")
}

func (c *Config) setDefaults() {
	if c.Context == "" {
		c.Context = "tandem"
	}
	if c.Exten == "" {
		c.Exten = "answered"
	}
	if c.Incoming == nil {
		c.Incoming = []string{c.Context}
	}
	if c.Grace == 0 {
		c.Grace = 30 * time.Second
	}
	if c.Legs == 0 {
		c.Legs = 10_000
	}
	if c.Backlog == 0 {
		c.Backlog = 100_000
	}
	if c.IDs == nil {
		c.IDs = tandem.RandomIDs()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.AMI.Events == "" {
		c.AMI.Events = "system,call,agi,dtmf"
	}
	if c.AMI.Logger == nil {
		c.AMI.Logger = c.Logger
	}
}
