// Package reports keeps the centre's journal and what is read out of it: call records with their segments, agent
// activity, figures by their exact names, and exports. A host that wants nothing but "what happened to this call,
// and how well did we serve today" needs this package and one store.
//
// The journal is the one place where facts are: every record (tandem.Record) is appended to it before anyone outside
// is told. A [Journal] is the first tandem.Handler of every chain; live boards, webhooks and the [Archivist] are
// readers that call [Journal.Follow] and see each record exactly once, in order, from wherever they left off. Whatever
// else this package keeps can be made again from the journal.
//
//	switch, engines ──Handle──► Journal ──Append──► Store (memory, SQLite, PostgreSQL)
//	                               │Follow
//	                               ├──► Archivist ──Folder──► Archive: call records, agent activity
//	                               ├──► live board, event stream
//	                               └──► webhooks
//
// # Words
//
// A call record is everything about one call in one place. A segment is a stretch of a call's time: queued, ringing
// at an agent, talking, held, wrap-up. A visit is one stay of a call in one queue; service figures count visits. A
// result is what became of the call for the customer: answered, abandoned, timed out and so on. An activity is a stretch
// of an agent's time in one state. To fold is to read records in order into these; a checkpoint is where a fold stands.
//
// # After a crash
//
// [Recover] runs before anything else at start. It closes, in one transaction, what a crashed process left open: calls as
// interrupted, agents as logged out, attempts as interrupted, all at the time of the last sign of life, which is
// never more than Config.AliveEvery before the crash while calls are up.
//
// # Goroutines
//
// The package starts none. Journal.Run and Archivist.Run block in their caller's goroutine and end with its context:
//
//   - Journal.Run alone appends to the store and keeps the recent records; Handle hands it work through a bounded queue.
//   - Archivist.Run alone owns its Folder and writes to the archive.
//   - Follow runs its function in the caller's goroutine.
package reports
