// Package tone makes and recognises sounds at 8 kHz: G.711 coding, ring-back and other call progress tones, hold music,
// speech-like babble, and the detection of a frequency (Goertzel) by which tests prove that sound really passed.
//
// Everything here is computed; there is no recording of anyone. Nothing starts a goroutine.
package tone
