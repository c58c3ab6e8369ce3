// Package sim plays whole shifts of an outbound campaign in a moment, with the very pacers of package dialer: a Snapshot in, a
// Decision out. It is for judging pacers, for the table that command dialsim prints, and for tests that must see a day.
//
//	res, err := sim.Run(sim.Day(20, 0.2, 3*time.Minute), sim.Predictive(), 1)
//	fmt.Println(res.Utilisation)
//
// # The model
//
// Every record of the list has its own stream of chance, so that two pacers meet the same people. A person answers with
// the probability of that moment, after a ringing time that is log-normal. The others are machines (they hold the line), fail at once,
// or ring until the call is given up. An answered call goes to the agent who has waited longest; with none it waits
// as long as the patience allows, and is then abandoned. A conversation is a talk (four fifths of the handle time,
// log-normal) and a wrap-up (the rest). A shift begins with all agents idle and a pacer that knows nothing.
//
// Utilisation is the time that agents talk and wrap up, of the time that they are logged in. The abandoned share is the abandoned calls, of the
// calls that people answered. Both are in percent.
//
// # Goroutines
//
// RunAll plays the seeds on as many goroutines as there are processors and returns when they are done. Nothing else has any.
package sim
