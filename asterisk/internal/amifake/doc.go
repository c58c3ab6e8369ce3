// Package amifake is the manager interface of no Asterisk at all, in memory: for tests of what a real one does not do on demand,
// such as falling silent, flooding, or hanging up in the middle of a line. Everything else is tested against a real Asterisk.
//
// Goroutines: one for each connection, which answers its actions and ends when either side closes it.
package amifake
