// Package web is the centre's face over HTTP: a JSON API with its OpenAPI document, a live event stream, the agent's console and
// the boards, metrics and health, as one http.Handler that a host mounts at the root of a site or serves.
//
// # Addresses
//
//	/ /console /board /calls /campaigns /admin   the pages: one shell, native modules under /static/, nothing from anywhere else
//	/api/v1/…                                    the API; /openapi.json describes it; errors are RFC 9457 problem details
//	/api/v1/events                               the live feed (server-sent events; Last-Event-ID resumes)
//	/api/v1/phone                                the console's phone: a WebSocket handed to Config.Phone
//	/livez /readyz                               health, for whoever asks; no detail without a session
//	/metrics                                     Prometheus: from loopback, with Config.MetricsToken, or as an administrator
//
// # Who may do what
//
// An [Account] has a [Role]; every address but the log-in, health, the OpenAPI document and the static files needs a session. Passwords
// are kept as argon2id hashes and sessions as the SHA-256 of a random token, in a cookie that scripts cannot read (__Host- and Secure
// over TLS, always SameSite=Strict). Requests that change something must come from the same origin. Wrong passwords lock the account for
// a while, and a source that goes through accounts is refused; both end by themselves and an administrator can unlock. API tokens are
// sessions presented as "Authorization: Bearer".
//
// An agent sees the boards, the own calls, and of other people's callers the last two digits; a supervisor sees everything that
// happens, asks why a caller waits or an agent is idle, and moves, ranks and gives away calls, sets agents' states and drains queues, each
// of which is logged with who did it (see [Explainer] and [Supervisor]); an administrator also the accounts. The agent's state lives in the centre, not in the page: a reload loses nothing.
//
// /metrics answers a direct request from a loopback address without credentials, so that a local scraper needs none; a
// request that a proxy on the same machine forwards (it has a Forwarded, X-Forwarded-For or Via header) is not one.
//
// # The live feed
//
// One follower reads the journal for all listeners and keeps the latest records for those who come back. Each listener has a bounded
// buffer; one that is too slow is cut off and resumes where it was. The board is sent as a whole, at most a few times per second.
//
// # Goroutines
//
//   - Server.Run is the caller's: it owns two that end with it, the journal's follower and the board's refresher.
//   - A request is served on its own goroutine by net/http; an event stream lasts until the client, Run or the session ends.
package web
