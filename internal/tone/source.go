package tone

import (
	"math"
	"time"
)

// Sine is a steady tone. Make it with NewSine; it is for one goroutine.
type Sine struct{ phase, step, amplitude float64 }

// NewSine returns a tone of the given frequency in hertz and level between 0 and 1.
func NewSine(frequency, level float64) *Sine {
	return &Sine{step: 2 * math.Pi * frequency / Rate, amplitude: clamp(level) * math.MaxInt16}
}

func clamp(level float64) float64 {
	if math.IsNaN(level) {
		return 0
	}
	return max(0, min(1, level))
}

// Fill writes the next samples; it never ends.
func (s *Sine) Fill(frame []int16) int {
	for i := range frame {
		frame[i] = int16(s.amplitude * math.Sin(s.phase))
		s.phase += s.step
	}
	s.phase = math.Mod(s.phase, 2*math.Pi)
	return len(frame)
}

// Burst is a part of a call progress tone: some frequencies together, or silence when there are none.
type Burst struct {
	// Frequencies sound together, in hertz.
	Frequencies []float64
	// Length is how long.
	Length time.Duration
}

// Cadence repeats bursts. Make it with NewCadence; it is for one goroutine.
type Cadence struct {
	bursts []Burst
	at     int
	left   int
	sample int
}

// NewCadence returns the bursts again and again; no bursts, or none with a length, are silence.
func NewCadence(bursts ...Burst) *Cadence {
	c := &Cadence{at: -1}
	for _, b := range bursts {
		if b.Length >= time.Second/Rate {
			c.bursts = append(c.bursts, b)
		}
	}
	return c
}

// ramp is how many samples a burst takes to rise and fall, so that it does not click.
const ramp = Rate / 200

// Fill writes the next samples; it never ends.
func (c *Cadence) Fill(frame []int16) int {
	if len(c.bursts) == 0 {
		clear(frame)
		return len(frame)
	}
	for i := range frame {
		if c.left == 0 {
			c.at = (c.at + 1) % len(c.bursts)
			c.left = int(c.bursts[c.at].Length * Rate / time.Second)
			c.sample = 0
		}
		frame[i] = c.value()
		c.left--
		c.sample++
	}
	return len(frame)
}

func (c *Cadence) value() int16 {
	fs := c.bursts[c.at].Frequencies
	if len(fs) == 0 {
		return 0
	}
	var v float64
	for _, f := range fs {
		v += math.Sin(2 * math.Pi * f * float64(c.sample) / Rate)
	}
	gain := 0.2 / float64(len(fs)) // About -14 dBm0 in all.
	if edge := min(c.sample, c.left-1); edge < ramp {
		gain *= float64(edge) / ramp
	}
	return int16(v * gain * math.MaxInt16)
}

// Clip plays samples, once or again and again. Make it with NewClip or NewLoop; it is for one goroutine.
type Clip struct {
	samples []int16
	at      int
	again   bool
}

// NewClip returns a source that plays samples once; it does not copy them.
func NewClip(samples []int16) *Clip { return &Clip{samples: samples} }

// NewLoop returns a source that plays samples again and again; it does not copy them. No samples are silence.
func NewLoop(samples []int16) *Clip { return &Clip{samples: samples, again: true} }

// Fill writes the next samples and returns how many there were.
func (c *Clip) Fill(frame []int16) int {
	n := copy(frame, c.samples[c.at:])
	c.at += n
	if !c.again {
		return n
	}
	for n < len(frame) {
		if len(c.samples) == 0 {
			clear(frame)
			return len(frame)
		}
		c.at = copy(frame[n:], c.samples)
		n += c.at
	}
	return n
}
