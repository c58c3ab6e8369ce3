package sipcore

import "sync/atomic"

// Counters are totals since the start of the endpoint; every message that came in is in
// exactly one of Requests, Responses, KeepAlives, Malformed, RateLimited and Oversized.
type Counters struct {
	// Requests and Responses counts what parsed, retransmissions included.
	Requests, Responses uint64
	// KeepAlives counts CRLF pings and pongs.
	KeepAlives uint64
	// Malformed counts messages that did not parse, RateLimited those dropped before
	// parsing, Oversized those above Config.MaxMessage.
	Malformed, RateLimited, Oversized uint64
	// Invalid counts requests refused by validation (400, 405, 415, 416, 420, 481, 482,
	// 483, 488, 501, 505), Refused those refused by Admit.
	Invalid, Refused uint64
	// Stray counts responses and ACKs that fitted nothing.
	Stray uint64
	// Overload counts requests answered 503 because a table was full, and messages dropped
	// because a call's queue was.
	Overload uint64
	// CallsIn and CallsOut count admitted INVITEs and calls placed.
	CallsIn, CallsOut uint64
	// ForkedAnswers counts surplus 2xx that were acknowledged and hung up.
	ForkedAnswers uint64
	// SendErrors counts messages that could not be sent.
	SendErrors uint64
	// Sources is the present size of the guard's table, Connections that of TCP and
	// WebSocket connections, Calls and Transactions those alive.
	Sources, Connections, Calls, Transactions int
}

type counters struct {
	requests, responses, keepAlives, malformed, rateLimited, oversized atomic.Uint64
	invalid, refused, stray, overload, callsIn, callsOut               atomic.Uint64
	forked, sendErrors                                                 atomic.Uint64
}

func (c *counters) snapshot() Counters {
	return Counters{
		Requests: c.requests.Load(), Responses: c.responses.Load(), KeepAlives: c.keepAlives.Load(),
		Malformed: c.malformed.Load(), RateLimited: c.rateLimited.Load(), Oversized: c.oversized.Load(),
		Invalid: c.invalid.Load(), Refused: c.refused.Load(), Stray: c.stray.Load(), Overload: c.overload.Load(),
		CallsIn: c.callsIn.Load(), CallsOut: c.callsOut.Load(), ForkedAnswers: c.forked.Load(),
		SendErrors: c.sendErrors.Load(),
	}
}
