package sipcore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// maxNotices bounds the events that wait for a slow [Handler] of one call. When it is
// full, further ones are dropped, except Answered, Confirmed and Ended.
const maxNotices = 256

// Call is one leg: an INVITE dialog with one peer. All its methods are safe for concurrent
// use, also from within [Handler].
type Call struct {
	ep          *Endpoint
	id, callID  string
	localTag    string
	user, trunk string
	maxForwards int
	in          *Inbound
	flow        atomic.Pointer[Flow]
	state       atomic.Uint32
	notices     serialQueue

	// Of a call placed by us.
	dial *InviteRequest
	to   string // Request-URI

	mu        sync.Mutex // guards everything below; held while the machine steps and its actions are sent
	machine   *dialog.Machine
	timers    timerSet[dialog.Timer]
	ring      *time.Timer
	answers   map[dialog.TxID]*serverTx // requests of the peer that wait for our answer, and INVITEs for their ACK
	invites   map[uint32]*outInvite     // by CSeq
	challenge *challenge
	serial    uint64
	sticky    bool // requests go back the way that messages came, not where Contact points
	over      bool
}

// outInvite is an INVITE of ours: a CANCEL must repeat its Via and Request-URI.
type outInvite struct {
	tx    *clientTx
	req   *sip.Request
	final bool
}

func (e *Endpoint) newCall(role dialog.Role, callID string) *Call {
	c := &Call{
		ep: e, id: callID, callID: callID, localTag: randomHex(8),
		machine: dialog.New(dialog.Config{
			Role: role, T1: e.cfg.T1, T2: e.cfg.T2, Session: e.cfg.SessionExpires, MinSE: e.cfg.MinSE,
		}),
		timers:  make(timerSet[dialog.Timer]),
		answers: make(map[dialog.TxID]*serverTx), invites: make(map[uint32]*outInvite),
	}
	c.notices = serialQueue{spawn: e.spawn, limit: maxNotices}
	return c
}

func (e *Endpoint) newInboundCall(in *Inbound, req *sip.Request) *Call {
	c := e.newCall(dialog.RoleUAS, in.CallID)
	c.in, c.user, c.trunk = in, in.User, in.Trunk
	c.sticky = in.User != "" || in.Flow.symmetric || in.Flow.transport != TransportUDP
	c.maxForwards = 69
	if mf := req.MaxForwards(); mf != nil {
		c.maxForwards = max(0, int(mf.Val())-1)
	}
	c.flow.Store(in.Flow)
	return c
}

// begin feeds the INVITE to a new call and, if it is still alive after that, shows it to
// the handler.
func (c *Call) begin(_ context.Context, st *serverTx) {
	c.mu.Lock()
	tx := c.keep(st)
	msg := c.message(st.req, st.req.Method)
	msg.Tx = tx
	c.feed(dialog.Received{Message: msg})
	alive := !c.over
	c.mu.Unlock()
	if alive {
		c.notices.must(func(ctx context.Context) { c.ep.cfg.Handler.Incoming(ctx, c) })
	}
}

// keep files a server transaction under a name for the machine.
func (c *Call) keep(st *serverTx) dialog.TxID {
	c.serial++
	id := dialog.TxID(fmt.Sprint(c.serial))
	c.answers[id] = st
	return id
}

// request feeds a request of the peer. An ACK has no transaction.
func (c *Call) request(flow *Flow, req *sip.Request, st *serverTx) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		if st != nil {
			res := c.ep.buildResponse(req, Reply{Status: 481})
			_ = st.tx.Respond(res) // the transport has failed; nothing to be done
		}
		return
	}
	msg := c.message(req, req.Method)
	if st != nil {
		msg.Tx = c.keep(st)
	}
	if c.sticky && msg.Tag == c.machine.PeerTag() && flow.ID() != c.flow.Load().ID() {
		c.flow.Store(flow) // the peer came back over a new connection (RFC 5626)
	}
	c.feed(dialog.Received{Message: msg})
}

// cancelled feeds the CANCEL of the INVITE of a transaction.
func (c *Call) cancelled(st *serverTx, cause Cause) {
	if c.in == nil || st.req != c.in.msg {
		return // of a re-INVITE: it will be answered anyway, at once
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.feed(dialog.Cancelled{Cause: cause})
}

// command feeds a command of the user.
func (c *Call) command(ev dialog.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		if _, ok := ev.(dialog.Hangup); ok {
			return nil
		}
		return fmt.Errorf("%w: call %s has ended", ErrClosed, c.id)
	}
	if err := c.perform(ev); err != nil {
		if errors.Is(err, dialog.ErrState) {
			return fmt.Errorf("%w: call %s is %s", ErrState, c.id, c.machine.State())
		}
		return fmt.Errorf("sipcore: call %s: %w", c.id, err)
	}
	return nil
}

func (c *Call) fire(t dialog.Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.feed(dialog.Fired{Timer: t})
	}
}

// abandon drops the call without a word, when the endpoint stops.
func (c *Call) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish()
}

// feed steps the machine with what is not a command, which it never refuses. c.mu is held.
func (c *Call) feed(ev dialog.Event) {
	if err := c.perform(ev); err != nil {
		c.ep.count.stray.Add(1)
	}
}

// perform steps the machine and does what it asks for. c.mu is held.
func (c *Call) perform(ev dialog.Event) error {
	actions, err := c.machine.Step(ev)
	c.state.Store(uint32(c.machine.State()))
	for _, a := range actions {
		c.act(a)
	}
	return err
}

func (c *Call) act(a dialog.Action) {
	switch a := a.(type) {
	case dialog.Send:
		c.send(a)
	case dialog.Cancel:
		c.sendCancel(a)
	case dialog.Respond:
		c.respond(a)
	case dialog.Retransmit:
		if st := c.answers[a.Tx]; st != nil && st.last != nil {
			_ = st.tx.Respond(st.last) // the next repetition may get through
		}
	case dialog.StartTimer:
		c.timers.start(a.Timer, a.After, func() { c.fire(a.Timer) })
	case dialog.StopTimer:
		c.timers.stop(a.Timer)
	case dialog.Done:
		c.finish()
	case dialog.AskReoffer:
		c.askReoffer(a)
	default:
		c.inform(a)
	}
}

// inform turns what the machine tells into events for the handler.
func (c *Call) inform(a dialog.Action) {
	switch a := a.(type) {
	case dialog.Progressed:
		c.notify(Progressed{Status: a.Status, Tag: a.Tag, SDP: a.SDP})
	case dialog.Answered:
		c.stopRing()
		c.notifyAlways(Answered{SDP: a.SDP, Offer: a.Offer})
	case dialog.Confirmed:
		c.notifyAlways(Confirmed{SDP: a.SDP})
	case dialog.ReofferDone:
		c.notifyAlways(ReofferResult{Status: a.Status, SDP: a.SDP})
	case dialog.GotDigit:
		c.notify(Digit{Digit: a.Digit, Duration: a.Duration})
	case dialog.Ended:
		c.stopRing()
		c.notifyAlways(Ended{Reason: a.Reason, Status: a.Status, Cause: a.Cause})
	case dialog.Send, dialog.Cancel, dialog.Respond, dialog.Retransmit, dialog.StartTimer,
		dialog.StopTimer, dialog.Done, dialog.AskReoffer:
	}
}

func (c *Call) notify(ev Event) {
	if !c.notices.do(func(ctx context.Context) { c.ep.cfg.Handler.Event(ctx, c, ev) }) {
		c.ep.count.overload.Add(1)
	}
}

func (c *Call) notifyAlways(ev Event) {
	c.notices.must(func(ctx context.Context) { c.ep.cfg.Handler.Event(ctx, c, ev) })
}

func (c *Call) stopRing() {
	if c.ring != nil {
		c.ring.Stop()
	}
}

// finish forgets the call. c.mu is held.
func (c *Call) finish() {
	if c.over {
		return
	}
	c.over = true
	c.state.Store(uint32(dialog.StateEnded))
	c.stopRing()
	c.timers.stopAll()
	for _, inv := range c.invites {
		// sipgo's INVITE transaction has no timer while it rings.
		if !inv.final {
			inv.tx.tx.Terminate()
		}
	}
	c.ep.leave(c)
}

// askReoffer has the handler answer an offer, outside the lock.
func (c *Call) askReoffer(a dialog.AskReoffer) {
	if !c.ep.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, c.ep.cfg.ReofferTimeout)
		defer cancel()
		sdp, err := c.ep.cfg.Handler.Reoffer(ctx, c, a.Offer)
		answer := dialog.AnswerReoffer{Tx: a.Tx, Status: 200, SDP: sdp}
		switch {
		case ctx.Err() != nil:
			answer.Status = 500
		case err != nil:
			c.ep.log.InfoContext(ctx, "sip offer refused", "call_id", c.id, "error", err)
			answer.Status = 488
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.over {
			c.feed(answer)
		}
	}) {
		c.ep.count.overload.Add(1)
	}
}

// respond answers a request of the peer.
func (c *Call) respond(a dialog.Respond) {
	st := c.answers[a.Tx]
	if st == nil {
		return
	}
	r := c.reply(st, a)
	res := c.ep.buildResponse(st.req, r)
	if a.Status > 100 && toTag(st.req) == "" {
		setTag(res, c.localTag)
	}
	if err := st.tx.Respond(res); err != nil {
		c.ep.count.sendErrors.Add(1)
	}
	if a.Status < 200 {
		return
	}
	if st.req.IsInvite() && a.Status < 300 {
		// It is kept for repetition until the ACK; earlier ones had theirs, or the dialog
		// would not have come this far.
		maps.DeleteFunc(c.answers, func(_ dialog.TxID, old *serverTx) bool { return old != st && old.last != nil })
		st.last = res
		return
	}
	delete(c.answers, a.Tx)
}

// reply fills in what the answers of a dialog have (RFC 3261 table 3).
func (c *Call) reply(st *serverTx, a dialog.Respond) Reply {
	r := Reply{Status: a.Status, Body: a.Body, ContentType: a.BodyType}
	for _, f := range a.Fields {
		r.Headers = append(r.Headers, Header(f))
	}
	dialogMaking := st.req.IsInvite() || st.req.Method == sip.UPDATE
	if dialogMaking && a.Status > 100 && a.Status < 300 {
		r.Headers = append(r.Headers, Header{"Contact", c.contact(st.flow)}, Header{"Allow", c.ep.allow()})
		if a.Status >= 200 {
			r.Headers = append(r.Headers, Header{"Supported", supported})
		}
	}
	if st.req.Method == sip.OPTIONS && a.Status == 200 {
		r.Headers = append(r.Headers, c.ep.capabilities()...)
	}
	return r
}

// contact is our address in this dialog, as the peer can reach it.
func (c *Call) contact(f *Flow) string { return "<" + c.ep.contactURI(f, c.localTag) + ">" }

// message extracts what the machine needs of a request or response.
func (c *Call) message(msg sip.Message, method sip.RequestMethod) dialog.Message {
	m := dialog.Message{Method: string(method), Body: msg.Body()}
	if cseq := msg.CSeq(); cseq != nil {
		m.Seq = cseq.SeqNo
	}
	if from := msg.From(); from != nil {
		m.Tag, _ = from.Params.Get("tag") // of a response the To-tag takes its place
	}
	if ct := headerValues(msg, "Content-Type"); len(ct) > 0 {
		m.BodyType = mediaType(ct[0])
	}
	m.Contact = firstContact(msg)
	for _, h := range msg.GetHeaders("Record-Route") {
		m.Routes = append(m.Routes, h.Value())
	}
	m.AllowsUpdate = lists(msg, "Allow", "UPDATE")
	m.SupportsTimer = lists(msg, "Supported", "timer") || lists(msg, "Require", "timer")
	if v := headerValues(msg, "Session-Expires"); len(v) > 0 {
		m.Session, _ = dialog.ParseSessionExpires(v[0]) // requests were checked; in an answer a bad one means none
	}
	if v := headerValues(msg, "Min-SE"); len(v) > 0 {
		m.MinSE, _ = dialog.ParseSeconds(v[0]) // a bad one means none
	}
	if v := headerValues(msg, "Reason"); len(v) > 0 {
		m.Cause, _ = dialog.ParseReason(strings.Join(v, ",")) // a bad one says nothing
	}
	return m
}

// firstContact is the URI of the first Contact; "*" and none are "".
func firstContact(msg sip.Message) string {
	for _, h := range msg.GetHeaders("Contact") {
		if ct, ok := h.(*sip.ContactHeader); ok && !ct.Address.Wildcard {
			return ct.Address.String()
		}
	}
	return ""
}

// lists says whether one of the comma-separated values of a header field is the token.
func lists(msg sip.Message, header, token string) bool {
	for _, v := range headerValues(msg, header) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
