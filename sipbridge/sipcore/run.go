package sipcore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// shutdownGrace is how long Run waits, after its context is done, for the goodbyes of the
// calls it hangs up to be answered.
const shutdownGrace = 500 * time.Millisecond

// Endpoint serves SIP; see [New]. All its methods are safe for concurrent use.
type Endpoint struct {
	cfg      Config
	log      *slog.Logger
	parser   *sip.Parser
	count    counters
	guard    *guard
	txs      *txTable
	ready    chan struct{}
	instance string // marks our branches, so that our own requests are known again
	tagKey   []byte // makes To-tags of stateless answers the same for retransmissions
	serial   atomic.Uint64
	admit    chan struct{} // bounds the requests being judged; when full, requests are dropped and the peer repeats them
	phrases  map[int]string
	quiet    *slog.Logger // for sipgo's transactions, whose messages would tell phone numbers

	life struct {
		sync.Mutex
		started, stopped bool
		spawn            func(f func(ctx context.Context))
		wg               sync.WaitGroup
	}

	net struct {
		sync.Mutex
		listeners []*listener
		flows     map[string]*Flow // TCP and WebSocket by ID
		remotes   map[netip.AddrPort]*Flow
		perIP     map[netip.Addr]int
	}

	book struct {
		sync.Mutex
		calls map[string]*Call
		legs  map[legKey]*Call
	}
}

// legKey finds the call of an in-dialog request: its Call-ID and our tag.
type legKey struct{ callID, tag string }

func newEndpoint(cfg Config) (*Endpoint, error) {
	c, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Endpoint{
		cfg: c, log: c.Logger, parser: sip.NewParser(), ready: make(chan struct{}),
		guard: newGuard(c.Guard), txs: newTxTable(c.MaxTransactions), admit: make(chan struct{}, 1024),
		instance: randomHex(6), tagKey: []byte(randomHex(16)), quiet: slog.New(slog.DiscardHandler),
		phrases: phrases(),
	}
	e.parser.MaxMessageLength = c.MaxMessage
	e.net.flows = make(map[string]*Flow)
	e.net.remotes = make(map[netip.AddrPort]*Flow)
	e.net.perIP = make(map[netip.Addr]int)
	e.book.calls = make(map[string]*Call)
	e.book.legs = make(map[legKey]*Call)
	return e, nil
}

// randomHex returns 2n random hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand.Read never fails (Go 1.24)
	return hex.EncodeToString(b)
}

func (e *Endpoint) run(ctx context.Context) error {
	// The goroutines outlive ctx for the grace in which calls are hung up.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	e.life.Lock()
	if e.life.started {
		e.life.Unlock()
		return fmt.Errorf("sipcore: run: %w: may be called once", ErrState)
	}
	e.life.started = true
	e.life.spawn = func(f func(context.Context)) { e.life.wg.Go(func() { f(inner) }) }
	e.life.Unlock()

	err := e.listen(inner)
	close(e.ready)
	if err == nil {
		e.spawn(e.sweep)
		<-ctx.Done()
		err = ctx.Err()
		e.hangupAll(inner)
	}
	cancel()
	e.stop()
	return err
}

// stop ends everything and waits for it.
func (e *Endpoint) stop() {
	e.life.Lock()
	e.life.stopped = true
	e.life.Unlock()
	e.net.Lock()
	listeners := e.net.listeners
	flows := make([]*Flow, 0, len(e.net.flows))
	for _, f := range e.net.flows {
		flows = append(flows, f)
	}
	e.net.Unlock()
	for _, l := range listeners {
		l.close()
	}
	for _, f := range flows {
		_ = f.Close() // it is being thrown away
	}
	for _, c := range e.allCalls() {
		c.abandon()
	}
	e.txs.terminateAll()
	e.life.wg.Wait()
}

// spawn starts a goroutine that Run waits for. It returns false when the endpoint is not
// running; f is not called then.
func (e *Endpoint) spawn(f func(ctx context.Context)) bool {
	e.life.Lock()
	defer e.life.Unlock()
	if e.life.stopped || e.life.spawn == nil {
		return false
	}
	e.life.spawn(f)
	return true
}

func (e *Endpoint) running() bool {
	e.life.Lock()
	defer e.life.Unlock()
	return e.life.started && !e.life.stopped
}

// hangupAll ends the calls that are left and gives their goodbyes a moment.
func (e *Endpoint) hangupAll(ctx context.Context) {
	for _, c := range e.allCalls() {
		_ = c.Hangup(Cause{}) // one that has ended meanwhile is just as well
	}
	deadline := time.NewTimer(shutdownGrace)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for e.txs.saying() > 0 {
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// sweep forgets quiet sources.
func (e *Endpoint) sweep(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			e.guard.sweep(now)
		case <-ctx.Done():
			return
		}
	}
}

func (e *Endpoint) listenerAddr(name string) (netip.AddrPort, bool) {
	e.net.Lock()
	defer e.net.Unlock()
	for _, l := range e.net.listeners {
		if l.name == name {
			return l.local, true
		}
	}
	return netip.AddrPort{}, false
}

func (e *Endpoint) flowByID(id string) (*Flow, bool) {
	e.net.Lock()
	defer e.net.Unlock()
	f, ok := e.net.flows[id]
	return f, ok
}

func (e *Endpoint) callByID(id string) (*Call, bool) {
	e.book.Lock()
	defer e.book.Unlock()
	c, ok := e.book.calls[id]
	return c, ok
}

func (e *Endpoint) countCalls() int {
	e.book.Lock()
	defer e.book.Unlock()
	return len(e.book.calls)
}

func (e *Endpoint) allCalls() []*Call {
	e.book.Lock()
	defer e.book.Unlock()
	out := make([]*Call, 0, len(e.book.calls))
	for _, c := range e.book.calls {
		out = append(out, c)
	}
	return out
}

// enter puts a call into the book; [ErrBusy] when it is full, [ErrClosed] after the end.
func (e *Endpoint) enter(c *Call) error {
	if !e.running() {
		return ErrClosed
	}
	e.book.Lock()
	defer e.book.Unlock()
	if len(e.book.calls) >= e.cfg.MaxCalls {
		return ErrBusy
	}
	if _, taken := e.book.calls[c.id]; taken {
		if c.in == nil {
			return fmt.Errorf("%w: Call-ID is in use", ErrState)
		}
		c.id += ";" + c.localTag
	}
	e.book.calls[c.id] = c
	e.book.legs[legKey{c.callID, c.localTag}] = c
	return nil
}

func (e *Endpoint) leave(c *Call) {
	e.book.Lock()
	defer e.book.Unlock()
	delete(e.book.calls, c.id)
	delete(e.book.legs, legKey{c.callID, c.localTag})
}

func (e *Endpoint) leg(callID, tag string) (*Call, bool) {
	e.book.Lock()
	defer e.book.Unlock()
	c, ok := e.book.legs[legKey{callID, tag}]
	return c, ok
}

func (e *Endpoint) snapshot() Counters {
	c := e.count.snapshot()
	c.Sources = e.guard.size()
	c.Calls = e.countCalls()
	c.Transactions = e.txs.servers() + e.txs.clients()
	e.net.Lock()
	c.Connections = len(e.net.flows)
	e.net.Unlock()
	return c
}

var errDualStack = errors.New("a wildcard address must name its family, 0.0.0.0 or [::]")
