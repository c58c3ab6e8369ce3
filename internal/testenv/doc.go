// Package testenv lends a test the real servers and programs it needs: a PostgreSQL database, a Redis, an Asterisk, a browser, a SIP load tool.
//
// Every helper takes the test, starts what is asked for on loopback only, and ends it again; the test never learns how. What is not installed
// makes the test skip, with the command that would install it; [EnvStrict] turns the skip into a failure, because a check that silently did
// not run is no check. The whole environment is installed by test/setup.sh.
//
//	func TestStore_KeepsWhatItWasGiven(t *testing.T) {
//		store, err := pgstore.Open(t.Context(), testenv.Postgres(t))
//		...
//
// # Environment
//
//	TANDEM_TEST_STRICT=1        a missing server or program fails the test
//	TANDEM_TEST_SERVERS=off     every test that needs a server, a browser or SIPp skips (make quick)
//	TANDEM_TEST_POSTGRES=DSN    use this server (a role that may create databases) and start none
//	TANDEM_TEST_REDIS=ADDR      use this Redis, whose content is shared by all tests, and start none
//	TANDEM_TEST_CHROMIUM=PATH   use this browser
//	TANDEM_ASTERISK_CACHE=DIR   where test/asterisk/install.sh keeps the Asterisk tree
//
// # Processes
//
// A server runs below a small shell, its keeper, in a session of its own. The keeper reads a pipe whose other end only the test binary
// holds: when that end closes, by a Cleanup, or because the binary ended in whatever way (a panic, a timeout, kill -9), the keeper ends its
// server by process id, waits a bounded time, kills it if it must, and removes its directory. No goroutine of this package outlives a call.
//
// PostgreSQL is started once per test binary and every call gets a fresh database; Redis and Asterisk are started per call, being quick to start.
package testenv
