// Package sqlitestore keeps a centre in one SQLite file: the journal, the archive of call records, and the other
// engines' stores. It needs nothing installed, and is what an embedded centre or a single server uses.
//
// The file is in WAL mode with full synchronisation: what was acknowledged outlives a kill -9 and a loss of power.
// There is one writing connection; readers never wait for it. The file and its companions (-wal, -shm) are
// readable by their owner only (mode 0600), because they hold personal data. One process at a time should own the file.
//
// Open, then Migrate, then use. The migrations are numbered and only go forward; a host with a migration tool of its own
// takes them from Migrations instead.
//
// The package starts no goroutine of its own; database/sql keeps one per pool until Close.
package sqlitestore
