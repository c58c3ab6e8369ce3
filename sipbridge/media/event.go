package media

import (
	"errors"
	"fmt"
	"time"
)

// Error values that callers branch on.
var (
	// ErrClosed says that the end or the plane is closed.
	ErrClosed = errors.New("media: closed")
	// ErrLimit says that Config.MaxEnds ends are open or no port is free.
	ErrLimit = errors.New("media: limit reached")
	// ErrJoined says that the end is joined with another; part them first.
	ErrJoined = errors.New("media: end is joined")
	// ErrNotApplied says that the end knows nothing of its peer yet.
	ErrNotApplied = errors.New("media: no description applied yet")
	// ErrUnsupported says that the agreed codecs do not allow it, such as digits without telephone-event.
	ErrUnsupported = errors.New("media: not supported by the agreed codecs")
	// ErrBusy says that a bounded queue is full.
	ErrBusy = errors.New("media: queue full")
)

// EventKind says what happened on an end.
type EventKind uint8

// The kinds of event. The zero value is never delivered.
const (
	EventUnset EventKind = iota
	// EventUp: the first packet of sound came that the end trusts. On a browser end DTLS is done too.
	EventUp
	// EventSecured: the DTLS handshake of a browser end is done; sound may be sent.
	EventSecured
	// EventDigit: the peer pressed a key and let it go; Digit and Duration say which and how long.
	EventDigit
	// EventSilent: no packet came for Duration; it comes once, until EventResumed.
	EventSilent
	// EventResumed: packets come again after EventSilent or EventConsentLost.
	EventResumed
	// EventConsentLost: a browser's ICE checks stopped for 30 s; nothing is sent to it until they come again (RFC 7675).
	EventConsentLost
	// EventFailed: the end cannot carry sound (handshake refused or timed out, wrong fingerprint); Err says why.
	EventFailed
	// EventPlayed: a source given to Play came to its own end (not by StopPlay, Join or another Play).
	EventPlayed
)

// String returns the kind's name in snake case.
func (k EventKind) String() string {
	switch k {
	case EventUnset:
		return "unset"
	case EventUp:
		return "up"
	case EventSecured:
		return "secured"
	case EventDigit:
		return "digit"
	case EventSilent:
		return "silent"
	case EventResumed:
		return "resumed"
	case EventConsentLost:
		return "consent_lost"
	case EventFailed:
		return "failed"
	case EventPlayed:
		return "played"
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// Event is something that happened on an end.
type Event struct {
	// End is where it happened.
	End *End
	// Kind says what.
	Kind EventKind
	// Digit is one of 0-9, *, #, A-D for EventDigit.
	Digit rune
	// Duration is how long the key was held (EventDigit) or nothing came (EventSilent).
	Duration time.Duration
	// Err is why, for EventFailed.
	Err error
}
