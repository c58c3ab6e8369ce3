package sim

import (
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/dialer"
)

// Predictive is dialer.Predictive.
func Predictive() Pacing {
	return Pacing{Name: "tandem", New: func() dialer.Pacer { return dialer.Predictive{} }}
}

// Bound is dialer.Predictive with the knowledge of when each agent will be ready: what nobody can know, to see how much it would
// be worth.
func Bound() Pacing {
	p := Predictive()
	p.Name, p.Ends = "bound", true
	return p
}

// Progressive is dialer.Progressive.
func Progressive() Pacing { return Pacing{Name: "progressive"} }

// Ratio is a fixed number of lines per ready agent, kept within the limit by dialer.Budget.
func Ratio(lines float64) Pacing {
	return Pacing{Name: "ratio", New: func() dialer.Pacer { return dialer.Budget{Pacer: dialer.Ratio{Lines: lines}} }}
}

// VICIdial is dialer.VICIdial with the level that dialer.VICIdialLevel finds, at its default settings.
func VICIdial() Pacing {
	return Pacing{Name: "vicidial", New: func() dialer.Pacer { return &vicidial{} }}
}

// vicidial looks every 2.5 seconds, whatever happens between.
type vicidial struct {
	level dialer.VICIdialLevel
	last  time.Time
}

// Pace implements dialer.Pacer, for one shift only.
func (v *vicidial) Pace(s *dialer.Snapshot) dialer.Decision {
	v.level.See(s)
	d := v.level.Pacer().Pace(s)
	d.Next = time.Second
	if s.Now.Sub(v.last) < 2500*time.Millisecond {
		d.Calls = 0
		return d
	}
	v.last = s.Now
	return d
}

// Named returns the pacing of that name: tandem, bound, progressive, ratio (with so many lines), vicidial.
func Named(name string, lines float64) (Pacing, error) {
	switch name {
	case "tandem":
		return Predictive(), nil
	case "bound":
		return Bound(), nil
	case "progressive":
		return Progressive(), nil
	case "vicidial":
		return VICIdial(), nil
	case "ratio":
		if err := (dialer.Ratio{Lines: lines}).Validate(); err != nil {
			return Pacing{}, err
		}
		return Ratio(lines), nil
	}
	return Pacing{}, fmt.Errorf("sim: pacer %q is not tandem, bound, progressive, ratio or vicidial: %w", name, tandem.ErrInvalid)
}
