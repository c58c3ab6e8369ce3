// Package rawpeer is the other side of a SIP conversation as plain text: a [Peer] sends
// exactly what a test writes, over UDP, TCP or WebSocket, and hands back what it receives,
// and so can play every race and every malformed message. It depends on package testing;
// only tests import it.
//
// # Goroutines
//
//   - reader: one per Peer; owns reading its socket; ends with the test.
package rawpeer
