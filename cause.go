package tandem

// Cause is why a leg or call ended, or why an offer failed, in the terms every switch can honour. It is kept apart
// from the wire: Q850 and CauseFromQ850 map it to ITU-T Q.850; the SIP mapping (RFC 3398) is in package sipbridge.
type Cause uint8

// The causes.
const (
	CauseUnset         Cause = iota // no cause known (yet)
	CauseNormal                     // somebody hung up after a normal call (Q.850 16)
	CauseBusy                       // the called party is busy (17)
	CauseNoAnswer                   // nobody answered in time (19)
	CauseRejected                   // the called party declined (21)
	CauseCancelled                  // the caller or engine gave up before the answer (127 on the wire)
	CauseElsewhere                  // another device or agent answered first (26)
	CauseUnavailable                // no device is registered, or it cannot be reached (20)
	CauseUnallocated                // the number does not exist (1)
	CauseInvalidNumber              // the number is not a number (28)
	CauseForbidden                  // the call is not allowed: stranger, ban, do-not-call (57)
	CauseIncompatible               // no common codec or bearer (88)
	CauseCongestion                 // no circuit, channel limit, network congestion (34)
	CauseNetwork                    // network out of order, trunk or transport failed (38)
	CauseFailed                     // temporary failure of the far side or of ours (41)
	CauseTimeout                    // a signalling timer expired, or media stopped (102)
	CauseInterrupted                // our process ended during the call; settled at restart (27)
	CauseQueueFull                  // the queue took no more calls (42)
	CauseMachine                    // an answering machine took the call
	causeEnd
)

func causeNames() []string {
	return []string{
		"", "normal", "busy", "no_answer", "rejected", "cancelled", "elsewhere", "unavailable", "unallocated",
		"invalid_number", "forbidden", "incompatible", "congestion", "network", "failed", "timeout", "interrupted",
		"queue_full", "machine",
	}
}

// String returns the cause's name as it stands in the journal, such as "no_answer"; the zero value is the empty text.
func (c Cause) String() string { return enumText("cause", causeNames(), uint8(c)) }

// MarshalText returns the cause's name.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (c *Cause) UnmarshalText(text []byte) error {
	v, err := parseEnum("cause", causeNames(), text)
	if err != nil {
		return err
	}
	*c = Cause(v)
	return nil
}

// causeQ850 is the ITU-T Q.850 value of each cause, by its number.
func causeQ850() [causeEnd]int {
	return [causeEnd]int{
		CauseUnset: 31, CauseNormal: 16, CauseBusy: 17, CauseNoAnswer: 19, CauseRejected: 21, CauseCancelled: 127,
		CauseElsewhere: 26, CauseUnavailable: 20, CauseUnallocated: 1, CauseInvalidNumber: 28, CauseForbidden: 57,
		CauseIncompatible: 88, CauseCongestion: 34, CauseNetwork: 38, CauseFailed: 41, CauseTimeout: 102,
		CauseInterrupted: 27, CauseQueueFull: 42, CauseMachine: 16,
	}
}

// Q850 returns the ITU-T Q.850 cause value to send for c; 31 (normal, unspecified) for the zero value.
func (c Cause) Q850() int {
	if c >= causeEnd {
		return causeQ850()[CauseUnset]
	}
	return causeQ850()[c]
}

// CauseFromQ850 maps a received ITU-T Q.850 cause value; a value without a cause of its own maps by its class (values 1-31
// normal, 32-47 congestion, 48-79 forbidden, 80-127 failed), and anything else to CauseUnset.
func CauseFromQ850(v int) Cause {
	switch v {
	case 2, 3, 22:
		return CauseUnallocated
	case 18:
		return CauseNoAnswer
	case 27:
		return CauseNetwork // destination out of order; we alone send it for an interrupted call
	case 42:
		return CauseCongestion // switching equipment congestion; we alone send it for a full queue
	case 127:
		return CauseFailed // interworking, unspecified; we alone send it for a cancelled leg
	}
	for c, q := range causeQ850() {
		if q == v && Cause(c) != CauseUnset {
			return Cause(c)
		}
	}
	switch {
	case v <= 0 || v > 127:
		return CauseUnset
	case v < 32:
		return CauseNormal
	case v < 48:
		return CauseCongestion
	case v < 80:
		return CauseForbidden
	}
	return CauseFailed
}

// Party says who did something to a call, first of all who ended it.
type Party uint8

// The parties.
const (
	PartyUnset    Party = iota // not known
	PartyCustomer              // the caller, or the called contact
	PartyAgent                 // the agent
	PartySystem                // Tandem itself: a limit, a timer, a supervisor, a restart
	PartyNetwork               // the trunk or transport failed
)

func partyNames() []string { return []string{"", "customer", "agent", "system", "network"} }

// String returns the party's name as it stands in the journal; the zero value is the empty text.
func (p Party) String() string { return enumText("party", partyNames(), uint8(p)) }

// MarshalText returns the party's name.
func (p Party) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (p *Party) UnmarshalText(text []byte) error {
	v, err := parseEnum("party", partyNames(), text)
	if err != nil {
		return err
	}
	*p = Party(v)
	return nil
}
