package sipbridge

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// PhoneProtocol is the WebSocket subprotocol of the browser phone.
const PhoneProtocol = "tandem-phone.v1"

// Limits of one browser phone's connection.
const (
	maxPhoneMessage = 32 << 10 // A browser's description has 2 to 6 kB.
	phoneQueue      = 64       // messages that wait for a slow page; one more disconnects it
	phoneWrite      = 10 * time.Second
	phoneGoodbye    = time.Second
	digitLength     = 100 * time.Millisecond
)

// closeGoingAway is why phones are disconnected when the switch stops.
const closeGoingAway = websocket.StatusGoingAway

// phone is one connected browser phone.
type phone struct {
	agent tandem.AgentID
	conn  *websocket.Conn
	out   chan []byte   // owned by the writer; bounded, see phoneQueue
	quit  chan struct{} // closed to make the writer say goodbye

	closed bool // guarded by Bridge.mu, as the code
	code   websocket.StatusCode
}

// fromPhone is what a browser phone says.
type fromPhone struct {
	Type  string       `json:"type"`
	Leg   tandem.LegID `json:"leg"`
	SDP   string       `json:"sdp"`
	Digit string       `json:"digit"`
	Cause string       `json:"cause"` // of a reject: "busy", otherwise it is taken as "rejected"
}

// toPhone is what a browser phone is told.
type toPhone struct {
	Type    string         `json:"type"`
	Agent   tandem.AgentID `json:"agent,omitempty"`
	Leg     tandem.LegID   `json:"leg,omitempty"`
	Call    tandem.CallID  `json:"call,omitempty"`
	From    *caller        `json:"from,omitempty"`
	Subject string         `json:"subject,omitempty"`
	SDP     string         `json:"sdp,omitempty"`
	Cause   tandem.Cause   `json:"cause,omitzero"`
	Held    *bool          `json:"held,omitempty"`
	Message string         `json:"message,omitempty"`
	Resume  bool           `json:"resume,omitempty"` // in hello: the message "resume" is understood
}

type caller struct {
	Number tandem.Number `json:"number"`
	Name   string        `json:"name"`
}

// Phone returns the handler of one agent's browser phone: a WebSocket of the subprotocol PhoneProtocol that carries JSON. The
// caller has authenticated the request as that agent before it calls the handler. An agent has one phone: a newer connection
// replaces an older one, which is told so. A phone that comes back within Timing.PhoneGrace finds its legs where they were.
//
// To the page go {"type":"hello","agent","resume":true}, {"type":"offer","leg","call","from":{"number","name"},"subject","sdp"},
// {"type":"answered","leg"}, {"type":"ended","leg","cause"}, {"type":"held","leg","held"},
// {"type":"error","leg","message"}, {"type":"replaced"} and {"type":"pong"}. After hello every leg that is on the phone
// already comes as its offer or, once it has been answered, as answered; the page forgets the others. From the page come {"type":"ringing","leg"},
// {"type":"answer","leg","sdp"}, {"type":"reject","leg"} with an optional "cause":"busy", {"type":"hangup","leg"}, {"type":"digit","leg","digit"},
// {"type":"resume","leg"} from a page that was loaded anew and is told answered about a leg whose sound it does not have (the leg is
// then offered to it again and goes on once it answers) and, every 25 seconds, {"type":"ping"}.
func (b *Bridge) Phone(agent tandem.AgentID) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.servePhone(w, r, agent) })
}

func (b *Bridge) servePhone(w http.ResponseWriter, r *http.Request, agent tandem.AgentID) {
	opt := &websocket.AcceptOptions{Subprotocols: []string{PhoneProtocol}}
	if b.cfg.CheckOrigin != nil {
		if !b.cfg.CheckOrigin(r, r.Header.Get("Origin")) {
			http.Error(w, "this page may not connect", http.StatusForbidden)
			return
		}
		opt.InsecureSkipVerify = true // It has just been verified.
	}
	if agent == "" || !strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), PhoneProtocol) {
		http.Error(w, "subprotocol "+PhoneProtocol+" is required", http.StatusBadRequest)
		return
	}
	release := b.enter()
	if release == nil {
		http.Error(w, "no phone can be connected now", http.StatusServiceUnavailable)
		return
	}
	defer release()
	conn, err := websocket.Accept(w, r, opt)
	if err != nil {
		b.log.DebugContext(r.Context(), "browser phone not accepted", "agent", agent, "error", err)
		return // Accept has answered.
	}
	defer conn.CloseNow() //nolint:errcheck // It may be closed already.
	conn.SetReadLimit(maxPhoneMessage)
	p := &phone{agent: agent, conn: conn, out: make(chan []byte, phoneQueue), quit: make(chan struct{})}
	if !b.phoneArrived(p) {
		return
	}
	b.readPhone(r.Context(), p)
	b.locked(func() { b.phoneGoneLocked(p) })
}

// enter makes Run wait for a handler; nil means that the bridge does not run, or that enough phones are connected.
func (b *Bridge) enter() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, d := range b.devices {
		if d.phone != nil {
			n++
		}
	}
	if b.life != lifeRunning || n >= b.cfg.Limits.Phones {
		return nil
	}
	return b.join()
}

// phoneArrived makes p its agent's phone, replacing an older one, and tells it what it has to know.
func (b *Bridge) phoneArrived(p *phone) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life != lifeRunning {
		return false
	}
	b.spawn(func(ctx context.Context) { b.writePhone(ctx, p) })
	d := b.devicesLocked(p.agent)
	if old := d.phone; old != nil {
		b.tellLocked(old, toPhone{Type: "replaced"})
		old.closeLocked(websocket.StatusNormalClosure)
	}
	d.phone, d.gone = p, time.Time{}
	b.tellLocked(p, toPhone{Type: "hello", Agent: p.agent, Resume: true})
	for _, br := range b.legsOnPhoneLocked(p.agent) {
		line := br.line.(*phoneLine) //nolint:forcetypeassert // legsOnPhoneLocked chose it by its type.
		if br.leg.main == br {
			b.tellLocked(p, toPhone{Type: "answered", Leg: br.leg.id})
		} else if line.offer != nil {
			b.tellLocked(p, *line.offer)
		}
	}
	b.reachLocked(p.agent, d)
	return true
}

// phoneGoneLocked starts the grace of a phone whose socket is lost, unless a newer one has replaced it.
func (b *Bridge) phoneGoneLocked(p *phone) {
	p.closeLocked(websocket.StatusNormalClosure)
	d := b.devices[p.agent]
	if d == nil || d.phone != p {
		return
	}
	d.phone, d.gone = nil, time.Now()
	b.reachLocked(p.agent, d)
}

// closePhoneLocked disconnects the phone, if there is one.
func (d *devices) closePhoneLocked(code websocket.StatusCode) {
	if d.phone != nil {
		d.phone.closeLocked(code)
	}
}

// closeLocked makes the writer say goodbye after what waits already.
func (p *phone) closeLocked(code websocket.StatusCode) {
	if !p.closed {
		p.closed, p.code = true, code
		close(p.quit)
	}
}

// tellLocked queues a message. A page that does not read is disconnected; it finds its legs again when it comes back.
func (b *Bridge) tellLocked(p *phone, m toPhone) {
	if p.closed {
		return
	}
	body, err := json.Marshal(m)
	if err != nil {
		b.log.Error("message to a browser phone cannot be written", "agent", p.agent, "error", err)
		return
	}
	select {
	case p.out <- body:
	default:
		b.count.phoneFaults.Add(1)
		b.log.Warn("browser phone reads too slowly", "agent", p.agent)
		p.closeLocked(websocket.StatusPolicyViolation)
	}
}

// writePhone owns writing to the socket.
func (b *Bridge) writePhone(ctx context.Context, p *phone) {
	defer p.conn.CloseNow() //nolint:errcheck // It may be closed already.
	for {
		select {
		case body := <-p.out:
			if b.write(ctx, p, body) != nil {
				return
			}
		case <-p.quit:
			for {
				select {
				case body := <-p.out:
					if b.write(ctx, p, body) != nil {
						return
					}
					continue
				default:
				}
				break
			}
			// Close waits for the page's goodbye, and a page that is gone does not say it.
			cut := time.AfterFunc(phoneGoodbye, func() { _ = p.conn.CloseNow() })
			defer cut.Stop()
			_ = p.conn.Close(p.code, "")
			return
		case <-ctx.Done():
			return
		}
	}
}

func (b *Bridge) write(ctx context.Context, p *phone, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, phoneWrite)
	defer cancel()
	return p.conn.Write(ctx, websocket.MessageText, body)
}

// readPhone takes what the page says until the socket ends or the page breaks a rule.
func (b *Bridge) readPhone(ctx context.Context, p *phone) {
	allowed := bucket{rate: float64(b.cfg.Limits.PhoneRate), burst: 3 * float64(b.cfg.Limits.PhoneRate)}
	for {
		idle, cancel := context.WithTimeout(ctx, b.cfg.Timing.PhoneIdle)
		kind, body, err := p.conn.Read(idle)
		cancel()
		if err != nil {
			if websocket.CloseStatus(err) == websocket.StatusMessageTooBig || errors.Is(err, websocket.ErrMessageTooBig) {
				b.count.phoneFaults.Add(1)
			}
			return
		}
		var m fromPhone
		switch {
		case !allowed.take(time.Now()):
			b.phoneFault(p, "too many messages")
			return
		case kind != websocket.MessageText || json.Unmarshal(body, &m) != nil:
			b.phoneFault(p, "not a JSON object")
			return
		}
		b.phoneSays(p, m)
	}
}

// phoneFault disconnects a page that breaks a rule.
func (b *Bridge) phoneFault(p *phone, what string) {
	b.count.phoneFaults.Add(1)
	b.log.Warn("browser phone disconnected", "agent", p.agent, "reason", what)
	b.locked(func() {
		b.tellLocked(p, toPhone{Type: "error", Message: what})
		p.closeLocked(websocket.StatusPolicyViolation)
	})
}

// phoneSays does what the page asks for.
func (b *Bridge) phoneSays(p *phone, m fromPhone) {
	b.mu.Lock()
	if m.Type == "ping" {
		b.tellLocked(p, toPhone{Type: "pong"})
		b.mu.Unlock()
		return
	}
	br := b.phoneBranchLocked(p, m.Leg)
	if br == nil || m.Type == "answer" {
		b.mu.Unlock()
		if br != nil {
			b.phoneAnswers(p, br, m)
			return
		}
		b.locked(func() { b.tooLateLocked(p, m) })
		return
	}
	defer b.mu.Unlock()
	l := br.leg
	switch m.Type {
	case "ringing":
		b.ringingLocked(br)
	case "reject", "hangup":
		e := ending{cause: m.refusal(), detail: "by the browser phone"}
		if l.main == br {
			e.cause = tandem.CauseNormal
		}
		b.tellLocked(p, toPhone{Type: "ended", Leg: l.id, Cause: e.cause})
		b.failLocked(br, e)
	case "resume":
		if !resumableLocked(br) {
			b.tellLocked(p, toPhone{Type: "error", Leg: l.id, Message: "the leg is not up"})
			return
		}
		b.doLocked(l, func(ctx context.Context) { b.resume(ctx, br) })
	case "digit":
		if l.main != br || len(m.Digit) != 1 || !strings.Contains("0123456789*#ABCD", m.Digit) {
			b.tellLocked(p, toPhone{Type: "error", Leg: l.id, Message: "not a digit of a call that is up"})
			return
		}
		b.passDigitLocked(l, rune(m.Digit[0]), digitLength)
	default:
		b.tellLocked(p, toPhone{Type: "error", Leg: l.id, Message: "unknown type of message"})
	}
}

// tooLateLocked answers a message about a leg that is not on this phone (any more). That something rings needs no answer: if it has
// ended meanwhile, that has been said or is about to be, with its cause.
func (b *Bridge) tooLateLocked(p *phone, m fromPhone) {
	if m.Type == "ringing" {
		return
	}
	cause := tandem.CauseNormal
	if l := b.legs[m.Leg]; l != nil && l.agent == p.agent {
		cause = tandem.CauseElsewhere
	}
	b.tellLocked(p, toPhone{Type: "ended", Leg: m.Leg, Cause: cause})
}

// refusal is why the page refuses. While one device is busy, others of the agent go on ringing; a person's refusal is for all.
func (m fromPhone) refusal() tandem.Cause {
	if m.Cause == tandem.CauseBusy.String() {
		return tandem.CauseBusy
	}
	return tandem.CauseRejected
}

// phoneBranchLocked returns the branch of a leg on this phone; nil: there is none (any more).
func (b *Bridge) phoneBranchLocked(p *phone, id tandem.LegID) *branch {
	d, l := b.devices[p.agent], b.legs[id]
	if l == nil || l.agent != p.agent || d == nil || d.phone != p {
		return nil
	}
	i := slices.IndexFunc(l.branches, func(br *branch) bool { _, is := br.line.(*phoneLine); return is })
	if i < 0 {
		return nil
	}
	return l.branches[i]
}

// phoneAnswers takes the page's answer to our offer.
func (b *Bridge) phoneAnswers(p *phone, br *branch, m fromPhone) {
	if b.phoneResumes(p, br, m.SDP) {
		return
	}
	b.mu.Lock()
	ready := br.leg.main == nil && br.ours.Web != nil
	b.mu.Unlock()
	if !ready {
		b.locked(func() {
			b.tellLocked(p, toPhone{Type: "error", Leg: m.Leg, Message: "no offer waits for an answer"})
		})
		return
	}
	if len(m.SDP) > sdp.MaxSize {
		m.SDP = "" // It fails as malformed.
	}
	b.answeredBy(br, []byte(m.SDP))
	b.locked(func() {
		if br.leg.main == br && !br.dropped {
			b.tellLocked(p, toPhone{Type: "answered", Leg: br.leg.id})
		}
	})
}

// ringPhone offers a leg to the agent's browser phone.
func (b *Bridge) ringPhone(ctx context.Context, br *branch, codecs []sdp.Codec) {
	body, err := b.offerOn(ctx, br, webEnd, codecs)
	if err != nil {
		b.giveUp(br, tandem.CauseCongestion, err)
		return
	}
	d := br.leg.dial
	line := br.line.(*phoneLine) //nolint:forcetypeassert // dialAgentLocked made it.
	b.locked(func() {
		line.offer = &toPhone{
			Type: "offer", Leg: d.Leg, Call: d.Call, From: &caller{d.From.Number, d.From.Name}, Subject: d.Subject, SDP: string(body),
		}
		if !br.dropped {
			b.tellAgentLocked(line.agent, *line.offer)
		}
	})
}

// tellAgentLocked queues a message for an agent's phone. While it is away nothing is lost: what counts is told when it comes back.
func (b *Bridge) tellAgentLocked(agent tandem.AgentID, m toPhone) {
	if d := b.devices[agent]; d != nil && d.phone != nil {
		b.tellLocked(d.phone, m)
	}
}

// phoneLine is the signalling of a browser phone.
type phoneLine struct {
	bridge *Bridge
	agent  tandem.AgentID
	leg    tandem.LegID
	offer  *toPhone // guarded by Bridge.mu; nil until made
}

func (l *phoneLine) tell(m toPhone) {
	l.bridge.locked(func() { l.bridge.tellAgentLocked(l.agent, m) })
}

// No leg comes in from a browser phone, so there is none to ring or accept.
func (l *phoneLine) ring() error         { return tandem.ErrUnsupported }
func (l *phoneLine) accept([]byte) error { return tandem.ErrUnsupported }

func (l *phoneLine) drop(e ending) { l.tell(toPhone{Type: "ended", Leg: l.leg, Cause: e.cause}) }

func (l *phoneLine) held(on bool) { l.tell(toPhone{Type: "held", Leg: l.leg, Held: &on}) }

// bucket limits how often something happens.
type bucket struct {
	rate, burst float64
	tokens      float64
	filled      time.Time
}

// take says whether it may happen once more now.
func (k *bucket) take(now time.Time) bool {
	if k.filled.IsZero() {
		k.tokens = k.burst
	} else {
		k.tokens = min(k.burst, k.tokens+now.Sub(k.filled).Seconds()*k.rate)
	}
	k.filled = now
	if k.tokens < 1 {
		return false
	}
	k.tokens--
	return true
}
