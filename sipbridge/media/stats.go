package media

import "time"

// Stats are the figures of one end since it was opened.
type Stats struct {
	// PacketsIn and OctetsIn count sound and digit packets that were accepted; octets are payload only.
	PacketsIn, OctetsIn uint64
	// PacketsOut and OctetsOut count what was sent.
	PacketsOut, OctetsOut uint64
	// Lost is how many packets the sequence numbers say are missing; never below zero.
	Lost uint64
	// Jitter is the interarrival jitter of RFC 3550 section 6.4.1.
	Jitter time.Duration
	// Foreign counts packets from a source that the end does not believe.
	Foreign uint64
	// Dropped counts packets from the right source that could not be used: malformed, replayed, not authentic, of a
	// payload number not agreed, or while held.
	Dropped uint64
	// FirstIn and LastIn are when the first and the latest accepted packet came; zero before.
	FirstIn, LastIn time.Time
	// RemoteLost, RemoteJitter and RoundTrip are what the peer's RTCP reports say of what we send; zero when it sends none.
	RemoteLost   uint64
	RemoteJitter time.Duration
	RoundTrip    time.Duration
	// Codec is the encoding name in use towards the peer, such as PCMA.
	Codec string
	// Profile is the SRTP profile of a browser end, such as SRTP_AEAD_AES_128_GCM; empty on plain RTP.
	Profile string
}

// PlaneStats are the figures of a plane.
type PlaneStats struct {
	// Ends counts the open ends.
	Ends int
	// Handshakes counts DTLS handshakes under way.
	Handshakes int
	// Unknown counts packets on the browsers' port that belong to no end.
	Unknown uint64
	// EventsDropped counts events lost because Notify was too slow.
	EventsDropped uint64
}
