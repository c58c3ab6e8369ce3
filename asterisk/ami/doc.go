// Package ami speaks the Asterisk Manager Interface: the line protocol (TCP port 5038 by custom) by which a program commands
// a running Asterisk and hears what happens in it.
//
// A [Client] holds one connection to one Asterisk and replaces it when it breaks. It logs in (by MD5 challenge, so that the secret
// does not travel), matches responses with actions, gathers event lists, keeps the connection alive and hands everything else, in the
// order in which Asterisk sent it, to one function as a [Notice].
//
// # Terms
//
// An action is what we send, a response what Asterisk answers to it (both carry an ActionID), an event what Asterisk tells by itself. An event
// list is an answer of many events between a response with "EventList: start" and an event with "EventList: Complete". Header names
// are compared without case throughout, because Asterisk itself spells them differently in different places.
//
// # Nothing is lost silently
//
// Notices wait in a bounded queue for the function that takes them. When it is full, the connection is dropped and the Lost notice says
// so ([ErrOverflow]): whoever keeps a picture of the server's state then knows that it has holes, and asks anew after the next
// Connected, instead of living on with a wrong picture.
//
// # Goroutines
//
// All of them end before Client.Run returns.
//
//   - The one that calls Run: connects, logs in, waits, connects again.
//   - The dispatcher: owns the calls of the handler; ends with Run.
//   - The reader of each connection: owns its receiving side; ends with the connection.
//   - The writer of each connection: owns its sending side and the keep-alive clock; ends with the connection.
package ami
