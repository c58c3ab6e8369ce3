package ami

import (
	"fmt"
	"strings"

	"github.com/staskobzar/goami2"

	"github.com/tandem-cc/tandem"
)

// Message is one message from Asterisk: a list of headers, some of which may occur more than once. The zero value has none. It
// is not changed once made and may be read concurrently.
type Message struct {
	m *goami2.Message
}

// ParseMessage reads one message, header lines each ended by CR LF and an empty line after the last. It fails with
// tandem.ErrInvalid.
func ParseMessage(text string) (Message, error) {
	m, err := goami2.Parse(text)
	if err != nil {
		return Message{}, fmt.Errorf("ami: parse message: %w: %w", tandem.ErrInvalid, err)
	}
	return Message{m: m}, nil
}

// Get returns the value of the first header of that name, whatever its case; empty when there is none. Asterisk's
// "<unknown>" is empty too.
func (m Message) Get(name string) string {
	if m.m == nil {
		return ""
	}
	if v := m.m.Field(name); v != "<unknown>" {
		return v
	}
	return ""
}

// Values returns the values of all headers of that name, in order.
func (m Message) Values(name string) []string {
	if m.m == nil {
		return nil
	}
	return m.m.FieldValues(name)
}

// Event returns the event's name, such as "Hangup"; empty for a response.
func (m Message) Event() string { return m.Get("Event") }

// ActionID returns the name of the action that the message belongs to; empty for what Asterisk tells by itself.
func (m Message) ActionID() string { return m.Get("ActionID") }

// Err returns nil for a response that reports success, and an Error otherwise. It has no meaning for an event.
func (m Message) Err() error {
	switch strings.ToLower(m.Get("Response")) {
	case "success", "goodbye", "follows", "pong":
		return nil
	}
	return &Error{Message: m.Get("Message")}
}

// Len returns how many headers the message has.
func (m Message) Len() int {
	if m.m == nil {
		return 0
	}
	return m.m.Len()
}

// Error is an action that Asterisk refused.
type Error struct {
	Action  string // which, as far as known
	Message string // what Asterisk said
}

// Error tells the action and what Asterisk said.
func (e *Error) Error() string {
	if e.Action == "" {
		return "asterisk refused: " + e.Message
	}
	return "asterisk refused " + e.Action + ": " + e.Message
}

// Limits of what Asterisk 22 takes: it cuts or refuses what is longer, without saying why.
const (
	maxActionLine  = 1024
	maxActionLines = 128
)

// Action is a command to Asterisk. It is made by NewAction and not safe for concurrent use.
type Action struct {
	m    *goami2.Message
	name string
}

// NewAction makes an action, such as "Hangup".
func NewAction(name string) *Action {
	a := &Action{m: goami2.NewMessage(), name: name}
	a.m.AddField("Action", name)
	return a
}

// With adds a header and returns the action. A name may be given several times ("Variable"). An ActionID is replaced by the
// client's own.
func (a *Action) With(name, value string) *Action {
	a.m.AddField(name, value)
	return a
}

// Name returns which action it is.
func (a *Action) Name() string { return a.name }

// encode returns the action as it is sent, or tandem.ErrInvalid when a header could break out of its line or is too long.
func (a *Action) encode(id string) ([]byte, error) {
	a.m.SetField("ActionID", id)
	hs := a.m.Headers()
	if len(hs) > maxActionLines {
		return nil, fmt.Errorf("ami: action %s: %d headers, at most %d: %w", a.name, len(hs), maxActionLines, tandem.ErrInvalid)
	}
	for _, h := range hs {
		switch {
		case h.Name == "" || strings.ContainsAny(h.Name, ":\r\n\x00"):
			return nil, fmt.Errorf("ami: action %s: bad header name %q: %w", a.name, h.Name, tandem.ErrInvalid)
		case strings.ContainsAny(h.Value, "\r\n\x00"):
			return nil, fmt.Errorf("ami: action %s: header %s holds a line break or NUL: %w", a.name, h.Name, tandem.ErrInvalid)
		case len(h.Name)+len(h.Value)+4 > maxActionLine:
			return nil, fmt.Errorf("ami: action %s: header %s is longer than %d bytes: %w", a.name, h.Name, maxActionLine, tandem.ErrInvalid)
		}
	}
	return a.m.Byte(), nil
}
