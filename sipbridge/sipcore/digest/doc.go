// Package digest reads, writes and computes HTTP digest authentication as SIP uses it:
// RFC 3261 section 22, RFC 7616 (SHA-256) and RFC 8760 (several challenges). It holds no
// state and starts no goroutines; nonces and their replay belong to package registrar.
//
// # Why not github.com/icholy/digest
//
// sipgo's clients use that library, and this package's tests hold ours against it: each
// reads what the other writes, and both compute the same responses. What it is made for is
// the client that knows its server. Here the header fields come from whoever reaches the
// port, before anything is known of them, and so this package differs on purpose:
//
//   - A parameter given twice, a nonce count that has not eight digits, quality of
//     protection without a client nonce, control characters, and more than 4096 bytes or 32
//     parameters are errors (there the last one wins, and there is no limit). Names of
//     parameters are compared without case, and tabs are white space.
//   - What is quoted stays the bytes that came (there it becomes runes, so that a nonce or a
//     user with other bytes is changed), and is written with the escapes of RFC 3261 instead
//     of Go's.
//   - A response is checked against a stored [HA1] in constant time
//     ([Credentials.Verify]); there, servers compare by themselves.
//   - Of several challenges the strongest is answered ([Strongest]; there the first), and a
//     list of qualities of protection may have blanks after its commas.
//
// Protection of the body (auth-int) is refused in both directions, as whatever stands
// between two SIP peers may change bodies. What is left to share is one line of hashing.
package digest
