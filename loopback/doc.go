// Package loopback is a telephone switch in memory: it keeps every promise of tandem.Switch without a socket, a codec or
// a second process. A host tests its own code against it, a simulation runs whole days of calls on it in seconds, and
// the engines of this module are proved over it.
//
// The far ends are played by scripts. A Script says what a person does with a telephone: how long it rings before it is
// answered, whether it is busy or ignored, how long the person talks, when patience ends. Config gives each agent a
// Script, and Config.Dialled chooses one for every customer that is dialled; Call lets a customer call in. Each far end is
// also a Party that a test can move by hand: answer, hang up, press a key, listen.
//
// # Time and order
//
// All timing is by package time, so inside a testing/synctest bubble a day passes at once. Whatever is due is done in the
// order of its time and, at the same instant, in the order in which it was arranged, by one goroutine: as long as the
// Handler does its work before it returns, two runs with the same scripts give the same events.
//
// # Goroutines
//
// None but the caller's: Run is the loop. It owns the delivery of events and the scripts' clock, and ends when its
// context ends or the Handler returns an error.
package loopback
