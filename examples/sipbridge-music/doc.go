// Command sipbridge-music answers every call of one SIP trunk with hold music, tells which keys the caller presses, and hangs up on
// the key #. It is the smallest program that takes real calls with Tandem's own switch.
package main
