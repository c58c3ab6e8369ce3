// Package pgstore keeps a centre in PostgreSQL (12 or later): the journal, the archive of call records, leases with
// fencing numbers by the server's clock, and the other engines' stores. It is for production and for several nodes.
//
// Open, then Migrate, then use. Migrate takes an advisory lock, so that nodes that start together wait for each other.
// The migrations are numbered and only go forward; a host with a migration tool of its own takes them from Migrations
// instead. A schema other than public is chosen with search_path in the URL.
//
// The role needs to read and write its own tables and, for Migrate, to create them; nothing else.
//
// The package starts no goroutine of its own; database/sql keeps one per pool until Close.
package pgstore
