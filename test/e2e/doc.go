// Package e2e proves the whole server as its users meet it: the built binary as a process of its own, real browsers, real
// SIP telephones and SIPp on loopback, sound told by its frequency at each end, and the plug pulled in the middle of a call.
package e2e
