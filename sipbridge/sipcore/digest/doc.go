// Package digest reads, writes and computes HTTP digest authentication as SIP uses it:
// RFC 3261 section 22, RFC 7616 (SHA-256) and RFC 8760 (several challenges). It holds no
// state and starts no goroutines; nonces and their replay belong to package registrar.
package digest
