package sipcore

import (
	"context"
	"net/netip"
	"time"
)

// InviteRequest is a call to be placed. To and one of Flow or Destination are required.
type InviteRequest struct {
	// To is the Request-URI and To address, for example "sip:4912345@carrier.example" or
	// the Contact of a registered phone.
	To string
	// ToHeader is the To header field if it differs from the Request-URI, for example the
	// address of record of a registered phone; empty takes To.
	ToHeader string
	// From is the caller's address, for example "sip:anonymous@anonymous.invalid". Empty
	// takes "sip:tandem@" and Config.Domain.
	From string
	// FromDisplay is the caller's name.
	FromDisplay string
	// Flow sends over this connection: the way to registered phones.
	Flow *Flow
	// Destination sends to this address instead, "udp:192.0.2.7:5060" or "tcp:...". A host
	// name is looked up (A, AAAA); without a port 5060 is used.
	Destination string
	// Listener names the UDP listener to send from; empty takes the first that fits.
	Listener string
	// SDP is the offer; nil asks the peer to offer (delayed offer).
	SDP []byte
	// Headers are added to the INVITE, for example P-Asserted-Identity.
	Headers []Header
	// Credentials answer a 401 or 407; nil cannot.
	Credentials *Credentials
	// Timeout gives up when nobody answered, default 60 s; the call then ends with
	// EndTimeout.
	Timeout time.Duration
	// ID is the Call-ID; empty makes a random one.
	ID string
	// User is kept in [Call.User], for Config.Reroute.
	User string
	// MaxForwards is the hop count written; 0 means 70. A call that is the other half of
	// an incoming one passes the incoming call's [Call.MaxForwards], so that loops through
	// us end.
	MaxForwards int
}

// Credentials are a user and a password for digest authentication as a client. Realm
// limits them to one realm; empty fits all.
type Credentials struct {
	Realm, Username, Password string
}

// Request is a request outside any dialog, such as OPTIONS to see whether a trunk is up.
type Request struct {
	// Method is for example "OPTIONS", "REGISTER" or "MESSAGE". Required.
	Method string
	// URI is the Request-URI, To and From the addresses; empty takes the URI.
	URI, To, From string
	// Flow, Destination and Listener are as in [InviteRequest].
	Flow        *Flow
	Destination string
	Listener    string
	// Headers, ContentType and Body are added.
	Headers     []Header
	ContentType string
	Body        []byte
	// Credentials answer a 401 or 407.
	Credentials *Credentials
	// CallID and Seq continue a registration; empty and zero start anew.
	CallID string
	Seq    uint32
}

// Response is the final answer to a [Request].
type Response struct {
	Status  int
	Phrase  string
	Headers []Header
	Body    []byte
	// Seq is the CSeq that was answered, after any challenge.
	Seq uint32
}

// New checks the configuration. It opens nothing and starts nothing; [Endpoint.Run] does.
func New(cfg Config) (*Endpoint, error) { return newEndpoint(cfg) }

// Run binds the listeners and serves until ctx is done, then hangs up what is left, ends
// every connection and returns ctx.Err(). When it has returned, nothing of the endpoint
// runs. It may be called once.
func (e *Endpoint) Run(ctx context.Context) error { return e.run(ctx) }

// Ready is closed when the listeners are bound and served, or Run has failed.
func (e *Endpoint) Ready() <-chan struct{} { return e.ready }

// Addr returns the bound address of a listener by name, after Ready.
func (e *Endpoint) Addr(listener string) (netip.AddrPort, bool) { return e.listenerAddr(listener) }

// Invite places a call. It returns when the INVITE has been handed to the transport;
// what becomes of it arrives as events. ctx bounds only the looking up and connecting.
func (e *Endpoint) Invite(ctx context.Context, req InviteRequest) (*Call, error) {
	return e.invite(ctx, req)
}

// Do sends a request outside any dialog and waits for its final answer. A transaction
// without an answer ends with status 408 after 64*T1.
func (e *Endpoint) Do(ctx context.Context, req Request) (*Response, error) { return e.do(ctx, req) }

// Call returns a live call by its ID.
func (e *Endpoint) Call(id string) (*Call, bool) { return e.callByID(id) }

// Calls returns the number of calls alive, including those that only wait for the last
// messages of their dialog.
func (e *Endpoint) Calls() int { return e.countCalls() }

// Flow returns a live TCP or WebSocket flow by its ID.
func (e *Endpoint) Flow(id string) (*Flow, bool) { return e.flowByID(id) }

// Counters returns the totals since the start and the present sizes.
func (e *Endpoint) Counters() Counters { return e.snapshot() }
