// Package switchtest is the contract of tandem.Switch as a test suite: whoever writes a Switch runs it against the real
// thing and knows that Tandem's engines will work over it.
//
//	func TestConformance(t *testing.T) {
//		switchtest.Run(t, switchtest.Config{Open: func(t testing.TB) switchtest.Rig { return newRig(t) }})
//	}
//
// The suite drives the switch through its port and the far ends through a Rig: the customers' telephones beyond the
// trunk and the agents' devices. A rig's far ends do nothing by themselves but ring; the suite tells each of them when to
// answer, refuse, press a key or hang up, and asks what it has seen and, if it can listen, what it hears. For SIP a rig is a
// user agent, for Asterisk a second SIP end, for package loopback a few lines.
//
// What a switch may lack (the optional interfaces of package tandem) is tested when it is there, and skipped when it is not
// unless Config.Lacks says so.
// Every expectation waits for an event, never for a time, and is bounded by Config.Step, so the suite is as
// quick as the switch, and runs inside testing/synctest by Config.Around.
//
// # Goroutines
//
// Each case has one goroutine for Switch.Run, ended and awaited before the case ends; the cases about concurrency have
// their own, awaited in the case.
package switchtest
