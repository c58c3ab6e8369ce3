package sim

import (
	"time"

	"github.com/tandem-cc/tandem/dialer"
)

// Changing returns days on which things change, with a handle time of 3 minutes unless said otherwise.
func Changing(agents int) []Scenario {
	day := func(name string, change func(*Scenario)) Scenario {
		s := Day(agents, 0.2, 3*time.Minute)
		s.Name = name
		change(&s)
		return s
	}
	return []Scenario{
		day("A answer .15, .45 at 2 h, .15 at 5 h", func(s *Scenario) {
			s.Answer = func(t time.Duration) float64 {
				if t >= 2*time.Hour && t < 5*time.Hour {
					return 0.45
				}
				return 0.15
			}
		}),
		day("B answer rises .10 to .40", func(s *Scenario) {
			s.Answer = func(t time.Duration) float64 { return 0.1 + 0.3*t.Hours()/8 }
		}),
		day("C answer .10 and .30 in turn, 20 min each", func(s *Scenario) {
			s.Answer = func(t time.Duration) float64 {
				if t/(20*time.Minute)%2 == 0 {
					return 0.1
				}
				return 0.3
			}
		}),
		day("D staff N/4, N, N/2, N", func(s *Scenario) {
			s.Staff = func(t time.Duration) int {
				switch int64(t / (2 * time.Hour)) {
				case 0:
					return agents / 4
				case 2:
					return agents / 2
				}
				return agents
			}
		}),
		day("E handle time 180 s, 60 s from 4 h to 6 h", func(s *Scenario) {
			s.Handle = func(t time.Duration) time.Duration {
				if t >= 4*time.Hour && t < 6*time.Hour {
					return time.Minute
				}
				return 3 * time.Minute
			}
		}),
		day("F machines 30 %", func(s *Scenario) { s.Machines = 0.3 }),
		day("G carrier dead for 3 min, three times", func(s *Scenario) {
			s.Dead = func(t time.Duration) bool { return t > time.Hour && t%(2*time.Hour) < 3*time.Minute }
		}),
		day("H1 exponential talk, no wrap-up", func(s *Scenario) { s.Memoryless = true }),
		day("H2 40 % very short calls", func(s *Scenario) { s.Short = 0.4 }),
		day("I five days, .15 to .35 on each, sliding 24 h", func(s *Scenario) {
			s.Length = 40 * time.Hour
			s.Blind = true
			s.Window = dialer.Window{Kind: dialer.WindowSliding, Length: 8 * time.Hour}
			s.Answer = func(t time.Duration) float64 { return 0.15 + 0.2*(t%(8*time.Hour)).Hours()/8 }
		}),
		day("J ring 17 s, given up at 30 s", func(s *Scenario) { s.RingMean, s.Ring = 17*time.Second, 30*time.Second }),
	}
}
