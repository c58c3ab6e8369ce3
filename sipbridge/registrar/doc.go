// Package registrar keeps where the phones of users are (RFC 3261 section 10, RFC 5626)
// and knows users by their password (digest authentication, RFC 3261 section 22, RFC 7616,
// RFC 8760).
//
// A binding is a user's device together with the flow that it registered over. Calls go to
// the flow, never to the address in the Contact, as browsers write names there that do not
// exist. Bindings are in memory: phones register again within their interval, and a flow
// does not outlive the process anyway.
//
// Nonces are stateless (an HMAC over time and source), each may be used once per nonce
// count, unknown users get the same answers as known ones at the same cost, and too many
// failures of one user from one address shut that pair out for a while.
//
// # Words
//
//   - Address of record: the user's public address; here the user part alone names the user.
//   - Binding: one device of a user, reachable over one flow until it expires.
//   - Realm: the name of the protection domain in a challenge.
//
// # Goroutines
//
//   - sweeper: one per [Registrar.Run]; removes what expired; ends when its context does.
package registrar
