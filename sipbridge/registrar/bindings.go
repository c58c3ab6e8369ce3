package registrar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// Registrar keeps bindings and judges credentials; see [New]. It is safe for concurrent use.
type Registrar struct {
	cfg    Config
	log    *slog.Logger
	nonces *nonces
	locks  *lockouts
	decoy  []byte
	count  struct {
		registered, removed, expired, lost, challenges, failures, stale, replays, locked, lockouts, storeErrors atomic.Uint64
	}

	mu       sync.Mutex // guards what is below
	users    map[string][]*binding
	flows    map[string]map[*binding]struct{} // by flow ID
	changes  []Presence                       // not told yet, in order; short, as they are told at once
	telling  bool
	bindings int
}

var _ sipcore.Registrar = (*Registrar)(nil)

// binding is a Binding with what decides whether a later REGISTER is about the same device.
type binding struct {
	Binding
	key    string
	callID string
	seq    uint32
}

func newRegistrar(cfg Config) (*Registrar, error) {
	c, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	decoy := make([]byte, 16)
	_, _ = rand.Read(decoy) // crypto/rand.Read never fails (Go 1.24)
	r := &Registrar{
		cfg: c, log: c.Logger, nonces: newNonces(c.NonceKey, c.Realm, c.NonceLifetime, c.MaxNonces),
		decoy: []byte(hex.EncodeToString(decoy)),
		users: make(map[string][]*binding), flows: make(map[string]map[*binding]struct{}),
	}
	r.locks = newLockouts(&r.cfg)
	return r, nil
}

func (r *Registrar) run(ctx context.Context) error {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			r.expire(now)
			r.nonces.sweep(now)
			r.locks.sweep(now)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// contact is one Contact of a REGISTER.
type contact struct {
	uri, instance string
	regID         int
	star          bool
	expires       time.Duration
	hasExpires    bool
}

func parseContact(v string) (contact, error) {
	if strings.TrimSpace(v) == "*" {
		return contact{star: true}, nil
	}
	var (
		u sip.Uri
		p sip.HeaderParams
	)
	if _, err := sip.ParseAddressValue(v, &u, &p); err != nil || u.Host == "" {
		return contact{}, fmt.Errorf("registrar: malformed contact")
	}
	if s := strings.ToLower(u.Scheme); s != "sip" && s != "sips" {
		return contact{}, fmt.Errorf("registrar: contact is not a sip address")
	}
	c := contact{uri: u.String()}
	c.instance, _ = p.Get("+sip.instance")
	c.instance = strings.Trim(c.instance, `"<>`)
	if s, ok := p.Get("reg-id"); ok {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil || n == 0 {
			return contact{}, fmt.Errorf("registrar: malformed reg-id")
		}
		c.regID = int(n)
	}
	if s, ok := p.Get("expires"); ok {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return contact{}, fmt.Errorf("registrar: malformed expires")
		}
		c.expires, c.hasExpires = time.Duration(n)*time.Second, true
	}
	return c, nil
}

// key tells devices apart: by instance and reg-id, or by Contact (RFC 5626 section 6).
func (c contact) key() string {
	if c.instance != "" {
		return c.instance + "#" + strconv.Itoa(c.regID)
	}
	return c.uri
}

func (r *Registrar) register(ctx context.Context, in *sipcore.Inbound) sipcore.Reply {
	d := registerDoor()
	v := r.judge(ctx, in, d)
	if v.user == "" {
		return sipcore.Reply{Status: v.status, Headers: r.headers(v, d, in.Source.Addr())}
	}
	if v.user != in.To.URI.User {
		r.log.WarnContext(ctx, "sip user tried to register for another", "agent", v.user, "source", in.Source.Addr())
		return sipcore.Reply{Status: 403}
	}
	contacts, reply := r.contacts(in)
	if reply != nil {
		return *reply
	}
	out := r.apply(v.user, in, contacts)
	r.tell()
	return out
}

// contacts reads and checks the Contacts of a REGISTER (RFC 3261 10.3 steps 6 and 7).
func (r *Registrar) contacts(in *sipcore.Inbound) ([]contact, *sipcore.Reply) {
	def, asked := r.cfg.DefaultExpires, in.Header("Expires")
	if asked != "" {
		n, err := strconv.ParseUint(strings.TrimSpace(asked), 10, 32)
		if err != nil {
			return nil, &sipcore.Reply{Status: 400, Phrase: "Malformed Expires"}
		}
		def = time.Duration(n) * time.Second
	}
	values := in.Values("Contact")
	if len(values) > r.cfg.MaxBindings {
		return nil, &sipcore.Reply{Status: 403, Phrase: "Too Many Contacts"}
	}
	out := make([]contact, 0, len(values))
	for _, v := range values {
		c, err := parseContact(v)
		if err != nil {
			return nil, &sipcore.Reply{Status: 400, Phrase: "Malformed Contact"}
		}
		if c.star && (len(values) > 1 || asked == "" || def != 0) {
			return nil, &sipcore.Reply{Status: 400, Phrase: "Contact * Needs Expires 0"}
		}
		if !c.hasExpires {
			c.expires = def
		}
		if c.expires > 0 && c.expires < r.cfg.MinExpires {
			return nil, &sipcore.Reply{Status: 423, Headers: []sipcore.Header{
				{Name: "Min-Expires", Value: strconv.Itoa(int(r.cfg.MinExpires / time.Second))},
			}}
		}
		c.expires = min(c.expires, r.cfg.MaxExpires)
		out = append(out, c)
	}
	return out, nil
}

// apply changes the bindings of a user and lists them in the answer.
func (r *Registrar) apply(user string, in *sipcore.Inbound, contacts []contact) sipcore.Reply {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if in.Flow.Closed() {
		return sipcore.Reply{} // it ended meanwhile, and FlowClosed may have been here already
	}
	if _, known := r.users[user]; !known && len(r.users) >= r.cfg.MaxUsers {
		return sipcore.Reply{Status: 503, Headers: []sipcore.Header{{Name: "Retry-After", Value: "60"}}}
	}
	if r.outOfOrderLocked(user, in, contacts) {
		return sipcore.Reply{Status: 500, Phrase: "REGISTER Out Of Order"}
	}
	for _, c := range contacts {
		switch {
		case c.star:
			for _, b := range slices.Clone(r.users[user]) {
				r.dropLocked(b, now)
				r.count.removed.Add(1)
			}
		case c.expires == 0:
			if b := r.findLocked(user, c.key()); b != nil {
				r.dropLocked(b, now)
				r.count.removed.Add(1)
			}
		default:
			r.bindLocked(user, in, c, now)
		}
	}
	reply := r.answerLocked(user, now)
	if slices.ContainsFunc(contacts, func(c contact) bool { return c.instance != "" && c.regID != 0 && c.expires > 0 }) {
		reply.Headers = append(reply.Headers, sipcore.Header{Name: "Require", Value: "outbound"})
	}
	return reply
}

// outOfOrderLocked says whether a REGISTER is older than what is bound (RFC 3261 10.3 step 7).
func (r *Registrar) outOfOrderLocked(user string, in *sipcore.Inbound, contacts []contact) bool {
	for _, c := range contacts {
		for _, b := range r.users[user] {
			if (c.star || b.key == c.key()) && b.callID == in.CallID && in.Seq < b.seq {
				return true
			}
		}
	}
	return false
}

func (r *Registrar) findLocked(user, key string) *binding {
	for _, b := range r.users[user] {
		if b.key == key {
			return b
		}
	}
	return nil
}

func (r *Registrar) bindLocked(user string, in *sipcore.Inbound, c contact, now time.Time) {
	b := r.findLocked(user, c.key())
	if b == nil {
		for len(r.users[user]) >= r.cfg.MaxBindings {
			r.dropLocked(slices.MinFunc(r.users[user], func(a, b *binding) int { return a.Expires.Compare(b.Expires) }), now)
			r.count.removed.Add(1)
		}
		b = &binding{Binding: Binding{User: user, Since: now}, key: c.key()}
		r.users[user] = append(r.users[user], b)
		r.bindings++
		if len(r.users[user]) == 1 {
			r.changes = append(r.changes, Presence{User: user, Up: true, At: now})
		}
	} else {
		r.unlinkLocked(b)
	}
	b.Contact, b.Instance, b.RegID, b.Flow = c.uri, c.instance, c.regID, in.Flow
	b.UserAgent = clip(in.Header("User-Agent"), 128)
	b.Expires, b.callID, b.seq = now.Add(c.expires), in.CallID, in.Seq
	id := in.Flow.ID()
	if r.flows[id] == nil {
		r.flows[id] = make(map[*binding]struct{})
	}
	r.flows[id][b] = struct{}{}
	r.count.registered.Add(1)
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func (r *Registrar) unlinkLocked(b *binding) {
	id := b.Flow.ID()
	delete(r.flows[id], b)
	if len(r.flows[id]) == 0 {
		delete(r.flows, id)
	}
}

// dropLocked removes a binding.
func (r *Registrar) dropLocked(b *binding, now time.Time) {
	r.unlinkLocked(b)
	left := slices.DeleteFunc(slices.Clone(r.users[b.User]), func(o *binding) bool { return o == b })
	r.bindings--
	if len(left) > 0 {
		r.users[b.User] = left
		return
	}
	delete(r.users, b.User)
	r.changes = append(r.changes, Presence{User: b.User, At: now})
}

func (r *Registrar) answerLocked(user string, now time.Time) sipcore.Reply {
	reply := sipcore.Reply{Status: 200}
	for _, b := range r.users[user] {
		v := "<" + b.Contact + ">;expires=" + strconv.Itoa(int(b.Expires.Sub(now).Round(time.Second)/time.Second))
		if b.Instance != "" {
			v += `;+sip.instance="<` + b.Instance + `>"`
		}
		if b.RegID != 0 {
			v += ";reg-id=" + strconv.Itoa(b.RegID)
		}
		reply.Headers = append(reply.Headers, sipcore.Header{Name: "Contact", Value: v})
	}
	reply.Headers = append(reply.Headers, sipcore.Header{Name: "Date", Value: now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")})
	return reply
}

func (r *Registrar) lookup(user string) []Binding {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Binding
	for _, b := range r.users[user] {
		if now.Before(b.Expires) && !b.Flow.Closed() {
			out = append(out, b.Binding)
		}
	}
	slices.SortStableFunc(out, func(a, b Binding) int { return b.Expires.Compare(a.Expires) })
	return out
}

func (r *Registrar) flowClosed(f *sipcore.Flow) {
	now := time.Now()
	r.mu.Lock()
	for b := range r.flows[f.ID()] {
		r.dropLocked(b, now)
		r.count.lost.Add(1)
	}
	r.mu.Unlock()
	r.tell()
}

func (r *Registrar) expire(now time.Time) {
	r.mu.Lock()
	for _, list := range r.users {
		for _, b := range slices.Clone(list) {
			if !now.Before(b.Expires) {
				r.dropLocked(b, now)
				r.count.expired.Add(1)
			}
		}
	}
	r.mu.Unlock()
	r.tell()
}

func (r *Registrar) removeUser(user string) {
	now := time.Now()
	r.mu.Lock()
	for _, b := range slices.Clone(r.users[user]) {
		r.dropLocked(b, now)
		r.count.removed.Add(1)
	}
	r.mu.Unlock()
	r.tell()
}

func (r *Registrar) unlock(user string) { r.locks.unlock(user) }

// tell reports the changes of presence in order, one goroutine at a time.
func (r *Registrar) tell() {
	for {
		r.mu.Lock()
		if r.telling || len(r.changes) == 0 {
			r.mu.Unlock()
			return
		}
		r.telling = true
		p := r.changes[0]
		r.changes = r.changes[1:]
		r.mu.Unlock()
		if r.cfg.OnPresence != nil {
			r.cfg.OnPresence(p)
		}
		r.mu.Lock()
		r.telling = false
		r.mu.Unlock()
	}
}

func (r *Registrar) counters() Counters {
	r.mu.Lock()
	users, bindings := len(r.users), r.bindings
	r.mu.Unlock()
	n := &r.count
	return Counters{
		Registered: n.registered.Load(), Removed: n.removed.Load(), Expired: n.expired.Load(), Lost: n.lost.Load(),
		Challenges: n.challenges.Load(), Failures: n.failures.Load(), Stale: n.stale.Load(), Replays: n.replays.Load(),
		Locked: n.locked.Load(), Lockouts: n.lockouts.Load(), StoreErrors: n.storeErrors.Load(),
		Users: users, Bindings: bindings,
	}
}
