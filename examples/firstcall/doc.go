// Command firstcall is a whole call in twenty lines: a customer calls in, waits in a queue, is offered to an agent, talks,
// and hangs up. It needs nothing but Go.
package main
