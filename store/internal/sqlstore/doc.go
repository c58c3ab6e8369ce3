// Package sqlstore holds what the SQLite and the PostgreSQL store share, which is nearly everything: the migrations and
// the statements behind the ports of reports and of the root package, written once in the SQL that both engines read.
//
// The rules: parameters are $1 to $n; keys are texts or numbers that Go chooses; times go through [Time] only; what
// is read back whole is kept as JSON text, and columns beside it exist to be selected by. Reads go to one pool and
// writes to another, because SQLite has one writer.
package sqlstore
