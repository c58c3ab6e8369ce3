// Package sipbridge is Tandem's own telephone switch: a tandem.Switch that talks SIP with carriers, PBXs and desk
// phones, and WebRTC with browsers, in one process and without any other server.
//
//	bridge, err := sipbridge.New(sipbridge.Config{
//		Domain: "centre.example",
//		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, Addr: "192.0.2.10:5060"}},
//		Media:  sipbridge.Media{Bind: netip.MustParseAddr("192.0.2.10")},
//		Trunks: []sipbridge.Trunk{{ID: "carrier", Remotes: []string{"198.51.100.7:5060"}}},
//	})
//	mux.Handle("/ws", bridge.SIPWebSocket())          // JsSIP and other SIP phones in browsers
//	mux.Handle("/phone", phoneOf(bridge))             // the agent console's own phone: Bridge.Phone
//	err = bridge.Run(ctx, handler)                    // until ctx ends
//
// # What becomes of a call
//
// An INVITE from a configured trunk becomes a LegIncoming with the trunk and the number dialled; one from the phone of an
// agent, who has proven the password, a LegIncoming with the agent. Anybody else is refused, counted and logged, and reaches
// nothing. A caller who is answered hears ring-back until the leg is bridged or something else is played. Dial rings an agent
// on every device at once (the console's browser phone, registered SIP phones in browsers or on the desk) and the first that
// answers has the call; through a trunk it calls a number, within the trunk's channels and calls per second. Bridge joins
// the two media streams. The codec of the leg named in Dial.With is offered to the new leg, with the same payload numbers, so
// that sound and DTMF are passed byte for byte.
//
// # Words of the trade
//
//   - Trunk: the way to a carrier or PBX. DID: the number at which an inbound call arrived.
//   - Contact or device: where one phone of an agent is reached now. Forking: ringing several devices at once.
//   - Offer and answer: the two session descriptions (SDP) by which two sides agree on codecs and addresses.
//   - Preset: the settings that differ between a trunk on the same LAN, behind NAT, and in a container beside us.
//   - Q.850: the telephone network's numbers for why a call ended, carried in SIP's Reason header field.
//
// # Who owns what
//
// One mutex guards the table of legs and each leg's state; it is held for the time it takes to change a few fields, never
// while anything waits. Every command and every event from below takes it, applies one transition and appends the events
// that follow to the outbox; what may take time (looking up a trunk, opening a socket) is done in the leg's turn, outside it.
//
// # Goroutines
//
// All begin after Run has begun and end before it returns.
//
//   - Run itself delivers the outbox to the Handler, in order. Commands never wait for it.
//   - signalling, media, registrar, trunk passwords: one each, the Run of the layer below; they end when the last call has been hung up.
//   - leg turn: exists only while a leg has work queued, and does it in order.
//   - clock: one per Bridge; ring time, grace periods, limits on set-up, device presence and trunk checks, every 100 ms.
//   - trunk question: one per trunk that is being asked by OPTIONS whether it is there; ends with the answer or after 5 s.
//   - phone writer: one per connected browser phone, owns writing to its socket; ends with the socket.
//
// A browser phone's socket is read in the goroutine of the HTTP server that called the handler of Phone; it ends with the
// socket or when Run ends.
//
// # The outbox
//
// Events wait for the Handler without limit of time and none is lost: while more than Limits.Events wait, no new leg is
// taken (an INVITE is answered 503, Dial fails with ErrFull) and key presses are counted and dropped, so what is left is
// bounded by the legs that exist.
package sipbridge
