package media

import (
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// End is one leg's end of the sound. All methods may be called concurrently; after Close they return ErrClosed or do
// nothing.
type End struct{}

// Label returns the label that the end was opened with.
func (e *End) Label() string { return "" }

// Local returns this end's side of a session: its address, codecs and, for browsers, ICE credentials and fingerprint.
// It is complete as soon as the end is open; pass it to sdp.Offer or sdp.Answer.
func (e *End) Local() sdp.Description { return sdp.Description{} }

// Apply gives the end a finished offer and answer: what we said and what they said, whoever offered. Call it again for
// every later round: a new address, another codec, hold and resume (by either side's direction), an ICE restart. It errs
// with the errors of sdp.Agree and changes nothing then.
func (e *End) Apply(ours, theirs sdp.Description) error { return errNotYet }

// RestartICE gives a browser end new ICE credentials for a re-offer and returns the new Local. The old ones are good
// until the restart has been applied and the browser's first check with the new ones. Plain ends return Local unchanged.
func (e *End) RestartICE() sdp.Description { return sdp.Description{} }

// Play plays s to the peer, replacing what was playing, as soon as the peer may be sent to. It errs with ErrJoined
// while the end is joined.
func (e *End) Play(s Source) error { return errNotYet }

// StopPlay stops what is playing; nothing is sent until something else is played or joined.
func (e *End) StopPlay() {}

// SendDigit sends one key (0-9, *, #, A-D) for the given time (rounded to 20 ms; zero is 100 ms) as telephone events.
// Digits wait for each other, at most 64; sound to the peer rests meanwhile. It errs with ErrUnsupported when the peer did not
// agree to telephone-event, ErrNotApplied, and ErrBusy.
func (e *End) SendDigit(digit rune, d time.Duration) error { return errNotYet }

// Stats returns the end's figures.
func (e *End) Stats() Stats { return Stats{} }

// Close parts the end, releases its socket and forgets it. It may be called more than once and in any state, and returns
// when nothing of the end runs any more, except on the goroutine of Config.Notify.
func (e *End) Close() {}
