// Package siptest holds simulated telephones for tests and demonstrations: they are real peers on real sockets, on
// loopback, that speak and hear sound.
package siptest
