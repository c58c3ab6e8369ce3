package acd

import (
	"errors"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
)

// Input is one input of an Engine as EngineConfig.Record gives it: what a replay needs to come to the same decisions. It can be written and read as JSON.
type Input struct {
	At       time.Time            `json:"at"`
	Op       string               `json:"op"` // the method of Engine: "login", "handle", "tick" …
	Call     tandem.CallID        `json:"call,omitempty"`
	Agent    tandem.AgentID       `json:"agent,omitempty"`
	Queue    tandem.QueueID       `json:"queue,omitempty"`
	Text     string               `json:"text,omitempty"` // a pause's reason, or what kind of error an action failed with
	Priority int                  `json:"priority,omitempty"`
	Duration time.Duration        `json:"duration,omitempty"`
	By       tandem.Party         `json:"by,omitempty"`
	Incoming *tandem.LegIncoming  `json:"incoming,omitempty"`
	Route    *Route               `json:"route,omitempty"`
	Arrival  *tandem.Arrival      `json:"arrival,omitempty"`
	Disposed *tandem.CallDisposed `json:"disposed,omitempty"`
	Event    *tandem.Record       `json:"event,omitempty"`
	Action   *Action              `json:"action,omitempty"`
}

// Replay gives an engine one input again. An engine with the same configuration that is given the same inputs in the same order decides the same, byte for
// byte. It returns the error that the input gave then; an unknown Op or one that lacks its data is an ErrInvalid.
func (e *Engine) Replay(in Input) error {
	switch in.Op {
	case "incoming", "routed", "enqueue", "dispose", "handle", "failed":
		return e.replayData(in)
	case "tick":
		e.Tick(in.At)
	case "switch_lost":
		e.SwitchLost(in.At)
	case "stop":
		e.Stop(in.At)
	case "hangup":
		return e.Hangup(in.At, in.Call, in.By)
	case "move":
		return e.Move(in.At, in.Call, in.Queue)
	case "set_priority":
		return e.SetPriority(in.At, in.Call, in.Priority)
	case "pick":
		return e.Pick(in.At, in.Call, in.Agent)
	case "drain":
		return e.Drain(in.At, in.Queue)
	case "reopen":
		return e.Reopen(in.At, in.Queue)
	default:
		return e.replayAgent(in)
	}
	return nil
}

func (e *Engine) replayAgent(in Input) error {
	switch in.Op {
	case "login":
		return e.Login(in.At, in.Agent)
	case "logout":
		return e.Logout(in.At, in.Agent)
	case "pause":
		return e.Pause(in.At, in.Agent, in.Text)
	case "ready":
		return e.Ready(in.At, in.Agent)
	case "finish_wrap_up":
		return e.FinishWrapUp(in.At, in.Agent)
	case "extend_wrap_up":
		return e.ExtendWrapUp(in.At, in.Agent, in.Duration)
	case "reject":
		return e.Reject(in.At, in.Agent, in.Call)
	case "force_pause":
		return e.Force(in.At, in.Agent, tandem.AgentPaused, in.Text)
	}
	return fmt.Errorf("acd: replay: %q is no input: %w", in.Op, tandem.ErrInvalid)
}

func (e *Engine) replayData(in Input) error {
	switch {
	case in.Op == "incoming" && in.Incoming != nil:
		return e.Incoming(in.At, in.Call, *in.Incoming)
	case in.Op == "routed" && in.Route != nil:
		return e.Routed(in.At, in.Call, *in.Route)
	case in.Op == "enqueue" && in.Arrival != nil:
		return e.Enqueue(in.At, *in.Arrival)
	case in.Op == "dispose" && in.Disposed != nil:
		return e.Dispose(in.At, *in.Disposed)
	case in.Op == "handle" && in.Event != nil && in.Event.Event != nil:
		e.Handle(in.At, in.Event.Event)
	case in.Op == "failed" && in.Action != nil:
		e.Failed(in.At, *in.Action, failure(in.Text))
	default:
		return fmt.Errorf("acd: replay: %q lacks its data: %w", in.Op, tandem.ErrInvalid)
	}
	return nil
}

// heard is the input of an event. Each kind is boxed anew, so that what the engine is given need not be on the heap when nothing is recorded. What the engine passes over
// is no more than a tick.
func heard(now time.Time, ev tandem.Event) Input {
	r := &tandem.Record{At: now}
	switch ev := ev.(type) {
	case tandem.LegAnswered:
		r.Event = ev
	case tandem.LegBridged:
		r.Event = ev
	case tandem.LegEnded:
		r.Event = ev
	case tandem.LegDigit:
		r.Event = ev
	case tandem.DeviceChanged:
		r.Event = ev
	default:
		return Input{At: now, Op: "tick"}
	}
	return Input{At: now, Op: "handle", Event: r}
}

// failureName and failure keep of an error what the engine looks at.
func failureName(err error) string {
	for _, known := range []error{tandem.ErrClosed, tandem.ErrNotFound, tandem.ErrState, tandem.ErrFull} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "other"
}

func failure(name string) error {
	for _, known := range []error{tandem.ErrClosed, tandem.ErrNotFound, tandem.ErrState, tandem.ErrFull} {
		if known.Error() == name {
			return known
		}
	}
	return errors.New(name)
}
