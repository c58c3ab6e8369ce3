package sipcore

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// ingest takes one message as it came from the network. Nothing in it can end the flow.
func (e *Endpoint) ingest(ctx context.Context, flow *Flow, raw []byte) {
	if len(bytes.Trim(raw, "\r\n\x00 ")) == 0 {
		if flow.transport != TransportUDP {
			e.keepAlive(flow, raw)
		} else {
			e.count.keepAlives.Add(1)
		}
		return
	}
	msg, err := e.parser.ParseSIP(raw)
	if err != nil {
		e.malformed(ctx, flow, raw)
		return
	}
	switch msg := msg.(type) {
	case *sip.Response:
		e.response(msg)
	case *sip.Request:
		e.count.requests.Add(1)
		// Methods are case-sensitive; the parser writes them large.
		if i := bytes.IndexByte(raw, ' '); i > 0 {
			msg.Method = sip.RequestMethod(bytes.TrimLeft(raw[:i], "\r\n"))
		}
		e.request(ctx, flow, msg, raw)
	}
}

// malformed counts what does not parse and answers 400 where the sender can be told.
func (e *Endpoint) malformed(ctx context.Context, flow *Flow, raw []byte) {
	e.count.malformed.Add(1)
	e.log.DebugContext(ctx, "sip message malformed", "source", flow.remote.Addr(), "transport", flow.transport, "bytes", len(raw))
	res, ok := rejectRaw(raw, e.rawTag(raw))
	if !ok {
		return
	}
	e.write(flow, res)
}

func (e *Endpoint) write(flow *Flow, b []byte) {
	if err := flow.write(b); err != nil {
		e.count.sendErrors.Add(1)
	}
}

// rejectRaw builds a 400 from the lines of a request that does not parse. It wants enough
// of a request that the sender can match the answer; anything else is left alone, so that
// noise is not answered with noise.
func rejectRaw(raw []byte, tag string) ([]byte, bool) {
	head, _, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok || len(head) > 8192 {
		return nil, false
	}
	lines := bytes.Split(bytes.TrimLeft(head, "\r\n"), []byte("\r\n"))
	start := bytes.Fields(lines[0])
	if len(start) < 3 || !bytes.HasPrefix(start[len(start)-1], []byte("SIP/")) || string(start[0]) == "ACK" {
		return nil, false
	}
	var out bytes.Buffer
	out.WriteString("SIP/2.0 400 Bad Request\r\n")
	found := copyIdentity(&out, lines[1:], tag)
	for _, need := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		if found[need] == 0 {
			return nil, false
		}
	}
	out.WriteString("Content-Length: 0\r\n\r\n")
	return out.Bytes(), true
}

// copyIdentity copies the lines by which an answer is matched and says which it found.
func copyIdentity(out *bytes.Buffer, lines [][]byte, tag string) map[string]int {
	found := map[string]int{}
	for _, line := range lines {
		name, value, ok := bytes.Cut(line, []byte(":"))
		long := longName(strings.ToLower(string(bytes.TrimSpace(name))))
		if !ok || long == "" || bytes.ContainsAny(value, "\x00\n\r") {
			continue
		}
		if found[long]++; long != "Via" && found[long] > 1 {
			continue
		}
		value = bytes.TrimSpace(value)
		if long == "To" && !bytes.Contains(bytes.ToLower(value), []byte(";tag=")) {
			value = append(append([]byte(nil), value...), ";tag="+tag...)
		}
		fmt.Fprintf(out, "%s: %s\r\n", long, value)
	}
	return found
}

// rawTag is the To-tag of an answer to what does not parse: the same for each copy.
func (e *Endpoint) rawTag(raw []byte) string {
	h := hmac.New(sha256.New, e.tagKey)
	h.Write(raw)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func longName(name string) string {
	switch name {
	case "via", "v":
		return "Via"
	case "from", "f":
		return "From"
	case "to", "t":
		return "To"
	case "call-id", "i":
		return "Call-ID"
	case "cseq":
		return "CSeq"
	}
	return ""
}

// replyFlow is where answers to a request go: back the connection, or for UDP to the
// source address and the port that the top Via asks for (RFC 3261 18.2.2, RFC 3581).
func replyFlow(flow *Flow, req *sip.Request) *Flow {
	via := req.Via()
	if via == nil {
		return flow
	}
	src := flow.remote
	if via.Params == nil {
		via.Params = sip.NewParams()
	}
	if a, err := netip.ParseAddr(strings.Trim(via.Host, "[]")); err != nil || a.Unmap() != src.Addr() {
		via.Params.Add("received", src.Addr().String())
	}
	if _, asked := via.Params.Get("rport"); asked {
		via.Params.Add("rport", strconv.Itoa(int(src.Port())))
		via.Params.Add("received", src.Addr().String())
		return flow
	}
	if flow.transport != TransportUDP || flow.symmetric || flow.via == nil {
		return flow
	}
	port := via.Port
	if port <= 0 {
		port = 5060
	}
	if port > 65535 || uint16(port) == src.Port() {
		return flow
	}
	return flow.via.udpFlow(netip.AddrPortFrom(src.Addr(), uint16(port)))
}

// request sorts a request: to its transaction, its dialog, or the door.
func (e *Endpoint) request(ctx context.Context, flow *Flow, req *sip.Request, raw []byte) {
	if !matchable(req) {
		e.malformed(ctx, flow, raw)
		return
	}
	reply := replyFlow(flow, req)
	req.SetTransport(flow.transport.String())
	req.SetSource(flow.remote.String())
	key := serverKey(req, req.Method, flow.remote.Addr())
	st, judged := e.txs.find(key)
	switch {
	case judged:
		return // a copy of a request that is being judged
	case st != nil && (req.Method == st.req.Method || req.IsAck()):
		if err := st.tx.Receive(req); err != nil {
			e.count.stray.Add(1)
		}
		return
	}
	if bad := e.validate(req, raw); bad != nil {
		e.count.invalid.Add(1)
		e.refuse(reply, req, *bad)
		return
	}
	switch {
	case req.IsCancel():
		e.cancel(reply, req, flow)
	case toTag(req) != "":
		e.inDialog(flow, reply, req, key)
	case req.IsAck():
		e.count.stray.Add(1) // of a refusal given without state
	default:
		e.outOfDialog(reply, req, key)
	}
}

// matchable says whether a request has what an answer needs.
func matchable(req *sip.Request) bool {
	return req.Via() != nil && req.From() != nil && req.To() != nil && req.CallID() != nil && req.CSeq() != nil
}

func toTag(req *sip.Request) string {
	tag, _ := req.To().Params.Get("tag")
	return tag
}

// refuse answers a request without keeping state (RFC 3261 8.2.7).
func (e *Endpoint) refuse(flow *Flow, req *sip.Request, r Reply) {
	if req.IsAck() || r.Status == 0 {
		return
	}
	res := e.buildResponse(req, r)
	setTag(res, e.statelessTag(req))
	e.write(flow, []byte(res.String()))
}

// statelessTag is the To-tag of an answer without state: the same for each copy of the request.
func (e *Endpoint) statelessTag(req *sip.Request) string {
	h := hmac.New(sha256.New, e.tagKey)
	branch, _ := req.Via().Params.Get("branch")
	h.Write([]byte(mergeKey(req) + "|" + branch))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func setTag(res *sip.Response, tag string) {
	to := res.To()
	if to == nil || tag == "" {
		return
	}
	if to.Params == nil {
		to.Params = sip.NewParams()
	}
	to.Params.Add("tag", tag)
}

// buildResponse makes an answer. A To-tag the request has is kept; otherwise the caller
// sets one.
func (e *Endpoint) buildResponse(req *sip.Request, r Reply) *sip.Response {
	phrase := r.Phrase
	if phrase == "" {
		phrase = e.statusText(r.Status)
	}
	res := sip.NewResponseFromRequest(req, r.Status, phrase, r.Body)
	res.SipVersion = "SIP/2.0"
	for _, h := range r.Headers {
		if cleanHeader(h) {
			res.AppendHeader(sip.NewHeader(h.Name, h.Value))
		}
	}
	if len(r.Body) > 0 && r.ContentType != "" {
		res.AppendHeader(sip.NewHeader("Content-Type", r.ContentType))
	}
	if e.cfg.UserAgent != "" {
		res.AppendHeader(sip.NewHeader("Server", e.cfg.UserAgent))
	}
	return res
}

// cleanHeader keeps line breaks, and with them foreign header fields, out of messages.
func cleanHeader(h Header) bool {
	return h.Name != "" && !strings.ContainsAny(h.Name, "\r\n: ") && !strings.ContainsAny(h.Value, "\r\n\x00")
}

// cancel takes a CANCEL (RFC 3261 9.2): it is answered at once, its INVITE by the dialog.
func (e *Endpoint) cancel(reply *Flow, req *sip.Request, flow *Flow) {
	key := serverKey(req, sip.INVITE, flow.remote.Addr())
	cause, err := dialog.ParseReason(strings.Join(headerValues(req, "Reason"), ","))
	if err != nil {
		cause = Cause{}
	}
	st, _ := e.txs.find(key)
	if st == nil || st.call == nil {
		if e.txs.cancelPending(key, cause) {
			e.refuse(reply, req, Reply{Status: 200})
			return
		}
		e.count.invalid.Add(1)
		e.refuse(reply, req, Reply{Status: 481})
		return
	}
	res := e.buildResponse(req, Reply{Status: 200})
	setTag(res, st.call.localTag)
	e.write(reply, []byte(res.String()))
	st.call.cancelled(st, cause)
}

// inDialog takes a request with a To-tag.
func (e *Endpoint) inDialog(flow, reply *Flow, req *sip.Request, key string) {
	call, ok := e.leg(req.CallID().Value(), toTag(req))
	switch {
	case !ok && req.IsAck():
		e.count.stray.Add(1)
		return
	case !ok:
		e.count.invalid.Add(1)
		e.refuse(reply, req, Reply{Status: 481})
		return
	}
	if req.IsAck() {
		call.request(flow, req, nil)
		return
	}
	if e.txs.servers() >= e.cfg.MaxTransactions {
		e.count.overload.Add(1)
		e.refuse(reply, req, Reply{Status: 503})
		return
	}
	st, err := e.open(key, req, reply, call)
	if err != nil {
		return // a copy came at the same moment
	}
	call.request(flow, req, st)
}

// outOfDialog judges a request in a goroutine of its own, as the host may look up who it is.
func (e *Endpoint) outOfDialog(flow *Flow, req *sip.Request, key string) {
	switch e.txs.claim(key, req) {
	case claimTaken:
		return
	case claimMerged:
		e.count.invalid.Add(1)
		e.refuse(flow, req, Reply{Status: 482})
		return
	case claimFull:
		e.count.overload.Add(1)
		e.refuse(flow, req, Reply{Status: 503, Headers: []Header{{"Retry-After", "5"}}})
		return
	case claimGranted:
	}
	select {
	case e.admit <- struct{}{}:
	default:
		e.txs.release(key)
		e.count.overload.Add(1)
		return
	}
	if !e.spawn(func(ctx context.Context) {
		defer func() { <-e.admit }()
		e.judge(ctx, flow, req, key)
	}) {
		e.txs.release(key)
		<-e.admit
	}
}

func (e *Endpoint) judge(ctx context.Context, flow *Flow, req *sip.Request, key string) {
	in := newInbound(req, flow)
	if req.Method == sip.REGISTER {
		reply := Reply{Status: 405, Headers: []Header{{"Allow", e.allow()}}}
		if e.cfg.Register != nil {
			reply = e.cfg.Register.Register(ctx, in)
		}
		e.txs.release(key)
		if reply.Status >= 300 {
			e.count.refused.Add(1)
		}
		e.refuse(flow, req, reply)
		return
	}
	a := e.cfg.Admit(ctx, in)
	if !a.Allow {
		e.txs.release(key)
		e.turnAway(ctx, flow, req, a)
		return
	}
	in.Trunk = a.Trunk
	if a.User != "" {
		in.User = a.User
	}
	if req.IsInvite() {
		e.welcome(ctx, in, req, key)
		return
	}
	e.txs.release(key)
	if req.Method == sip.OPTIONS {
		e.refuse(flow, req, Reply{Status: 200, Headers: e.capabilities()})
		return
	}
	// INFO, UPDATE, BYE, PRACK and the like have no meaning outside a dialog.
	e.count.invalid.Add(1)
	e.refuse(flow, req, Reply{Status: 481})
}

// turnAway refuses a stranger: counted and logged, no other effect.
func (e *Endpoint) turnAway(ctx context.Context, flow *Flow, req *sip.Request, a Admission) {
	e.count.refused.Add(1)
	e.log.InfoContext(ctx, "sip request refused", "method", string(req.Method), "source", flow.remote.Addr(),
		"transport", flow.transport, "status", a.Status, "reason", a.Reason)
	if a.Silent {
		return
	}
	status := a.Status
	if status == 0 {
		status = 403
	}
	e.refuse(flow, req, Reply{Status: status, Headers: a.Headers})
}

// welcome makes the call of an admitted INVITE.
func (e *Endpoint) welcome(ctx context.Context, in *Inbound, req *sip.Request, key string) {
	call := e.newInboundCall(in, req)
	if err := e.enter(call); err != nil {
		e.txs.release(key)
		e.count.overload.Add(1)
		e.refuse(in.Flow, req, Reply{Status: 503, Headers: []Header{{"Retry-After", "5"}}})
		return
	}
	st, err := e.open(key, req, in.Flow, call)
	pending := e.txs.release(key)
	if err != nil {
		e.leave(call)
		return
	}
	e.count.callsIn.Add(1)
	call.begin(ctx, st)
	if pending.cancelled {
		call.cancelled(st, pending.cause)
	}
}
