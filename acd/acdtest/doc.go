// Package acdtest plays scenarios of a call centre that a supervisor can read, and checks what the routing engine made of them:
//
//	promise An offer that rings out goes to the next agent, and the caller keeps the place.
//
//	queue support ring 10s
//	agent ann seats support ignores
//	agent bob seats support answers after 2s
//
//	at 0s agent ann login
//	at 1s agent bob login
//	at 5s call c1 to support talks 30s
//	expect 5s offer c1 to ann
//	expect 15s offer c1 to ann ended no_answer
//	expect 17s c1 connected to bob
//	expect never offer c1 to ann after 6s
//
// A host writes its own rules down like this, next to its configuration, and runs them in its tests. The same file runs against the
// engine alone in virtual time (RunEngine) and against a running acd.Center over any switch (RunCenter).
//
// # The language
//
// One statement per line; a line that begins with # is a comment. Times are durations from the start (5s, 1m30s).
//
//	promise TEXT | defect TEXT                  what the file shows; exactly one, first
//	on engine loopback real                     where it runs; without the line on engine and loopback
//	within 400ms                                how far a time may be off where it runs in real time
//	queue Q [strategy S] [ring D] [at-once N] [wrap-up D|none] [weight N] [max-waiting N] [max-wait D] [back-off D|none]
//	        [service-level D] [refuse-when STATE,…] [leave-when STATE,…]
//	agent A seats Q[:LEVEL[:POSITION]],… [wrap-up D|none] [misses N|never] [skill S LEVEL]… [away] [MANNER]
//	hang-up takes D                             the switch is slow to end a leg (engine only)
//	at T agent A login | logout | ready | finish | pause REASON | reject C | hangs up | answers | refuses CAUSE | MANNER
//	at T device A lost | back
//	at T call C to Q [priority N] [for A] [prefers A] [needs S LEVEL]… [waits D] [patience D] [talks D]
//	at T C hangs up
//	at T supervisor hangs up C
//	at T switch lost                            (engine only)
//	expect T SENTENCE                           it happened then; each expectation takes a record of its own
//	expect N times SENTENCE                     it happened so often in all
//	expect never SENTENCE [before T | after T]
//	expect T agent A is STATE
//	expect T queue Q counts offered N answered N abandoned N left N waiting N talking N
//	end T                                       without the line a minute after the last time named
//
// MANNER is what an agent does when the device rings: answers after D, ignores, refuses CAUSE after D; without one the agent answers at
// once. "waits" is how long the queue may keep the call, "patience" how long the customer stays on the line.
//
// A SENTENCE is one of these; a name or number in it may be "any":
//
//	C started                     C queued in Q at N          offer C to A              offer C to A ended CAUSE
//	C connected to A              C left REASON               C released by PARTY       C ended CAUSE by PARTY
//	agent A STATE                 C decided RULE              C waited D for A
//
// # Goroutines
//
// RunEngine has none. RunCenter starts the centre, the switch and one goroutine for each device and each person who waits to do something,
// and awaits all before it returns.
package acdtest
