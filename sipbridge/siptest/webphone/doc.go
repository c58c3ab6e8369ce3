// Package webphone is a simulated browser for tests: a full WebRTC PeerConnection (ICE, DTLS-SRTP) that speaks and hears
// G.711 and telephone events. It is the independent oracle for the browser ends of package media, which use no
// PeerConnection. It is apart from package siptest, so that demonstrations do not carry a WebRTC stack.
//
// Goroutines: one that speaks, from New until Close; one that hears, from the first packet until Close; and those of the
// PeerConnection, which Close ends.
package webphone
