// Package crm joins the centre to the host's customer data: it looks up who calls, builds the page that opens in front of the
// agent, and tells the host's system what became of each call.
//
// # Looking up
//
// A [Lookup] finds the contact behind a caller's number. A host gives its own as a function ([LookupFunc]); [HTTPLookup] asks a web
// service by a URL template. A [Directory] stands in front of either and is what the centre calls: it bounds the time, remembers
// answers (also "nobody by that number") and turns every failure into the unknown contact, because a call must ring whatever the CRM does.
//
// # Screen pop
//
// A [ScreenPop] is a URL template filled in when a call rings: https://crm.example/open?phone={number}&call={call}.
//
// # Webhooks
//
// [Webhooks] reads the journal as a [tandem.Handler], makes one signed message of each finished call and, while Run runs, sends what
// its [Outbox] holds, by the Standard Webhooks scheme. The receiver gets each message at least once, in order within one call, under
// an idempotency key (webhook-id) that never changes. What fails is tried again with growing, jittered pauses and after the last attempt kept as
// a dead letter, which [Webhooks.Replay] sends again.
//
// A receiver's address and the lookup's are the operator's settings and never come from a caller: templates fill paths and queries, not
// hosts, and redirects to another host are refused. Numbers, names and secrets stay out of logs and errors.
//
// # Goroutines
//
//   - Webhooks.Run is the caller's goroutine: it owns the schedule and starts at most Config.Concurrency senders;
//     each ends with its one request; Run waits for all of them before it returns.
//   - Directory and HTTPLookup start none; a lookup runs on its caller's goroutine.
package crm
