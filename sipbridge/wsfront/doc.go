// Package wsfront is the WebSocket door for SIP phones in browsers (RFC 7118): an
// [http.Handler] that upgrades connections of the subprotocol "sip" (RFC 6455) and hands
// each one, as a [Conn] of whole messages, to a function of the host, usually
// sipcore.Endpoint.ServeMessages.
//
// As it is an ordinary handler, TLS, cookies, paths and log-in are the web server's. What
// is done here: ping and pong, fragments, text and binary frames, a bound on the size of a
// message, an idle timeout, the CRLF keep-alive of RFC 5626 section 3.5.1, bounds on
// connections in all and per address, refusal of foreign origins, an optional
// authentication of the handshake, and a bounded queue with a deadline for clients that
// do not read: such a client is disconnected, it never delays anyone else.
//
// # Goroutines
//
//   - the goroutine of the HTTP server that called ServeHTTP reads; it ends with the connection.
//   - writer: one per connection; owns writing; ends with the connection.
package wsfront
