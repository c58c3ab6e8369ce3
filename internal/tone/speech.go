package tone

import (
	"math"
	"math/rand/v2"
)

// Speech is babble with the rhythm and colour of a voice and no words: a buzzing source through three moving resonances,
// syllable by syllable, with hisses for consonants and pauses between phrases. Make it with NewSpeech; it is for one goroutine.
type Speech struct {
	rng        *rand.Rand
	pitch      float64 // of the voice, in hertz
	throat     float64 // scales the resonances: longer throats sound lower
	phase      float64
	left       int // samples left of the syllable or pause
	length     int
	hiss       int // samples of consonant at the start of the syllable
	syllables  int // left in the phrase
	bend       float64
	resonances [3]resonance
}

type resonance struct{ a, b, gain, y1, y2 float64 }

func (r *resonance) tune(f, width, gain float64) {
	d := math.Exp(-math.Pi * width / Rate)
	r.a, r.b = 2*d*math.Cos(2*math.Pi*f/Rate), -d*d
	r.gain = gain * (1 - d)
}

func (r *resonance) next(x float64) float64 {
	y := r.gain*x + r.a*r.y1 + r.b*r.y2
	r.y1, r.y2 = y, r.y1
	return y
}

// NewSpeech returns a voice; each seed is another person, and the same seed always says the same.
func NewSpeech(seed uint64) *Speech {
	rng := rand.New(rand.NewPCG(seed, 0x7461)) // The second word only keeps streams apart.
	return &Speech{rng: rng, pitch: 95 + 130*rng.Float64(), throat: 0.88 + 0.28*rng.Float64()}
}

// vowel returns the three resonances of one of a few vowels, in hertz.
func (s *Speech) vowel() (float64, float64, float64) {
	switch s.rng.IntN(6) {
	case 0:
		return 730, 1090, 2440
	case 1:
		return 530, 1840, 2480
	case 2:
		return 300, 2200, 2900
	case 3:
		return 570, 840, 2410
	case 4:
		return 320, 900, 2240
	default:
		return 500, 1500, 2500
	}
}

func (s *Speech) nextPart() {
	if s.syllables == 0 { // A pause, then a phrase of some syllables.
		s.syllables = 4 + s.rng.IntN(9)
		s.length = int(float64(Rate) * (0.25 + 0.7*s.rng.Float64()))
		s.left, s.hiss, s.bend = s.length, 0, 0
		return
	}
	s.syllables--
	f1, f2, f3 := s.vowel()
	s.resonances[0].tune(f1*s.throat, 90, 1.0)
	s.resonances[1].tune(f2*s.throat, 110, 0.7)
	s.resonances[2].tune(min(f3*s.throat, 3400), 170, 0.35)
	s.length = int(float64(Rate) * (0.11 + 0.14*s.rng.Float64()))
	s.left = s.length
	s.hiss = 0
	if s.rng.IntN(3) > 0 {
		s.hiss = int(float64(Rate) * (0.02 + 0.04*s.rng.Float64()))
	}
	s.bend = 0.88 + 0.03*float64(s.syllables) + 0.1*s.rng.Float64() // The voice falls towards the end of a phrase.
}

// Fill writes the next samples; it never ends.
func (s *Speech) Fill(frame []int16) int {
	for i := range frame {
		if s.left == 0 {
			s.nextPart()
		}
		frame[i] = int16(max(-1, min(1, s.value())) * 0.9 * math.MaxInt16)
		s.left--
	}
	return len(frame)
}

func (s *Speech) value() float64 {
	if s.bend == 0 {
		return 0
	}
	at := s.length - s.left
	noise := s.rng.Float64()*2 - 1
	if at < s.hiss {
		return 0.06 * noise
	}
	s.phase += s.pitch * s.bend / Rate
	if s.phase >= 1 {
		s.phase--
	}
	buzz := (1-2*s.phase)*0.9 + 0.08*noise
	var v float64
	for k := range s.resonances {
		v += s.resonances[k].next(buzz)
	}
	envelope := math.Sin(math.Pi * float64(at-s.hiss+1) / float64(s.length-s.hiss+2))
	return 1.6 * v * math.Sqrt(max(0, envelope))
}
