// Package sqlstore holds what the SQLite and the PostgreSQL store share, which is nearly everything: the migrations and
// the statements behind the ports of the root package, reports, campaign, crm and web/account, written once in the SQL
// that both engines read. It starts no goroutine.
//
// The rules: parameters are $1 to $n; keys are texts or numbers that Go chooses; times go through [Time] only; what
// is read back whole is kept as JSON text, and columns beside it exist to be selected by. Reads go to one pool and
// writes to another, because SQLite has one writer.
package sqlstore
