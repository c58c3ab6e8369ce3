package sipcore

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// serverTx is one request that is being answered with state.
type serverTx struct {
	key  string
	tx   *sip.ServerTx
	req  *sip.Request
	flow *Flow
	call *Call // set for INVITEs
	last *sip.Response
}

// pendingTx is a request that Admit has not judged yet.
type pendingTx struct {
	cancelled bool
	cause     Cause
}

// clientTx is one request of ours under way. Its responses are worked off in order.
type clientTx struct {
	key  string
	tx   *sip.ClientTx
	flow *Flow
	in   serialQueue
}

// txTable finds the transactions of messages (RFC 3261 17.1.3, 17.2.3).
type txTable struct {
	mu      sync.Mutex
	limit   int
	server  map[string]*serverTx
	pending map[string]*pendingTx
	merged  map[string]string // Call-ID, From-tag and CSeq of INVITEs, to find merged ones (RFC 3261 8.2.2.2)
	client  map[string]*clientTx
}

func newTxTable(limit int) *txTable {
	return &txTable{
		limit: limit, server: make(map[string]*serverTx), pending: make(map[string]*pendingTx),
		merged: make(map[string]string), client: make(map[string]*clientTx),
	}
}

const magicCookie = "z9hG4bK"

// serverKey matches a request with its transaction. The source address is part of it, so
// that nobody can cancel or acknowledge for another.
func serverKey(req *sip.Request, method sip.RequestMethod, src netip.Addr) string {
	via := req.Via()
	branch, _ := via.Params.Get("branch")
	if method == sip.ACK {
		method = sip.INVITE
	}
	host := strings.ToLower(via.Host) + ":" + strconv.Itoa(via.Port)
	if strings.HasPrefix(branch, magicCookie) && len(branch) > len(magicCookie) {
		return strings.Join([]string{branch, host, string(method), src.String()}, "|")
	}
	// RFC 2543 peers have no unique branch.
	return strings.Join([]string{mergeKey(req), host, string(method), src.String()}, "|")
}

func mergeKey(req *sip.Request) string {
	tag, _ := req.From().Params.Get("tag")
	return strings.Join([]string{req.CallID().Value(), tag, strconv.FormatUint(uint64(req.CSeq().SeqNo), 10)}, "|")
}

// find returns the transaction of a request and whether the request is being judged.
func (t *txTable) find(key string) (*serverTx, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, judged := t.pending[key]
	return t.server[key], judged
}

type claim uint8

const (
	claimTaken claim = iota // a copy is being judged or answered
	claimFull
	claimMerged
	claimGranted
)

// claim reserves the key of a new request while it is being judged.
func (t *txTable) claim(key string, req *sip.Request) claim {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.pending[key]; ok || t.server[key] != nil {
		return claimTaken
	}
	if len(t.server)+len(t.pending) >= t.limit {
		return claimFull
	}
	if req.IsInvite() {
		if other, ok := t.merged[mergeKey(req)]; ok && other != key {
			return claimMerged
		}
	}
	t.pending[key] = &pendingTx{}
	return claimGranted
}

// release gives a claim back and says whether it was cancelled meanwhile.
func (t *txTable) release(key string) pendingTx {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pending[key]
	delete(t.pending, key)
	if p == nil {
		return pendingTx{}
	}
	return *p
}

// cancelPending marks a request that is being judged as cancelled.
func (t *txTable) cancelPending(key string, cause Cause) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.pending[key]
	if ok {
		p.cancelled, p.cause = true, cause
	}
	return ok
}

// open makes the server transaction of a request.
func (e *Endpoint) open(key string, req *sip.Request, flow *Flow, call *Call) (*serverTx, error) {
	origin := req.Clone()
	origin.SetTransport(flow.transport.String())
	origin.SetSource(flow.remote.String())
	st := &serverTx{key: key, req: req, flow: flow, call: call, tx: sip.NewServerTx(key, origin, conn{flow}, e.quiet)}
	if err := st.tx.Init(); err != nil {
		return nil, err
	}
	t := e.txs
	t.mu.Lock()
	if t.server[key] != nil {
		t.mu.Unlock()
		st.tx.Terminate()
		return nil, errTaken
	}
	t.server[key] = st
	merge := ""
	if call != nil && call.in != nil && call.in.msg == req {
		merge = mergeKey(req)
		t.merged[merge] = key
	}
	t.mu.Unlock()
	if !st.tx.OnTerminate(func(string, error) { t.dropServer(key, merge) }) {
		t.dropServer(key, merge)
	}
	return st, nil
}

var errTaken = errors.New("sipcore: transaction exists")

func (t *txTable) dropServer(key, merge string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.server, key)
	if merge != "" && t.merged[merge] == key {
		delete(t.merged, merge)
	}
}

func (t *txTable) servers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.server)
}

func (t *txTable) clients() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.client)
}

// saying counts the requests under way other than INVITE, whose transactions linger.
func (t *txTable) saying() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for k := range t.client {
		if !strings.HasSuffix(k, "|INVITE") {
			n++
		}
	}
	return n
}

func (t *txTable) terminateAll() {
	t.mu.Lock()
	var all []interface{ Terminate() }
	for _, s := range t.server {
		all = append(all, s.tx)
	}
	for _, c := range t.client {
		all = append(all, c.tx)
	}
	t.mu.Unlock()
	for _, x := range all {
		x.Terminate()
	}
}

func clientKey(branch string, method sip.RequestMethod) string { return branch + "|" + string(method) }

// transact sends a request and reports every response to on, one after another; err is
// set, once and last, when there is no final response.
func (e *Endpoint) transact(flow *Flow, req *sip.Request, on func(res *sip.Response, err error)) (*clientTx, error) {
	branch, _ := req.Via().Params.Get("branch")
	key := clientKey(branch, req.Method)
	req.SetTransport(flow.transport.String())
	ct := &clientTx{key: key, flow: flow, tx: sip.NewClientTx(key, req, conn{flow}, e.quiet)}
	ct.in = serialQueue{spawn: e.spawn, limit: 64}
	t := e.txs
	drop := func(string, error) {
		t.mu.Lock()
		delete(t.client, key)
		t.mu.Unlock()
	}
	ct.tx.OnTerminate(drop)
	ct.tx.OnRetransmission(func(res *sip.Response) { on(res, nil) })
	t.mu.Lock()
	t.client[key] = ct
	t.mu.Unlock()
	if !e.spawn(func(context.Context) { ct.follow(on) }) {
		drop("", nil)
		return nil, ErrClosed
	}
	if err := ct.tx.Init(); err != nil {
		e.count.sendErrors.Add(1)
		ct.tx.Terminate()
		return ct, nil //nolint:nilerr // the failure is reported through on, like any later one.
	}
	return ct, nil
}

// follow passes the responses on until the final one or the end of the transaction.
func (ct *clientTx) follow(on func(*sip.Response, error)) {
	for {
		select {
		case res := <-ct.tx.Responses():
			on(res, nil)
			if !res.IsProvisional() {
				return
			}
		case <-ct.tx.Done():
			err := ct.tx.Err()
			if err == nil {
				err = sip.ErrTransactionTerminated
			}
			on(nil, err)
			return
		}
	}
}

// response hands a response to its transaction.
func (e *Endpoint) response(res *sip.Response) {
	e.count.responses.Add(1)
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil || res.StatusCode < 100 || res.StatusCode > 699 {
		e.count.malformed.Add(1)
		return
	}
	branch, _ := via.Params.Get("branch")
	e.txs.mu.Lock()
	ct := e.txs.client[clientKey(branch, cseq.MethodName)]
	e.txs.mu.Unlock()
	if ct == nil {
		e.count.stray.Add(1)
		return
	}
	if !ct.in.do(func(context.Context) { ct.tx.Receive(res) }) {
		e.count.overload.Add(1)
	}
}

// abort ends the client transactions of a flow that is gone.
func (t *txTable) abort(f *Flow) {
	t.mu.Lock()
	var all []*sip.ClientTx
	for _, c := range t.client {
		if c.flow == f {
			all = append(all, c.tx)
		}
	}
	t.mu.Unlock()
	for _, tx := range all {
		tx.Terminate()
	}
}

// serialQueue runs functions one after another in a goroutine that exists only while there
// is work. When limit functions wait, further ones are refused, except those that must run.
type serialQueue struct {
	spawn func(func(ctx context.Context)) bool
	limit int

	mu    sync.Mutex
	queue []func(ctx context.Context)
	busy  bool
}

// do queues f; false means that the queue is full or the endpoint stopped.
func (q *serialQueue) do(f func(ctx context.Context)) bool { return q.put(f, q.limit) }

// must queues f however many wait.
func (q *serialQueue) must(f func(ctx context.Context)) bool { return q.put(f, 1<<30) }

func (q *serialQueue) put(f func(ctx context.Context), limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= limit {
		return false
	}
	q.queue = append(q.queue, f)
	if q.busy {
		return true
	}
	if !q.spawn(q.work) {
		q.queue = nil
		return false
	}
	q.busy = true
	return true
}

func (q *serialQueue) work(ctx context.Context) {
	for {
		q.mu.Lock()
		if len(q.queue) == 0 {
			q.busy, q.queue = false, nil
			q.mu.Unlock()
			return
		}
		f := q.queue[0]
		q.queue = q.queue[1:]
		q.mu.Unlock()
		f(ctx)
	}
}

// timers of a call, touched only under its lock.
type timerSet[K comparable] map[K]*time.Timer

func (s timerSet[K]) start(k K, d time.Duration, f func()) {
	s.stop(k)
	s[k] = time.AfterFunc(d, f)
}

func (s timerSet[K]) stop(k K) {
	if t, ok := s[k]; ok {
		t.Stop()
		delete(s, k)
	}
}

func (s timerSet[K]) stopAll() {
	for k := range s {
		s.stop(k)
	}
}
