// Package dialog is the SIP dialog layer as a pure state machine: one [Machine] per INVITE
// usage, fed with events (messages, commands, expired timers), answering with actions (send
// this, start that timer, tell the user). It does no input or output, has no clock and no
// goroutines, so every race of RFC 5407 is a table row in its tests.
//
// It covers RFC 3261 sections 12 to 15 as UAC and UAS, forking with one early dialog per
// To-tag, CANCEL and its race with the 2xx, retransmission of the 2xx until the ACK, target
// refresh, re-INVITE and UPDATE (RFC 3311) both ways with glare, PRACK (RFC 3262) as UAC,
// session timers (RFC 4028) in both roles, Reason (RFC 3326) and delayed offers. What it
// leaves to its owner: transactions, addresses, Via, Contact, digest.
//
// A Machine is not safe for concurrent use; its owner serialises the calls of
// [Machine.Step] and performs the actions in the order given. It starts no goroutines.
package dialog
