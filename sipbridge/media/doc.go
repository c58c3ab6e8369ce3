// Package media carries the sound of calls: plain RTP towards trunks and desk phones, ICE and DTLS-SRTP towards
// browsers, and a relay between any two of them that passes G.711 byte for byte.
//
// A Plane owns the sockets. Each leg of a call has one End: open it, put its Local description into the offer or the
// answer, Apply the finished offer and answer, Join it with the other leg's end, Close it when the leg is over:
//
//	caller, err := plane.OpenRTP(ctx, media.RTPConfig{})
//	answer, err := sdp.Answer(offer, caller.Local())
//	err = caller.Apply(answer, offer)                 // sound may flow
//	err = caller.Play(media.RingBack(media.Europe))   // until the agent answers
//	...
//	err = plane.Join(caller, agent)                   // ring-back ends with the agent's first packet
//	...
//	plane.Part(caller, agent)
//	err = caller.Play(media.Music())                  // hold
//	...
//	caller.Close()
//
// Words of the trade: RTP is the packet that carries 20 ms of sound; SRTP the same, encrypted; RTCP the report about
// it. ICE finds a way to a browser and proves that it wants our packets, DTLS agrees the keys. Comedia is the custom of
// sending to where packets come from instead of where the description says, because of address translators. DTMF are
// the keys a caller presses, sent as telephone events (RFC 4733).
//
// # One stream per direction
//
// What an End sends is one RTP stream with one SSRC for the End's whole life. When its source changes (ring-back, then
// the agent, then hold music), sequence numbers and timestamps go on from where they were, by the time that passed, and
// the first packet carries the marker bit. Changing the SSRC instead would be as legal, but some phones and gateways
// lock onto the first SSRC, browsers begin a new stream with an empty jitter buffer and new statistics, and SRTP begins
// a new rollover counter; a stream that goes on is understood by all of them. The payload is never touched when both
// legs use the same codec. RTCP therefore ends at each leg and is not relayed: browsers get reports of
// our own every five seconds and theirs fill Stats; plain legs, which would need a second socket for it, get none.
//
// # Safety
//
// A plain end learns where packets really come from, from three in a row, and locks onto that source; only the described
// address may take over, within five seconds after Apply. Others are counted as foreign and dropped, until a new address
// is applied or the source was silent for ten seconds while not on hold. A browser end takes nothing before an ICE check with the
// right password and, for sound, SRTP authentication with replay protection. A browser that stops its checks for 30
// seconds gets nothing more (RFC 7675). Every table is bounded by Config.MaxEnds, handshakes by Config.MaxHandshakes.
//
// # Goroutines
//
// All begin after Run has begun and end before it returns.
//
//   - Run itself owns the clock: it plays sources and digits every 20 ms and looks after time limits and reports.
//   - web reader: one per plane, owns the browsers' shared socket; ends when Run closes it.
//   - RTP reader: one per plain end, owns its socket; ends with the end's Close. It writes straight to the peer's socket.
//   - association: one per browser end, shakes hands (at most Config.MaxHandshakes at one time, with a time limit) and
//     then serves the DTLS connection until the end's Close; the DTLS library adds two of its own.
//   - notifier: one per plane, calls Config.Notify in order.
//   - music: once per plane, for some milliseconds after Run has begun.
package media
