// Package memstore keeps a centre in memory: for tests, simulations, and a centre whose past nobody asks for. It passes
// the same suites as the databases. What it keeps is lost with the process and grows with its age, except where a
// Config says how much is kept. It starts no goroutine.
package memstore
