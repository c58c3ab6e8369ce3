package registrar

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// nonceState is what a nonce turned out to be.
type nonceState uint8

const (
	nonceUnset nonceState = iota
	// nonceGood: ours, young, and the count was not used before.
	nonceGood
	// nonceStale: not ours, too old, or of another address; the client is to try again.
	nonceStale
	// nonceReplayed: the count was used before.
	nonceReplayed
)

// nonces makes and judges stateless nonces: time, chance and an HMAC over them, the source
// and the realm. Only the counts of nonces that were used with success are kept.
type nonces struct {
	key      []byte
	realm    string
	lifetime time.Duration
	limit    int

	mu    sync.Mutex
	used  map[string]*nonceUse
	order []string // oldest first
	floor int64    // nonces made up to here are stale unless they are in used
}

// nonceUse is the window of counts of one nonce: the highest, and which of the 64 below.
type nonceUse struct {
	made   int64
	top    uint32
	window uint64
}

func newNonces(key []byte, realm string, lifetime time.Duration, limit int) *nonces {
	if len(key) == 0 {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // crypto/rand.Read never fails (Go 1.24)
	}
	return &nonces{key: key, realm: realm, lifetime: lifetime, limit: limit, used: make(map[string]*nonceUse)}
}

const nonceLen = 8 + 8 + 16

func (n *nonces) sign(head []byte, src netip.Addr) []byte {
	h := hmac.New(sha256.New, n.key)
	h.Write(head)
	h.Write([]byte(src.String() + "|" + n.realm))
	return h.Sum(nil)[:16]
}

// make returns a new nonce for a source.
func (n *nonces) make(src netip.Addr, now time.Time) string {
	b := make([]byte, 16, nonceLen)
	binary.BigEndian.PutUint64(b, uint64(now.UnixNano()))
	_, _ = rand.Read(b[8:]) // crypto/rand.Read never fails (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(append(b, n.sign(b, src)...))
}

// check says whether a nonce is ours and young.
func (n *nonces) check(nonce string, src netip.Addr, now time.Time) (made int64, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != nonceLen || !hmac.Equal(b[16:], n.sign(b[:16], src)) {
		return 0, false
	}
	made = int64(binary.BigEndian.Uint64(b))
	age := now.Sub(time.Unix(0, made))
	return made, age >= -time.Second && age <= n.lifetime
}

// use takes one count of a nonce whose response was right. A client without counts may use
// a nonce once.
func (n *nonces) use(nonce string, made int64, nc uint32) nonceState {
	nc = max(nc, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	u, ok := n.used[nonce]
	if !ok {
		if made <= n.floor {
			return nonceStale
		}
		n.evict()
		n.used[nonce] = &nonceUse{made: made, top: nc}
		n.order = append(n.order, nonce)
		return nonceGood
	}
	switch {
	case nc > u.top:
		shift := nc - u.top
		if shift >= 64 {
			u.window = 0
		} else {
			u.window = u.window<<shift | 1<<(shift-1)
		}
		u.top = nc
		return nonceGood
	case nc == u.top, u.top-nc > 64, u.window&(1<<(u.top-nc-1)) != 0:
		return nonceReplayed
	}
	u.window |= 1 << (u.top - nc - 1)
	return nonceGood
}

// evict makes room; what is forgotten before its time counts as stale from then on.
func (n *nonces) evict() {
	for len(n.order) >= n.limit {
		oldest := n.order[0]
		n.order = n.order[1:]
		if u := n.used[oldest]; u != nil {
			n.floor = max(n.floor, u.made)
			delete(n.used, oldest)
		}
	}
}

// sweep forgets nonces that are too old to be used again.
func (n *nonces) sweep(now time.Time) {
	limit := now.Add(-n.lifetime - time.Second).UnixNano()
	n.mu.Lock()
	defer n.mu.Unlock()
	keep := n.order[:0]
	for _, k := range n.order {
		if u := n.used[k]; u != nil && u.made < limit {
			delete(n.used, k)
			continue
		}
		keep = append(keep, k)
	}
	n.order = keep
}
