package tone

import "math"

// Rate is the sampling rate of everything here, in hertz.
const Rate = 8000

// Detect returns how much of the energy of samples lies at frequency (in hertz), between 0 and 1: near 1 for a pure
// tone, near 0 for speech or another tone. It is Goertzel's algorithm at the exact frequency. Silence and fewer than 80 samples
// give 0.
func Detect(samples []int16, frequency float64) float64 {
	if len(samples) < Rate/100 {
		return 0
	}
	coeff := 2 * math.Cos(2*math.Pi*frequency/Rate)
	var s1, s2, energy float64
	for _, x := range samples {
		v := float64(x)
		energy += v * v
		s1, s2 = v+coeff*s1-s2, s1
	}
	// A level below about -66 dBm0 is the rounding of a codec, not a sound.
	if energy < float64(len(samples))*64 {
		return 0
	}
	power := s1*s1 + s2*s2 - coeff*s1*s2
	return min(1, 2*power/(float64(len(samples))*energy))
}

// Peak returns the strongest frequency of samples on a 20 Hz raster up to 3,900 Hz and its level as in Detect, to say what was
// heard instead.
func Peak(samples []int16) (frequency, level float64) {
	for f := 100.0; f <= 3900; f += 20 {
		if l := Detect(samples, f); l > level {
			frequency, level = f, l
		}
	}
	return frequency, level
}

// RMS returns the root mean square of samples, 0 to 32,767.
func RMS(samples []int16) float64 {
	if len(samples) == 0 {
		return 0
	}
	var sum float64
	for _, x := range samples {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(samples)))
}
