// Package tandem holds the facts of a call centre and the ports its parts meet at: the nouns (Call, Leg, Agent,
// Queue, Lead and their IDs), what can happen (Event, a closed set), why (Cause), and the interfaces Switch and
// Lease. It imports the standard library only and starts nothing.
//
// Facts here, decisions in the engines, mechanisms in the adapters, composition in the binaries:
//
//	cmd/*  examples/*   choose, configure, start, stop; may import anything
//	web                 HTTP: API, event stream, agent console; imports the engines it shows
//	web/account         who may log in, and the ports that a store keeps that behind
//	acd                 who gets the next call
//	dialer, campaign    when to place the next call, and whom to call (campaign imports dialer)
//	reports             the journal folded into call records and figures
//	crm                 contact lookup, screen pop, webhooks
//	sipbridge           Switch over SIP and WebRTC
//	asterisk            Switch over an existing Asterisk
//	loopback            Switch in memory: tests, simulation
//	switchtest          the suite that every Switch passes
//	store/...           memory, SQLite, PostgreSQL, Redis behind the engines' ports; storetest is their suite
//
// Engines import this package and the standard library, never each other (campaign imports dialer); adapters import
// this package, the engine whose port they implement, and their own third-party family. internal/archtest enforces it.
//
// # A call, in the words used everywhere
//
// A leg is one party's connection to the switch: the customer on a trunk, the agent in a browser or on a desk phone.
// A call is one customer's contact from arrival or first dialling to its end; it owns a customer leg and, over time,
// one or more agent legs. A trunk is a carrier or PBX that the switch exchanges calls with; a DID is the number at which an
// inbound call arrived. A queue holds calls until an agent takes one; an offer is one call ringing at one agent, made
// under a reservation: the agent is held for that call until a deadline, under a fencing number that makes late
// answers harmless. Wrap-up is the agent's time after the conversation; a disposition is what the agent says came of it. A call that ends
// while queued is abandoned; one that leaves the queue by rule overflows. A campaign works through leads; an attempt is one
// dialling of one number of a lead, recorded before it is dialled.
//
// # The flow of events
//
// A Switch reports what happened as Records to a Handler. Engines take those, decide, and emit Records of their own
// before they act. The journal (package reports) is the first Handler of every chain: a fact is appended before anything outside
// is told of it, and every reader (call records, live boards, CRM hooks) reads that one journal.
package tandem
