package media

import "io"

// FrameSamples is how many samples a Source fills at a time: 20 ms at 8 kHz.
const FrameSamples = 160

// Source is sound to play: 16-bit samples at 8 kHz, mono. An End calls Fill every 20 ms from the plane's clock, so it
// must not block; it fills frame from the start and returns how many samples it wrote. Fewer than len(frame) means that
// the source is over. A Source belongs to one End at a time.
type Source interface {
	Fill(frame []int16) int
}

// Country chooses the tones that callers of a country know (ITU-T E.180 supplement 2).
type Country string

// Some countries; any other ISO 3166 code that is not known sounds like Europe.
const (
	// Europe is 425 Hz: ring-back 1 s on, 4 s off.
	Europe Country = "EU"
	// NorthAmerica is 440+480 Hz: ring-back 2 s on, 4 s off.
	NorthAmerica Country = "US"
	// UnitedKingdom is 400+450 Hz: ring-back in double bursts.
	UnitedKingdom Country = "GB"
)

// RingBack returns the tone that a caller hears while the other phone rings; it never ends.
func RingBack(c Country) Source { return nil }

// Busy returns the tone for an engaged number; it never ends.
func Busy(c Country) Source { return nil }

// Congestion returns the tone for a call that cannot be carried; it never ends.
func Congestion(c Country) Source { return nil }

// Music returns calm music to wait by, synthesised here; it never ends.
func Music() Source { return nil }

// Speech returns speech-like babble for demonstrations; each seed is another voice. It never ends.
func Speech(seed uint64) Source { return nil }

// Sine returns a steady tone of the given frequency in hertz and level between 0 and 1; it never ends.
func Sine(frequency, level float64) Source { return nil }

// Samples returns a source that plays samples once.
func Samples(samples []int16) Source { return nil }

// Loop returns a source that plays samples again and again; no samples is silence.
func Loop(samples []int16) Source { return nil }

// Encoding says how a reader's bytes stand for sound.
type Encoding uint8

// The encodings that FromReader knows.
const (
	// PCM16 is signed 16-bit little endian.
	PCM16 Encoding = iota
	// ULaw is G.711 mu-law.
	ULaw
	// ALaw is G.711 A-law.
	ALaw
)

// FromReader returns a source that plays 8 kHz mono sound from r until its end. It reads the whole of r at once, at
// most ten minutes of sound.
func FromReader(r io.Reader, enc Encoding) (Source, error) { return nil, errNotYet }
