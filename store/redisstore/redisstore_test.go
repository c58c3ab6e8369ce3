package redisstore_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/redisstore"
	"github.com/tandem-cc/tandem/store/storetest"
)

// durable hands out stores with a prefix of their own in the Redis at addr, again after a reconnection.
func durable[T any](addr string, port func(*redisstore.Store) T) func(*testing.T) storetest.Durable[T] {
	return func(t *testing.T) storetest.Durable[T] {
		t.Helper()
		prefix := uuid.NewString()
		s := open(t, addr, prefix)
		return storetest.Durable[T]{Store: port(s), Reopen: func(t *testing.T) T {
			t.Helper()
			return port(open(t, addr, prefix))
		}}
	}
}

// open connects and closes with the test.
func open(tb testing.TB, addr, prefix string) *redisstore.Store {
	tb.Helper()
	s, err := redisstore.Open(tb.Context(), redisstore.Config{URL: "redis://" + addr, Prefix: prefix})
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, s.Close()) })
	return s
}

func TestLease(t *testing.T) {
	t.Parallel()
	storetest.Lease(t, durable(testenv.Redis(t), func(s *redisstore.Store) tandem.Lease { return s.Lease() }))
}

func TestPresence(t *testing.T) {
	t.Parallel()
	storetest.Presence(t, durable(testenv.Redis(t), func(s *redisstore.Store) reports.Presence { return s.Presence() }))
}

func TestOpen_SaysWhatIsWrongAndKeepsThePassword(t *testing.T) {
	t.Parallel()
	_, err := redisstore.Open(t.Context(), redisstore.Config{})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	_, err = redisstore.Open(t.Context(), redisstore.Config{URL: "redis://:secret@host:notaport/0"})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	require.NotContains(t, err.Error(), "secret")
	nobody, err := testenv.FreeTCP(t.Context())
	require.NoError(t, err)
	_, err = redisstore.Open(t.Context(), redisstore.Config{URL: "redis://:secret@" + nobody})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestStores_WithDifferentPrefixesDoNotMeet(t *testing.T) {
	t.Parallel()
	addr := testenv.Redis(t)
	a, b := open(t, addr, uuid.NewString()), open(t, addr, uuid.NewString())
	_, err := a.Lease().Acquire(t.Context(), "group", "n1", time.Minute)
	require.NoError(t, err)
	_, err = b.Lease().Acquire(t.Context(), "group", "n2", time.Minute)
	require.NoError(t, err)
}

func BenchmarkLease_Renew(b *testing.B) {
	s := open(b, testenv.Redis(b), uuid.NewString())
	g, err := s.Lease().Acquire(b.Context(), "group", "n1", time.Minute)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if g, err = s.Lease().Renew(b.Context(), g, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPresence_Put(b *testing.B) {
	p := open(b, testenv.Redis(b), uuid.NewString()).Presence()
	who := reports.Present{Agent: "ana", Node: "n1", State: tandem.AgentReady, Since: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Put(b.Context(), who, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}
