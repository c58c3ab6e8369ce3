// Package storetest holds the contracts of the store ports as test suites, one function per port. Whoever writes a store
// runs the suites of its ports against the real thing:
//
//	func TestJournal(t *testing.T) {
//		storetest.Journal(t, func(t *testing.T) storetest.Durable[reports.Store] { ... })
//	}
//
// Every case opens a store of its own, which must be empty, and checks what the port's comments promise: order, atomicity,
// tandem.ErrNotFound, tandem.ErrConflict and tandem.ErrInvalid, limits, concurrent use, contexts that end, text from outside
// that a database may choke on, and that what was acknowledged is still there when a store is opened again.
package storetest
