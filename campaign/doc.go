// Package campaign decides whom to call: contact lists and their import, calling windows, retry rules, do-not-call, and the
// Runner that works through a list with as many calls as package dialer allows.
//
// A host imports a list and runs a campaign beside its switch and its routing engine, which hand it their records:
//
//	report, err := campaign.ImportCSV(ctx, file, lists, "spring", campaign.Import{})
//	run, err := campaign.New(campaign.Config{
//		ID: "spring", Queue: "sales", Switch: sw, Store: store, Agents: agents, Events: journal,
//		Trunk: campaign.Trunk{ID: "carrier", Channels: 30, PerSecond: 5},
//	})
//	...
//	group.Go(func() error { return sw.Run(ctx, tandem.Handlers{journal, centre, run}) })
//	group.Go(func() error { return run.Run(ctx) })
//	err = run.Start(ctx, "spring begins")
//
// # The trade's words
//
// A campaign works through leads: the contacts of its list, each with one or more phones. An attempt is one dialling of one number
// of a lead. Its outcome (connected, busy, no answer and so on) decides by the retry rules when the lead is due again,
// and on which phone, or that it is done. A calling window is when, in the campaign's time zone, calls may be placed. A lease
// holds a lead for one node for a short time; its fencing number makes a late writer harmless.
//
// # What cannot happen
//
// The Store records an attempt, in one transaction with the do-not-call check, before the number is dialled: a crash at any
// instruction leaves either no attempt and no call, or an attempt on record that the next start settles as interrupted
// and that only a rule may try again. No lead is dialled twice at a time, no blocked number is dialled, no call is placed
// outside the window, and when the last agent leaves nothing more is dialled. What happened is not forgotten when the store is
// away: dialling stops at once, and the outcomes are recorded when it is back.
//
// # Whose call it is
//
// Until Agents.Enqueue has taken an answered call, its customer's leg is the campaign's to hang up; from then on it is the
// routing engine's. The campaign tells CallStarted of every call that it dials, and CallEnded of those that never got that far.
//
// # Goroutines
//
// New starts none. Runner.Run is the owner loop: it alone touches the campaign's state, decides, and calls nothing that could wait. It
// starts, and awaits before it returns:
//
//	workers    Config.Workers of them: call the store, the switch, the routing engine and Config.Events, and post the
//	           results back to the loop; end with the loop
//
// # Bounds
//
// The inbox holds Config.Inbox records about calls under way; when it is full, Handle waits, until its ctx ends or Run has returned. Work for the
// workers waits in the loop, a few pieces for each call under way; calls under way are bounded by the pacer and by
// Trunk.Channels, leads held ahead by twice the number of agents and by 200.
package campaign
