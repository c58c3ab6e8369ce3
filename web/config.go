package web

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

// Config configures a Server.
type Config struct {
	Accounts Accounts // who may log in; required
	Sessions Sessions // who is logged in; required
	Floor    Floor    // the centre as it is now, and perhaps an Explainer and a Supervisor; required
	Desk     Desk     // the agents' wishes; required
	Handset  Handset  // what agents do with calls; required
	Journal  Journal  // what happens; required

	// Calls are the records of calls. Nil: the addresses that need them answer 501.
	Calls Calls
	// Campaigns are the outbound campaigns. Nil: their addresses answer 501 and the pages do not show them.
	Campaigns Campaigns
	// Contacts says who calls. Nil: callers are numbers.
	Contacts Contacts
	// ScreenPop makes the CRM page's address of a ringing call. Nil: there is none.
	ScreenPop *crm.ScreenPop
	// Phone serves the console's phone, usually a sipbridge. Nil: the console has none, and agents use desk phones.
	Phone PhoneFunc
	// SIP serves SIP over WebSocket at /ws, for other phones in browsers; it authenticates by itself. Nil: 404.
	SIP http.Handler

	// Pauses are the reasons for a pause that agents choose from; empty means a pause without a reason.
	Pauses []string
	// Dispositions are what agents may say came of a call; empty: nothing to say but a note.
	Dispositions []Disposition
	// Ready are the checks behind /readyz by name.
	Ready map[string]Check
	// Name is the centre's name on the pages. Empty means "Tandem".
	Name string
	// Version is shown to administrators and in the OpenAPI document. Empty means "dev".
	Version string

	// Secure says that browsers reach the server over TLS even where the request shows none (behind a proxy): cookies are
	// marked Secure and HSTS is sent. A request over TLS is always treated so.
	Secure bool
	// Proxied says that a proxy stands in front, on this machine or in a private network: the last address of its X-Forwarded-For
	// is whom a request comes from, for counting wrong passwords and connections. Without it everybody behind the proxy counts
	// as one, and one who guesses passwords locks all of them out.
	Proxied bool
	// FailureLimit is how many wrong passwords lock an account. Zero means 5.
	FailureLimit int
	// LockTime is how long a locked account stays locked. Zero means 15 min.
	LockTime time.Duration
	// SourceLimit is how many wrong passwords within LockTime from one network address make it be refused. Zero means 30.
	SourceLimit int
	// SessionTime is how long a log-in lasts. Zero means 12 h.
	SessionTime time.Duration
	// MetricsToken opens /metrics as a bearer to a scraper elsewhere. Empty: no token does.
	MetricsToken string
	// Collectors are further figures for /metrics, under names that begin with "tandem_".
	Collectors []prometheus.Collector
	// RequestRate is how many requests a session may make per second in the long run, with bursts of eight times
	// that; more are answered 429. Zero means 25.
	RequestRate float64

	// Keep is how many records are kept at least for event streams that resume. Zero means 4096.
	Keep int
	// Buffer is how many records may wait for one event stream; one that is fuller is cut off, and resumes. Zero means 512.
	Buffer int
	// Streams is how many event streams may be open, Streams per session at most 8; more are answered 503. Zero means 2000.
	Streams int
	// BoardEvery is the shortest time between two boards to the same listener. Zero means 250 ms.
	BoardEvery time.Duration
	// Heartbeat is how often a silent event stream says that it is alive, and its session is checked. Zero means 15 s.
	Heartbeat time.Duration
	// Logger hears of log-ins and of faults. Nil discards.
	Logger *slog.Logger
}

// check returns what is wrong with the configuration and fills in the defaults.
func (c *Config) check() error {
	for name, missing := range map[string]bool{
		"accounts": c.Accounts == nil, "sessions": c.Sessions == nil, "floor": c.Floor == nil, "desk": c.Desk == nil,
		"handset": c.Handset == nil, "journal": c.Journal == nil,
	} {
		if missing {
			return &tandem.ConfigError{Where: "web." + name, What: "is missing"}
		}
	}
	if min(c.FailureLimit, c.SourceLimit, c.Keep, c.Buffer, c.Streams) < 0 || c.RequestRate < 0 ||
		min(c.LockTime, c.SessionTime, c.BoardEvery, c.Heartbeat) < 0 {
		return &tandem.ConfigError{Where: "web", What: "has a negative limit"}
	}
	if c.MetricsToken != "" && len(c.MetricsToken) < 16 {
		return &tandem.ConfigError{Where: "web.metrics_token", What: "is shorter than 16 bytes"}
	}
	c.Name = cmp.Or(c.Name, "Tandem")
	c.Version = cmp.Or(c.Version, "dev")
	c.FailureLimit = cmp.Or(c.FailureLimit, 5)
	c.LockTime = cmp.Or(c.LockTime, 15*time.Minute)
	c.SourceLimit = cmp.Or(c.SourceLimit, 30)
	c.SessionTime = cmp.Or(c.SessionTime, 12*time.Hour)
	c.RequestRate = cmp.Or(c.RequestRate, 25)
	c.Keep = cmp.Or(c.Keep, 4096)
	c.Buffer = cmp.Or(c.Buffer, 512)
	c.Streams = cmp.Or(c.Streams, 2000)
	c.BoardEvery = cmp.Or(c.BoardEvery, 250*time.Millisecond)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
