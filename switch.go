package tandem

import (
	"context"
	"errors"
	"time"
)

// Record is one thing that happened: the event, when, and, once journalled, its place in the journal.
type Record struct {
	Seq   uint64    // place in the journal, from 1 without gaps; 0 means not journalled (yet)
	At    time.Time // when it happened (UTC when stored); never zero
	Event Event     // what happened; never nil
}

// Handler takes records in the order in which they happened. It must not call back into the component that calls it and wait,
// and it returns soon: what takes long goes to a bounded queue of its own. Blocking for a while is the way to slow the
// source down; ctx ends the wait. An error ends the source's Run, which returns it wrapped: only a fault that makes going
// on pointless (the journal cannot be written) is one.
type Handler interface {
	Handle(ctx context.Context, rs ...Record) error
}

// HandlerFunc makes a function a Handler.
type HandlerFunc func(ctx context.Context, rs ...Record) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, rs ...Record) error { return f(ctx, rs...) }

// Handlers hands each record to every handler in order: the journal first, then the engines. The first error stops it.
type Handlers []Handler

// Handle calls each handler in turn.
func (h Handlers) Handle(ctx context.Context, rs ...Record) error {
	for _, x := range h {
		if err := x.Handle(ctx, rs...); err != nil {
			return err
		}
	}
	return nil
}

// Switch connects parties: the one port that every telephone mechanism implements (sipbridge, asterisk, loopback), in a
// shape that both SIP and Asterisk's manager interface can honour. Package switchtest holds this contract as a suite.
//
//   - A command returns when it is taken, not when it is done; what came of it arrives as events. A command fails
//     only for what is wrong with itself: ErrInvalid (the request breaks a rule), ErrNotFound (no such leg, or it has ended),
//     ErrConflict (Dial with a leg name in use), ErrState (the leg's state does not allow it), ErrUnsupported, ErrClosed (Run
//     is not running). An agent without a device, a busy line, a dead trunk are no errors of Dial but a LegEnded with the cause.
//   - The events of one leg come in order: LegIncoming for a leg that the far end began; LegRinging any number of times; LegAnswered
//     at most once; LegBridged and LegUnbridged alternating; LegDigit, LegPlayed and LegHeld in between; LegEnded exactly once, last.
//     A leg that was hung up while its answer was under way ends either way with one LegEnded and nothing after it.
//   - When one of two bridged legs ends, the other gets LegUnbridged and stays up, hearing silence, for the engine to
//     decide about. Bridging a leg that is bridged already moves it: its former peer gets LegUnbridged.
//   - All methods may be called concurrently, also from inside a Handler (they never wait for it).
type Switch interface {
	// Run delivers events to h until ctx ends or h returns an error. It hangs up every leg before it returns;
	// those last LegEnded are not delivered once ctx has ended. It is called at most once; a second call returns ErrState.
	// Without h it returns ErrInvalid at once and has not been called.
	Run(ctx context.Context, h Handler) error
	// Dial makes a new leg and rings the far end.
	Dial(ctx context.Context, d Dial) error
	// Answer answers an incoming leg.
	Answer(ctx context.Context, leg LegID) error
	// Bridge joins two answered legs so that each hears the other. Both get LegBridged.
	Bridge(ctx context.Context, a, b LegID) error
	// Hangup ends a leg in any state: an incoming one is refused with the cause, a dialled one cancelled.
	Hangup(ctx context.Context, leg LegID, cause Cause) error
}

// What a switch may also be able to do: optional interfaces that a consumer looks for once, at construction, by type
// assertion, and refuses its own configuration with ErrUnsupported when one is missing that it needs. No switch of this
// module has Recorder, Transferrer or Monitor yet: their cases in package switchtest come with the first that does.
type (
	// Ringer tells the caller of an incoming leg that somewhere it rings (SIP 180).
	Ringer interface {
		Ring(ctx context.Context, leg LegID) error
	}
	// Parter takes two bridged legs apart; both stay up. Both get LegUnbridged.
	Parter interface {
		Part(ctx context.Context, leg LegID) error
	}
	// Player plays to one answered leg that is not bridged. A new Play replaces the sound; bridging or
	// StopPlay ends it. LegPlayed tells that a sound of finite length came to its end.
	Player interface {
		Play(ctx context.Context, leg LegID, s Sound) error
		StopPlay(ctx context.Context, leg LegID) error
	}
	// DigitSender sends DTMF digits (0-9 * # A-D) to an answered leg.
	DigitSender interface {
		SendDigits(ctx context.Context, leg LegID, digits string) error
	}
	// Holder puts an answered leg on hold (it hears music) and takes it back.
	Holder interface {
		Hold(ctx context.Context, leg LegID) error
		Resume(ctx context.Context, leg LegID) error
	}
	// Recorder records what an answered leg says and hears into the named recording; Stop closes it.
	Recorder interface {
		Record(ctx context.Context, leg LegID, name string) error
		StopRecord(ctx context.Context, leg LegID) error
	}
	// Transferrer sends a leg's far end elsewhere and is done with it (SIP REFER): blind transfer.
	Transferrer interface {
		Transfer(ctx context.Context, leg LegID, to Endpoint) error
	}
	// Monitor lets the listener's leg hear the leg and its peer, and be heard by nobody, by the leg only, or by both.
	Monitor interface {
		Monitor(ctx context.Context, listener, leg LegID, mode MonitorMode) error
	}
)

// MonitorMode is who hears a supervisor.
type MonitorMode uint8

// The monitor modes; the zero value is MonitorListen, the least intrusive.
const (
	MonitorListen  MonitorMode = iota // nobody hears the supervisor
	MonitorWhisper                    // the monitored leg alone does
	MonitorBarge                      // both do
)

// Sound is what a Player plays: one of the built-in signals, or a named file of the operator's.
type Sound struct {
	// Kind is which; the zero value is invalid.
	Kind SoundKind `json:"kind"`
	// Name is the file's name for SoundFile, without extension, as in Asterisk ("queue-youarenext").
	Name string `json:"name,omitempty"`
	// Times is how often a file is played; 0 means once. Signals and music go on until stopped.
	Times int `json:"times,omitempty"`
}

// SoundKind is a kind of sound.
type SoundKind uint8

// The kinds of sound.
const (
	SoundUnset      SoundKind = iota
	SoundRing                 // ring-back tone (ITU-T E.180)
	SoundMusic                // music on hold
	SoundBusy                 // busy tone
	SoundCongestion           // congestion tone
	SoundFile                 // the file Sound.Name
)

func soundNames() []string { return []string{"", "ring", "music", "busy", "congestion", "file"} }

// String returns the kind's name; the zero value is the empty text.
func (k SoundKind) String() string { return enumText("sound", soundNames(), uint8(k)) }

// MarshalText returns the kind's name.
func (k SoundKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (k *SoundKind) UnmarshalText(text []byte) error {
	v, err := parseEnum("sound", soundNames(), text)
	if err != nil {
		return err
	}
	*k = SoundKind(v)
	return nil
}

// IsGone reports whether a command failed because its leg no longer exists: what a caller that merely wanted the leg
// gone may ignore.
func IsGone(err error) bool { return errors.Is(err, ErrNotFound) }
