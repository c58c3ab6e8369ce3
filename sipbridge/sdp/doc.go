// Package sdp describes one audio stream the way the two legs of a call need it, whatever the leg is: a trunk, a desk
// phone or a browser. It reads and writes session descriptions (RFC 8866) and does offer and answer (RFC 3264) on them.
//
// A session description is the page of text by which two telephones agree where and how to send sound. One side makes
// an offer, the other an answer. The usual round on our side:
//
//	offer, err := sdp.Parse(body)                    // what the caller sent in its INVITE
//	answer, err := sdp.Answer(offer, end.Local())    // ErrNoCommonCodec: refuse with 488
//	err = end.Apply(answer, offer)                   // the media end now knows both sides
//	body, err = answer.Marshal()                     // what goes into the 200 OK
//
// and, when we call out:
//
//	offer := sdp.Offer(end.Local())
//	...                                              // INVITE, then 200 OK with a body
//	answer, err := sdp.Parse(body)
//	err = end.Apply(offer, answer)
//
// Words of the trade: a codec is a way to write sound as bytes, and its payload number is the number that marks it in
// packets (chosen per session, in each direction, for all but the oldest codecs). Ptime is how much sound one packet
// holds. Hold is a direction: who may send. ICE, DTLS and their ufrag, pwd, fingerprint and setup are what browsers
// demand before they send anything.
//
// Parsing is strict about size and lenient where real peers are sloppy. Everything here is a pure function of its
// arguments; nothing starts a goroutine.
package sdp
