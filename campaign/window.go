package campaign

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// Window is when calls may be placed: on some weekdays, between two times of day in one zone. The zero value is always
// open. Times are those that a clock on the wall of the zone shows, so an hour that daylight saving repeats
// counts twice and one that it skips never comes.
type Window struct {
	// Zone is whose clock counts; nil means UTC.
	Zone *time.Location
	// Days are the weekdays on which it opens; empty means every day.
	Days []time.Weekday
	// From is when it opens and To when it shuts, To being the first minute in which nothing is dialled any more. Both zero
	// means all day. To is after From: a window over midnight is not one.
	From, To Clock
}

// Clock is a time of day in minutes since midnight, 24:00 (1440) included.
type Clock int

const endOfDay Clock = 24 * 60

// ParseClock reads "9:00", "09:00" or "24:00"; anything else is tandem.ErrInvalid.
func ParseClock(s string) (Clock, error) {
	h, m, ok := strings.Cut(s, ":")
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	c := Clock(hour*60 + minute)
	if !ok || err1 != nil || err2 != nil || len(h) > 2 || len(m) != 2 || hour < 0 || minute < 0 || minute > 59 || c > endOfDay {
		return 0, fmt.Errorf("campaign: %q is not a time of day: %w", s, tandem.ErrInvalid)
	}
	return c, nil
}

// String returns the time as "09:00".
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// MarshalText returns the time as "09:00".
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText takes what ParseClock does.
func (c *Clock) UnmarshalText(text []byte) error {
	v, err := ParseClock(string(text))
	if err != nil {
		return err
	}
	*c = v
	return nil
}

// Validate returns a tandem.ErrInvalid that says what is wrong with the window, or nil.
func (w Window) Validate() error {
	switch {
	case w.From < 0 || w.From >= endOfDay:
		return &tandem.ConfigError{Where: "window.from", What: fmt.Sprintf("%s is not a time of day", w.From)}
	case w.To < 0 || w.To > endOfDay:
		return &tandem.ConfigError{Where: "window.to", What: fmt.Sprintf("%s is not a time of day", w.To)}
	case w.To <= w.From && (w.From != 0 || w.To != 0):
		return &tandem.ConfigError{Where: "window.to", What: fmt.Sprintf("%s is not after %s", w.To, w.From)}
	}
	for i, d := range w.Days {
		if d < time.Sunday || d > time.Saturday {
			return &tandem.ConfigError{Where: fmt.Sprintf("window.days[%d]", i), What: fmt.Sprintf("%d is not a weekday", int(d))}
		}
	}
	return nil
}

// Open says whether calls may be placed at a moment.
func (w Window) Open(now time.Time) bool {
	local := now.In(w.zone())
	if len(w.Days) > 0 && !slices.Contains(w.Days, local.Weekday()) {
		return false
	}
	clock := Clock(local.Hour()*60 + local.Minute())
	return clock >= w.From && clock < w.to()
}

// Next returns the first moment, not before now, at which the window is open: now itself when it is.
func (w Window) Next(now time.Time) time.Time {
	if w.Open(now) {
		return now
	}
	local := now.In(w.zone())
	// A year holds every weekday, and every day's hours but for those that a change of the clocks skips.
	for day := range 366 {
		from := time.Date(local.Year(), local.Month(), local.Day()+day, int(w.From)/60, int(w.From)%60, 0, 0, w.zone())
		if at, ok := w.around(from, now); ok {
			return at
		}
	}
	return now.AddDate(1, 0, 0)
}

// around returns the first open minute about the time at which a day's window should open. A change of the clocks moves it: From may lie
// in an hour that is skipped, or come twice.
func (w Window) around(from, now time.Time) (time.Time, bool) {
	const most = 3 * time.Hour // more than any clock was ever changed by
	for at := from.Add(-most); !at.After(from.Add(most)); at = at.Add(time.Minute) {
		if !at.Before(now) && w.Open(at) {
			return at, true
		}
	}
	return time.Time{}, false
}

func (w Window) zone() *time.Location {
	if w.Zone == nil {
		return time.UTC
	}
	return w.Zone
}

func (w Window) to() Clock {
	if w.To == 0 {
		return endOfDay
	}
	return w.To
}
