// Package dialer decides how many calls to place now, so that agents seldom wait and people who answer hardly ever wait for an
// agent. It dials nothing itself: a Pacer looks at a Snapshot of agents and calls and says how many calls to place and when
// to ask again. Package campaign asks it; a simulator, a back-test or a host's own dialler may as well.
//
//	s := dialer.Snapshot{Agents: agents, Calls: calls}
//	d := dialer.Progressive{}.Pace(&s)
//	// place d.Calls calls
//
// # The trade's words
//
// Preview: the agent sees the contact and starts the call. Progressive: one line is dialled for each agent who is ready, so nobody
// who answers waits. Ratio: a fixed number of lines per ready agent. Predictive: lines are dialled for agents who are expected to
// become free. An abandoned call is one that a person answered and that no agent took in time (two seconds in most laws); its share
// of the answered calls is limited by law or by contract over a window, which a Ledger counts. Utilisation is the share
// of their time that agents talk or wrap up.
//
// # Purity
//
// A Pacer is a value without a clock, without chance and without memory: the same Snapshot gives the same Decision, and
// nothing is allocated. What is to be learned or counted is in the Snapshot.
//
// # Goroutines
//
// None. A Ledger belongs to whoever feeds it and is not to be used concurrently; Pacers may be.
package dialer
