// Package asterisk makes an existing Asterisk (or FreePBX, Issabel and their kin, which are Asterisk inside) the telephone mechanism of
// the call centre: a tandem.Switch that answers, dials, bridges and hangs up over the manager interface, while trunks, phones, codecs
// and sounds stay where the administrator has them. Package ami below it speaks the protocol.
//
// # What the administrator adds
//
// In extensions.conf, a place where Tandem's legs wait, and the calls that are handed over:
//
//	[tandem]
//	exten => _X!,1,AGI(agi:async)
//	exten => _+X!,1,AGI(agi:async)
//	exten => answered,1,AGI(agi:async)
//
// Calls that go to the context tandem, unanswered, are Tandem's from then on: give it as the context of the trunk's endpoint, or send calls there
// with Goto(tandem,${EXTEN},1). In manager.conf an account for Tandem, reachable from Tandem's address only (its words can place calls and
// run applications; keep it off every other network, or behind TLS):
//
//	[tandem]
//	secret = a long random one
//	deny = 0.0.0.0/0.0.0.0
//	permit = 192.0.2.10/255.255.255.255
//	read = system,call,agi,dtmf
//	write = system,call,agi,originate,reporting
//
// One Tandem process at a time uses an Asterisk: it takes every call that waits in its contexts, and when it starts, it hangs up what an
// earlier run of its own has left behind.
//
// # How it works
//
// A leg is a channel that sits in AsyncAGI and takes one command after the other. A dialled leg comes there from Originate, under a Uniqueid
// of our choice, so that its first event finds it known. To bridge two legs, one runs the application Bridge, which fetches the other and sends
// it back to AsyncAGI afterwards: so both stay with us when the peer leaves, each hearing silence. Asterisk would exchange the media of two such
// channels behind its own back and not hear their keys; a feature code that no telephone sends keeps it from that.
//
// Commands are taken at once and noted as what is wanted of a leg; what is wanted and what is are brought together step by step, as Asterisk
// answers. When the manager connection is lost, calls go on in Asterisk: legs keep what is wanted of them, and after the next connection
// Asterisk's list of channels tells which are still there. Those that are gone end with CauseNetwork, callers who came meanwhile are
// taken in, and every other leg goes on. A connection that stays away for Config.Grace ends all legs, and their channels are hung up as soon as
// that is possible.
//
// # What it does not do
//
// An agent has one device. Hold, recording, transfer and monitoring are not there yet.
// TrunkChanged tells what Asterisk knows: set qualify_frequency at the trunk's aor. Dial.Subject is not shown.
//
// # Goroutines
//
// All of them end before Switch.Run returns.
//
//   - The one that calls Run: hands events to the Handler.
//   - The loop: owns all legs and devices; ends when every leg is hung up at the end of Run, or five seconds after Run wanted it.
//   - The goroutines of ami.Client.
//   - One for a moment when a timer (ring timeout, grace) has run out: brings it to the loop.
package asterisk
