// Package sipcore is the SIP signalling core of the bridge: it listens on UDP, TCP and
// WebSocket, refuses what is malformed or unwelcome, and turns INVITE dialogs into [Call]
// values that answer, ring, hang up and report what happened to them.
//
// # What is whose
//
// From github.com/emiago/sipgo come the message parser, the message types and the
// transaction state machines of RFC 3261 section 17. The sockets are ours, because a
// call centre on the open internet must count and drop before parsing, answer 400 to
// what does not parse, keep a connection whose peer sent one bad message, and forget a
// source as soon as it is quiet. The dialogs are ours too: package dialog is the pure
// state machine (events in, actions out), and this package performs its actions.
//
// # Words
//
//   - Flow: where a message came from and where an answer goes: a UDP listener with a
//     remote address, or one TCP or WebSocket connection (RFC 5626). Registered phones
//     are reached by flow, never by the address in their Contact.
//   - Leg: one INVITE dialog between us and one peer; a [Call] here is one leg. Bridging
//     two of them is the business of package sipbridge: each leg has its own Call-ID and
//     tags, so nothing of one side's topology is shown to the other.
//   - Admission: the host's verdict over a request from outside a dialog, given before
//     any state is kept for it.
//
// # Goroutines
//
//   - run: one per [Endpoint.Run]; ends when its context does, after all others.
//
//   - udp reader: one per UDP listener; owns its read buffer; ends when Run closes the socket.
//
//   - tcp acceptor: one per TCP listener; the same end.
//
//   - tcp reader: one per TCP connection; ends on error, idle time or when Run closes it.
//
//   - connection writer: one per TCP connection; ends with the connection.
//
//   - client transaction: one per request in flight; ends with the transaction.
//
//   - call turn and call notice: they exist only while a call has work queued; the first
//     alone touches the dialog machine, the second calls the [Handler] in order.
//
//   - sweeper: one per Run; forgets quiet sources once a second.
//
//   - message reader: one per connection of [Endpoint.ServeMessages] (a WebSocket); ends with it.
//
//   - admission: one per request from outside a dialog while it is judged.
//
//   - reoffer: one per offer of a peer while [Handler.Reoffer] works.
//
// # Process-wide settings of sipgo
//
// sipgo keeps its timers, its UDP size limit and its default logger in package variables.
// This package never writes them, so two endpoints, or an endpoint and another user of
// sipgo, can live in one process. The size limit and connection tables do not apply, as
// the sockets are ours; transactions run with sipgo's default T1, T2 and T4 (RFC 3261
// table 4); the timers of the dialog layer are in [Config].
package sipcore
