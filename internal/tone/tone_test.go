package tone_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/tone"
)

type filler interface{ Fill(frame []int16) int }

func take(s filler, d time.Duration) []int16 {
	out := make([]int16, int(d*tone.Rate/time.Second))
	for at := 0; at < len(out); {
		n := s.Fill(out[at:min(at+160, len(out))])
		if n == 0 {
			return out[:at]
		}
		at += n
	}
	return out
}

func TestG711_KnownValuesAndRoundTrip(t *testing.T) {
	t.Parallel()
	// Corner values of the tables of ITU-T G.711.
	require.Equal(t, byte(0xff), tone.EncodeULaw(0))
	require.Equal(t, byte(0x80), tone.EncodeULaw(32767))
	require.Equal(t, byte(0x00), tone.EncodeULaw(-32768))
	require.Equal(t, int16(32124), tone.DecodeULaw(0x80))
	require.Equal(t, byte(0xd5), tone.EncodeALaw(0))
	require.Equal(t, byte(0xaa), tone.EncodeALaw(32767))
	require.Equal(t, byte(0x2a), tone.EncodeALaw(-32768))
	require.Equal(t, int16(32256), tone.DecodeALaw(0xaa))
	for i := range 256 {
		b := byte(i)
		require.Equal(t, tone.DecodeULaw(b), tone.DecodeULaw(tone.EncodeULaw(tone.DecodeULaw(b))))
		require.Equal(t, b, tone.EncodeALaw(tone.DecodeALaw(b)))
	}
	for v := -32768; v <= 32767; v++ {
		limit := math.Abs(float64(v))/16 + 20
		require.InDelta(t, v, tone.DecodeULaw(tone.EncodeULaw(int16(v))), max(limit, 650))
		if got := float64(tone.DecodeULaw(tone.EncodeULaw(int16(v)))); math.Abs(got-float64(v)) > limit+640 {
			t.Fatalf("mu-law of %d is %v", v, got)
		}
		if got := float64(tone.DecodeALaw(tone.EncodeALaw(int16(v)))); math.Abs(got-float64(v)) > limit {
			t.Fatalf("A-law of %d is %v", v, got)
		}
	}
}

func TestTable_KeepsATone(t *testing.T) {
	t.Parallel()
	in := take(tone.NewSine(1004, 0.4), time.Second)
	b := make([]byte, len(in))
	for i, s := range in {
		b[i] = tone.EncodeULaw(s)
	}
	tone.ULawToALaw().Apply(b)
	out := make([]int16, len(b))
	for i, x := range b {
		out[i] = tone.DecodeALaw(x)
	}
	require.Greater(t, tone.Detect(out, 1004), 0.99)
	tone.ALawToULaw().Apply(b)
	for i, x := range b {
		out[i] = tone.DecodeULaw(x)
	}
	require.Greater(t, tone.Detect(out, 1004), 0.99)
}

func TestDetect_TellsTonesApart(t *testing.T) {
	t.Parallel()
	s := take(tone.NewSine(440, 0.3), 200*time.Millisecond)
	require.Greater(t, tone.Detect(s, 440), 0.99)
	require.Less(t, tone.Detect(s, 480), 0.05)
	f, l := tone.Peak(s)
	require.InDelta(t, 440, f, 1)
	require.Greater(t, l, 0.99)
	require.Zero(t, tone.Detect(make([]int16, 800), 440), "silence is no tone")
	require.Zero(t, tone.Detect(s[:10], 440), "too short to tell")
	require.Less(t, tone.Detect(take(tone.NewSpeech(1), time.Second), 440), 0.3)
}

func TestCadence_SoundsAndRests(t *testing.T) {
	t.Parallel()
	c := tone.NewCadence(tone.Burst{Frequencies: []float64{425}, Length: time.Second}, tone.Burst{Length: 4 * time.Second})
	s := take(c, 6*time.Second)
	require.Greater(t, tone.Detect(s[:tone.Rate], 425), 0.95)
	require.Zero(t, tone.RMS(s[tone.Rate:5*tone.Rate]))
	require.Greater(t, tone.Detect(s[5*tone.Rate:], 425), 0.95, "it begins again")
	require.Zero(t, tone.RMS(take(tone.NewCadence(), time.Second)), "no bursts are silence and come back")
}

func TestClip_EndsAndLoopDoesNot(t *testing.T) {
	t.Parallel()
	frame := make([]int16, 4)
	c := tone.NewClip([]int16{1, 2, 3, 4, 5})
	require.Equal(t, 4, c.Fill(frame))
	require.Equal(t, 1, c.Fill(frame))
	require.Zero(t, c.Fill(frame))
	l := tone.NewLoop([]int16{1, 2, 3})
	require.Equal(t, 4, l.Fill(frame))
	require.Equal(t, []int16{1, 2, 3, 1}, frame)
	require.Equal(t, 4, tone.NewLoop(nil).Fill(frame))
	require.Equal(t, []int16{0, 0, 0, 0}, frame)
}

func TestMusic_IsCalmAndWithoutASeam(t *testing.T) {
	t.Parallel()
	m := tone.Music()
	require.Len(t, m, 16*tone.Rate)
	for at := 0; at+tone.Rate <= len(m); at += tone.Rate {
		rms := tone.RMS(m[at : at+tone.Rate])
		require.Greater(t, rms, 1000.0, "second %d is audible", at/tone.Rate)
		require.Less(t, rms, 9000.0, "second %d is not loud", at/tone.Rate)
	}
	var step int
	for i := 1; i < len(m); i++ {
		step = max(step, int(math.Abs(float64(int(m[i])-int(m[i-1])))))
	}
	require.LessOrEqual(t, int(math.Abs(float64(int(m[0])-int(m[len(m)-1])))), step, "the seam is no click")
}

func TestSpeech_VoicesDifferAndRest(t *testing.T) {
	t.Parallel()
	a, again, b := take(tone.NewSpeech(1), 5*time.Second), take(tone.NewSpeech(1), 5*time.Second), take(tone.NewSpeech(2), 5*time.Second)
	require.Equal(t, a, again)
	require.NotEqual(t, a, b)
	for seed := range uint64(20) {
		s := take(tone.NewSpeech(seed), 5*time.Second)
		require.Greater(t, tone.RMS(s), 900.0, "seed %d is audible", seed)
		require.Less(t, tone.RMS(s), 12000.0, "seed %d is not loud", seed)
		quiet := 0
		for at := 0; at < len(s); at += 800 {
			if tone.RMS(s[at:at+800]) < 50 {
				quiet++
			}
		}
		require.Positive(t, quiet, "seed %d pauses", seed)
	}
}

func BenchmarkSpeechFrame(b *testing.B) {
	s, frame := tone.NewSpeech(1), make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		s.Fill(frame)
	}
}

func BenchmarkMusic(b *testing.B) {
	for b.Loop() {
		tone.Music()
	}
}

func Example() {
	heard := make([]int16, 1600)
	tone.NewSine(1004, 0.3).Fill(heard)
	fmt.Printf("%.2f of the energy at 1004 Hz, %.2f at 425 Hz\n", tone.Detect(heard, 1004), tone.Detect(heard, 425))
	// Output: 1.00 of the energy at 1004 Hz, 0.00 at 425 Hz
}
