package web

import (
	"strconv"
	"testing"

	"github.com/tandem-cc/tandem"
)

// CheckPassword lets tests compare a password with a hash as the gate does.
func CheckPassword(hash, password string) (bool, error) {
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	return p.matches(password), nil
}

// ParseHash lets tests and the fuzzer read a hash without computing one; it returns its text form.
func ParseHash(hash string) (string, error) {
	p, err := parsePHC(hash)
	return p.String(), err
}

// SessionKey lets tests store a session of a known secret.
func SessionKey(secret string) string { return sessionKey(secret) }

// NewFeedOf returns the telling function of a feed with n listeners whose buffers are emptied as they fill.
func NewFeedOf(tb testing.TB, n int) func([]tandem.Record) {
	tb.Helper()
	cfg := Config{Keep: 4096, Buffer: 1, Streams: n}
	f := newFeed(&cfg, newMetrics(func() *snapshot { return nil }))
	var all []*listener
	for i := range n {
		l, _, _, err := f.listen(strconv.Itoa(i), 0)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, l)
	}
	return func(rs []tandem.Record) {
		f.tell(rs)
		for _, l := range all {
			<-l.records
		}
	}
}

// CutsSlowListener reports whether a feed whose listener has room for one record cuts it off at the second.
func CutsSlowListener(tb testing.TB) bool {
	tb.Helper()
	cfg := Config{Keep: 10, Buffer: 1, Streams: 1}
	f := newFeed(&cfg, newMetrics(func() *snapshot { return nil }))
	l, _, _, err := f.listen("s", 0)
	if err != nil {
		tb.Fatal(err)
	}
	for seq := range uint64(3) {
		f.tell([]tandem.Record{{Seq: seq + 1, At: f.started, Event: tandem.NodeAlive{}}})
	}
	<-l.records
	_, open := <-l.records
	_, left := f.listeners[l]
	return !open && !left
}
