package dialer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// Share is a part of a whole in hundredths of a percent: 300 is 3 %. Whole numbers, so that a limit is kept exactly.
type Share int

// whole is 100 %.
const whole = 10_000

// Percent returns p percent, to the nearest hundredth.
func Percent(p float64) Share { return Share(p*100 + 0.5) }

// String returns the share as people write it: "3%", "2.95%".
func (s Share) String() string {
	t := strconv.FormatFloat(float64(s)/100, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(t, "0"), ".") + "%"
}

// Validate returns a tandem.ErrInvalid unless the share is from 0 to below 100 %.
func (s Share) Validate() error {
	if s < 0 || s >= whole {
		return &tandem.ConfigError{Where: "dialer: share", What: fmt.Sprintf("%s is not from 0%% to below 100%%", s)}
	}
	return nil
}

// Tally is what a Ledger counts in its window.
type Tally struct {
	Answered  int `json:"answered"`  // calls that a person answered, the abandoned ones included
	Abandoned int `json:"abandoned"` // those of them that no agent took in time
}

// Within says whether the share of abandoned calls is at most limit. Nothing answered is within every limit.
func (t Tally) Within(limit Share) bool { return t.Abandoned*whole <= t.Answered*int(limit) }

// Share returns the part of the answered calls that was abandoned, rounded up so that 3.001 % does not pass for 3 %.
func (t Tally) Share() Share {
	if t.Answered <= 0 {
		return 0
	}
	return Share((t.Abandoned*whole + t.Answered - 1) / t.Answered)
}

// Room returns how many of the next answered calls could all be abandoned with the share still within limit; zero when
// it is exceeded already.
func (t Tally) Room(limit Share) int {
	if limit < 0 || limit >= whole {
		return 0
	}
	spare := t.Answered*int(limit) - t.Abandoned*whole
	if spare <= 0 {
		return 0
	}
	return spare / (whole - int(limit))
}

// WindowKind is how the time over which a limit holds is cut. The zero value is WindowCampaign.
type WindowKind uint8

// The kinds of window.
const (
	WindowCampaign WindowKind = iota // from the campaign's first call on
	WindowDay                        // the calendar day in Window.Zone
	WindowMonth                      // the calendar month in Window.Zone
	WindowSliding                    // the last Window.Length, at every moment
)

// Window is the time over which a limit on abandoned calls holds.
type Window struct {
	Kind WindowKind
	// Zone is where a day or month begins; nil means UTC.
	Zone *time.Location
	// Length is how long a sliding window is; required for that kind.
	Length time.Duration
}

// Validate returns a tandem.ErrInvalid that says what is wrong with the window, or nil.
func (w Window) Validate() error {
	switch {
	case w.Kind > WindowSliding:
		return &tandem.ConfigError{Where: "dialer: window.kind", What: fmt.Sprintf("%d is not one", w.Kind)}
	case w.Kind == WindowSliding && w.Length <= 0:
		return &tandem.ConfigError{Where: "dialer: window.length", What: "is missing for a sliding window"}
	case w.Kind != WindowSliding && w.Length != 0:
		return &tandem.ConfigError{Where: "dialer: window.length", What: "is only for a sliding window"}
	}
	return nil
}

// Start returns when the window that holds now began: calls answered before it do not count. The zero time: all count.
func (w Window) Start(now time.Time) time.Time {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := now.In(zone).Date()
	switch w.Kind {
	case WindowCampaign:
		return time.Time{}
	case WindowDay:
		return time.Date(y, m, d, 0, 0, 0, 0, zone)
	case WindowMonth:
		return time.Date(y, m, 1, 0, 0, 0, 0, zone)
	case WindowSliding:
		// A call answered exactly Length ago is out.
		return now.Add(-w.Length + 1)
	}
	return time.Time{}
}

// Ledger counts answered and abandoned calls in a window, each call exactly once and at the moment at which it was answered.
// Memory: nothing per call, but for a sliding window 16 bytes for each answered call in it. Use NewLedger; it is not safe for
// concurrent use.
type Ledger struct {
	window Window
	start  time.Time
	tally  Tally
	// calls are those of a sliding window by the time of their answer; the first ones are taken off as they leave it.
	calls []answered
	first int
}

type answered struct {
	at        int64 // Unix nanoseconds
	abandoned int64 // 1 or 0
}

// NewLedger makes an empty ledger; a window that is not valid is a tandem.ErrInvalid.
func NewLedger(w Window) (*Ledger, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	return &Ledger{window: w}, nil
}

// Fate is what became of a call that a person answered. The zero value is unset and is not counted.
type Fate uint8

// The fates.
const (
	FateUnset     Fate = iota
	FateTaken          // an agent took it in time
	FateAbandoned      // no agent did
)

// Add counts a call that was answered at the given time, once its fate is known. One that lies before the window is not counted.
func (l *Ledger) Add(now, at time.Time, f Fate) {
	l.advance(now)
	if f == FateUnset || at.Before(l.start) {
		return
	}
	lost := 0
	if f == FateAbandoned {
		lost = 1
	}
	l.tally.Answered++
	l.tally.Abandoned += lost
	if l.window.Kind != WindowSliding {
		return
	}
	l.calls = append(l.calls, answered{at: at.UnixNano(), abandoned: int64(lost)})
	// Fates become known a few seconds after the answers and not in their order: the new one sinks to its place.
	for i := len(l.calls) - 1; i > l.first && l.calls[i-1].at > l.calls[i].at; i-- {
		l.calls[i-1], l.calls[i] = l.calls[i], l.calls[i-1]
	}
}

// Tally returns what the window that holds now counts. Time must not run backwards between calls: if it does, the ledger stays
// where it was.
func (l *Ledger) Tally(now time.Time) Tally {
	l.advance(now)
	return l.tally
}

func (l *Ledger) advance(now time.Time) {
	start := l.window.Start(now)
	if !start.After(l.start) {
		return
	}
	l.start = start
	if l.window.Kind != WindowSliding {
		l.tally = Tally{}
		return
	}
	edge := start.UnixNano()
	for l.first < len(l.calls) && l.calls[l.first].at < edge {
		l.tally.Answered--
		l.tally.Abandoned -= int(l.calls[l.first].abandoned)
		l.first++
	}
	if l.first > len(l.calls)/2 {
		l.calls = append(l.calls[:0], l.calls[l.first:]...)
		l.first = 0
	}
}
