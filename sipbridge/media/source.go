package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tandem-cc/tandem/internal/tone"
)

// FrameSamples is how many samples a Source fills at a time: 20 ms at 8 kHz.
const FrameSamples = 160

// Source is sound to play: 16-bit samples at 8 kHz, mono. An End calls Fill every 20 ms from the plane's clock,
// which serves every call: Fill must not block, read files or call the End. It fills frame from the start and returns how
// many samples it wrote; fewer than len(frame) means that the source is over. A Source belongs to one End at a time.
type Source interface {
	Fill(frame []int16) int
}

// Country chooses the tones that callers of a country know (ITU-T E.180 supplement 2).
type Country string

// Some countries; any other ISO 3166 code sounds like Europe.
const (
	// Europe is 425 Hz: ring-back 1 s on, 4 s off.
	Europe Country = "EU"
	// NorthAmerica is 440+480 Hz: ring-back 2 s on, 4 s off.
	NorthAmerica Country = "US"
	// UnitedKingdom is 400+450 Hz: ring-back in double bursts.
	UnitedKingdom Country = "GB"
)

const ms = time.Millisecond

func on(d time.Duration, frequencies ...float64) tone.Burst {
	return tone.Burst{Frequencies: frequencies, Length: d}
}

func off(d time.Duration) tone.Burst { return tone.Burst{Length: d} }

func (c Country) known() Country {
	switch strings.ToUpper(string(c)) {
	case "US", "CA":
		return NorthAmerica
	case "GB", "UK", "IE":
		return UnitedKingdom
	default:
		return Europe
	}
}

// RingBack returns the tone that a caller hears while the other phone rings; it never ends.
func RingBack(c Country) Source {
	switch c.known() {
	case NorthAmerica:
		return tone.NewCadence(on(2*time.Second, 440, 480), off(4*time.Second))
	case UnitedKingdom:
		return tone.NewCadence(on(400*ms, 400, 450), off(200*ms), on(400*ms, 400, 450), off(2*time.Second))
	case Europe:
	}
	return tone.NewCadence(on(time.Second, 425), off(4*time.Second))
}

// Busy returns the tone for an engaged number; it never ends.
func Busy(c Country) Source {
	switch c.known() {
	case NorthAmerica:
		return tone.NewCadence(on(500*ms, 480, 620), off(500*ms))
	case UnitedKingdom:
		return tone.NewCadence(on(375*ms, 400), off(375*ms))
	case Europe:
	}
	return tone.NewCadence(on(500*ms, 425), off(500*ms))
}

// Congestion returns the tone for a call that cannot be carried; it never ends.
func Congestion(c Country) Source {
	switch c.known() {
	case NorthAmerica:
		return tone.NewCadence(on(250*ms, 480, 620), off(250*ms))
	case UnitedKingdom:
		return tone.NewCadence(on(400*ms, 400), off(350*ms), on(225*ms, 400), off(525*ms))
	case Europe:
	}
	return tone.NewCadence(on(250*ms, 425), off(250*ms))
}

// music is computed once for all ends: it takes some milliseconds and never changes.
var music = sync.OnceValue(tone.Music) //nolint:gochecknoglobals // Immutable once made.

// Music returns calm music to wait by, synthesised here; it never ends. It is computed once in a process, when the first
// Plane runs, which takes some tens of milliseconds.
func Music() Source { return tone.NewLoop(music()) }

// Speech returns speech-like babble for demonstrations; each seed is another voice. It never ends.
func Speech(seed uint64) Source { return tone.NewSpeech(seed) }

// Sine returns a steady tone of the given frequency in hertz and level between 0 and 1; it never ends.
func Sine(frequency, level float64) Source { return tone.NewSine(frequency, level) }

// Samples returns a source that plays samples once; it does not copy them.
func Samples(samples []int16) Source { return tone.NewClip(samples) }

// Loop returns a source that plays samples again and again; no samples is silence. It does not copy them.
func Loop(samples []int16) Source { return tone.NewLoop(samples) }

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

// maxPrompt is the longest sound that FromReader takes.
const maxPrompt = 10 * time.Minute

// FromReader returns a source that plays 8 kHz mono sound from r until its end. It reads the whole of r at once, at
// most ten minutes of sound; more is an error.
func FromReader(r io.Reader, enc Encoding) (Source, error) {
	size := 1
	if enc == PCM16 {
		size = 2
	}
	limit := int(maxPrompt/time.Second) * tone.Rate * size
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("media: read sound: %w", err)
	}
	if len(b) > limit || len(b)%size != 0 {
		return nil, fmt.Errorf("media: read sound: %d bytes are more than %v or no whole samples", len(b), maxPrompt)
	}
	samples := make([]int16, len(b)/size)
	for i := range samples {
		switch enc {
		case PCM16:
			samples[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		case ULaw:
			samples[i] = tone.DecodeULaw(b[i])
		case ALaw:
			samples[i] = tone.DecodeALaw(b[i])
		default:
			return nil, fmt.Errorf("media: read sound: encoding %d is not known", enc)
		}
	}
	return Samples(samples), nil
}
