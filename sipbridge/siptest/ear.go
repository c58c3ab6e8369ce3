package siptest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tandem-cc/tandem/internal/tone"
)

const (
	// recorded bounds what an ear remembers of what it heard.
	recorded = 30 * tone.Rate
	// maxKeys bounds the keys that an ear remembers.
	maxKeys = 1000
	// toneShare is the part of the energy that makes a tone heard.
	toneShare = 0.5
	// eventKeys are the events 0 to 15 of RFC 4733.
	eventKeys = "0123456789*#ABCD"
)

// Ear remembers what a simulated phone heard and recognises tones and keys in it. The zero value is ready. All methods
// may be called concurrently.
type Ear struct {
	mu      sync.Mutex
	heard   []int16
	packets int
	keys    []byte
	keyTime uint32 // timestamp of the latest event
	keyOpen bool
	keySeen bool
	change  chan struct{} // closed and forgotten when something was heard; nil when nobody waits
}

// HearSound adds samples.
func (e *Ear) HearSound(samples []int16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.packets++
	e.heard = append(e.heard, samples...)
	if over := len(e.heard) - recorded; over > tone.Rate {
		e.heard = slices.Delete(e.heard, 0, over)
	}
	e.wakeLocked()
}

// HearEvent adds one packet of a telephone event (RFC 4733), given its timestamp and payload; a key counts once, at its end.
func (e *Ear) HearEvent(timestamp uint32, payload []byte) {
	if len(payload) < 4 || int(payload[0]) >= len(eventKeys) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.keySeen || timestamp != e.keyTime {
		e.keyTime, e.keyOpen, e.keySeen = timestamp, true, true
	}
	if e.keyOpen && payload[1]&0x80 != 0 && len(e.keys) < maxKeys {
		e.keyOpen = false
		e.keys = append(e.keys, eventKeys[payload[0]])
	}
	e.wakeLocked()
}

func (e *Ear) wakeLocked() {
	if e.change != nil {
		close(e.change)
		e.change = nil
	}
}

// latest returns a copy of the latest samples, at most n, the keys, and a channel that is closed when more was heard.
func (e *Ear) latest(n int) ([]int16, string, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.change == nil {
		e.change = make(chan struct{})
	}
	return slices.Clone(e.heard[max(0, len(e.heard)-n):]), string(e.keys), e.change
}

// Digits returns the keys heard so far.
func (e *Ear) Digits() string {
	_, keys, _ := e.latest(0)
	return keys
}

// Level returns how much of the energy of the latest half second heard lies at a frequency, between 0 and 1; 0 when less
// than 100 ms was heard.
func (e *Ear) Level(frequency float64) float64 {
	s, _, _ := e.latest(tone.Rate / 2)
	if len(s) < tone.Rate/10 {
		return 0
	}
	return tone.Detect(s, frequency)
}

// WaitTone waits until a tone makes up most of the latest 200 ms heard, or until ctx is done; then the error says what was
// heard instead.
func (e *Ear) WaitTone(ctx context.Context, frequency float64) error {
	for {
		s, _, changed := e.latest(tone.Rate / 5)
		if len(s) == tone.Rate/5 && tone.Detect(s, frequency) > toneShare {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			f, l := tone.Peak(s)
			e.mu.Lock()
			n := e.packets
			e.mu.Unlock()
			return fmt.Errorf("siptest: no tone of %.0f Hz: heard %d packets, the latest %d samples (level %.0f) are %.2f at %.0f Hz: %w",
				frequency, n, len(s), tone.RMS(s), l, f, ctx.Err())
		}
	}
}

// WaitDigits waits until exactly these keys were heard in all, or until ctx is done; then the error says which were.
func (e *Ear) WaitDigits(ctx context.Context, keys string) error {
	for {
		_, got, changed := e.latest(0)
		if got == keys {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("siptest: heard keys %q, not %q: %w", got, keys, ctx.Err())
		}
	}
}

// Recording returns the latest samples heard, at most about 30 seconds.
func (e *Ear) Recording() []int16 {
	s, _, _ := e.latest(recorded + tone.Rate)
	return s
}

// Reset forgets what was heard.
func (e *Ear) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard, e.keys, e.packets, e.keySeen = nil, nil, 0, false
}
