// Package acd decides who gets the next call: queues, agents, strategies, offers, wrap-up, limits.
//
// A host that has a [tandem.Switch] builds a [Center] over it, says where incoming calls go, and runs both:
//
//	centre, err := acd.New(acd.Config{
//		Switch: sw,
//		Events: journal,
//		Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "support"}}},
//		Agents: []acd.AgentConfig{{Agent: tandem.Agent{ID: "ann"}, Queues: []acd.Seat{{Queue: "support"}}}},
//		Route:  acd.Routes{Default: acd.Route{Queue: "support"}}.Route,
//	})
//	...
//	group.Go(func() error { return sw.Run(ctx, tandem.Handlers{journal, centre}) })
//	group.Go(func() error { return centre.Run(ctx) })
//
// [Engine] is the part of it that decides: a value without goroutine, clock or input and output of its own. It takes commands and the
// switch's events with the time at which they happen, and yields what happened ([tandem.Record]) and what is to be done
// ([Action]). The same input gives the same output, byte for byte: simulations, tests and replays drive it directly. What
// EngineConfig.Record was given, [Engine.Replay] decides again.
//
// # Words
//
// An agent has a seat in each queue that it serves, on a level (the tier: lower is asked first) and at a position within the level. A
// [Strategy] orders the ready agents of one level by a key that each gets when it becomes available; ties go by position, then by
// agent ID. A strategy that is a [Ringer] also says at how many agents a call rings at once ([RingAll], [Progressive]). A queue or a single call may require
// skills, and calls that ask the same form a class, a line of its own. Tiers and relaxations widen the circle of agents as a call waits. An offer is one call ringing at one agent under a reservation: a deadline, and a fencing number that grows with each
// reservation, by which a late answer is told from a valid one and hung up. A miss is an offer that rang out; after MaxMisses in a row the agent is
// paused. The back-off is the time during which a ready agent gets no offer after one that failed. Wrap-up belongs to the agent, not to the
// queue: an agent with seats in hundreds of queues has one.
//
// A call that leaves its queue without an agent takes an [Exit]: another queue, in which its wait counts on, or a way out that the host provides
// (voicemail, a menu, a number). Each such step is explained, and chains of them end.
//
// Every decision is explained in a [tandem.Decided] record. At any moment [Center.Why] says why a caller still waits and [Center.WhyAgent] why an agent is idle: for
// each candidate the obstacle, what would have to change, and when it will by itself.
//
// Each queue measures its own pace: how often one of its calls gets an agent while others wait, and how many give up. From it the [Snapshot] estimates the wait at each position.
//
// A supervisor may step in: [Center.SetPriority], [Center.Move], [Center.Pick], [Center.Force], [Center.Drain]. Such steps are explained like any other.
//
// # Promises
//
//   - An agent never holds two calls, and a call never has two agents: whoever answers second is hung up with CauseElsewhere.
//   - Nobody waits while an agent who may take the call is ready, not even behind others: queues are served in parallel.
//   - A failed offer costs the caller nothing: the call keeps its place.
//   - Every reservation ends, by an answer, a refusal or its deadline, also when the switch says nothing more.
//   - Rules never move a call in circles: back to a queue that has just not taken it, or more than eight times.
//   - For each queue, at every instant: offered = answered + abandoned + left + waiting.
//   - An agent who becomes ready takes the best waiting call of all its queues: highest priority, then highest weight of
//     the queue, then the longest wait; or by another policy of [Sharing]. With ageing priorities nobody starves.
//
// # Goroutines
//
// New starts none. [Center.Run] is the owner loop: it alone touches the engine and calls nothing that could wait. It starts, and awaits before it returns:
//
//	scribe     hands records to Config.Events, then releases the actions that follow from them; ends with the loop
//	hands      Config.Hands of them: perform actions on the Switch, in order for each call; end with the scribe
//	routers    Config.Routers of them: call Config.Route and Config.Exit; end with the loop
//
// # Bounds
//
// The inbox holds Config.Inbox events and commands; when it is full, Handle and the commands wait, which slows the switch
// down, until their ctx ends. What the loop has decided and the scribe has not taken is bounded in the same way: past Config.Backlog
// records and actions the loop takes no new input until the journal has caught up. Results of actions are always taken, so nothing can lock up.
// Calls to be routed, and calls on their way out, wait in a queue of Config.Routers × 16; when it is full, a further caller is refused with
// CauseCongestion, and one on the way out is hung up with CauseFailed.
package acd
