package tone

import (
	"math"
	"time"
)

// The piece: four chords of four seconds, a slow arpeggio of soft bells over a quiet pad, in the narrow band that a telephone
// carries. Notes are semitones from A4.
const (
	barLength  = 4 * time.Second
	noteLength = 500 * time.Millisecond
)

// Music computes a calm piece of 16 seconds that joins its own beginning without a seam. It takes some milliseconds: keep what
// it returns.
func Music() []int16 {
	bars := [][]int{ // Am9, Fmaj7, Cadd9, G6.
		{-12, 0, 3, 7, 14, 7, 3, 0},
		{-16, -4, 0, 3, 7, 3, 0, -4},
		{-9, 3, 7, 10, 5, 10, 7, 3},
		{-14, -2, 2, 5, 7, 5, 2, -2},
	}
	total := len(bars) * int(barLength*Rate/time.Second)
	mix := make([]float64, total)
	for b, bar := range bars {
		start := b * int(barLength*Rate/time.Second)
		for n, semitone := range bar {
			bell(mix, start+n*int(noteLength*Rate/time.Second), pitch(semitone), 0.16)
		}
		for _, n := range []int{0, 1, 3} {
			pad(mix, start, pitch(bar[n]), 0.05)
		}
	}
	out := make([]int16, total)
	for i, v := range mix {
		out[i] = int16(math.Tanh(v) * 0.8 * math.MaxInt16)
	}
	return out
}

func pitch(semitone int) float64 { return 440 * math.Exp2(float64(semitone)/12) }

// bell adds a struck note that dies away over two seconds, going round the end of the loop.
func bell(mix []float64, start int, f, gain float64) {
	for i := range 2 * Rate {
		t := float64(i) / Rate
		attack := min(1, t/0.008)
		v := math.Sin(2*math.Pi*f*t)*math.Exp(-2.2*t) + 0.35*math.Sin(4*math.Pi*f*t)*math.Exp(-4*t) +
			0.12*math.Sin(6*math.Pi*f*t)*math.Exp(-7*t)
		mix[(start+i)%len(mix)] += gain * attack * v
	}
}

// pad adds a note that swells and fades over a bar and a half.
func pad(mix []float64, start int, f, gain float64) {
	length := int(barLength * Rate / time.Second * 3 / 2)
	for i := range length {
		t := float64(i) / Rate
		shape := math.Sin(math.Pi * float64(i) / float64(length))
		v := math.Sin(2*math.Pi*f*t) + 0.5*math.Sin(2*math.Pi*f*1.003*t)
		mix[(start+i)%len(mix)] += gain * shape * shape * v
	}
}
