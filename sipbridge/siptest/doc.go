// Package siptest holds simulated telephones for tests and demonstrations: they are real peers on real sockets, on
// loopback, that speak and hear sound.
//
// RTPPhone is the sound of a desk phone or trunk; Ear is what any simulated phone heard, and can say which tones and keys
// were in it. Package siptest/webphone has a browser.
//
// Goroutines: RTPPhone.Run owns the phone's clock and a reader of its socket; both end before it returns.
package siptest
