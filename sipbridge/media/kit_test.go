package media_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// kit is a running plane and what it reported.
type kit struct {
	*media.Plane
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	events []media.Event
}

func newKit(tb testing.TB, c media.Config) *kit {
	tb.Helper()
	k := &kit{done: make(chan error, 1)}
	if c.Notify == nil {
		c.Notify = func(ev media.Event) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.events = append(k.events, ev)
		}
	}
	p, err := media.New(c)
	require.NoError(tb, err)
	k.Plane = p
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	k.stop = cancel
	go func() { k.done <- p.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		err := <-k.done
		if !errors.Is(err, context.Canceled) && !errors.Is(err, media.ErrClosed) {
			tb.Errorf("Run returned %v", err)
		}
	})
	return k
}

// of returns the events of one kind on one end.
func (k *kit) of(e *media.End, kind media.EventKind) []media.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []media.Event
	for _, ev := range k.events {
		if ev.End == e && ev.Kind == kind {
			out = append(out, ev)
		}
	}
	return out
}

func (k *kit) eventually(tb testing.TB, e *media.End, kind media.EventKind, n int) []media.Event {
	tb.Helper()
	require.Eventually(tb, func() bool { return len(k.of(e, kind)) >= n }, 5*time.Second, 5*time.Millisecond,
		"%d events %v", n, kind)
	return k.of(e, kind)
}

// phone starts a simulated phone.
func phone(tb testing.TB, c siptest.RTPConfig) *siptest.RTPPhone {
	tb.Helper()
	p, err := siptest.NewRTPPhone(c)
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

func (k *kit) openRTP(tb testing.TB, c media.RTPConfig) *media.End {
	tb.Helper()
	e, err := k.OpenRTP(tb.Context(), c)
	require.NoError(tb, err)
	return e
}

// call connects a phone with a new end: the phone offers, the end answers.
func (k *kit) call(tb testing.TB, p *siptest.RTPPhone) *media.End {
	tb.Helper()
	e := k.openRTP(tb, media.RTPConfig{})
	k.reoffer(tb, p, e, sdp.SendRecv)
	return e
}

// reoffer does a round of offer and answer, the phone offering this direction.
func (k *kit) reoffer(tb testing.TB, p *siptest.RTPPhone, e *media.End, d sdp.Direction) {
	tb.Helper()
	offer := sdp.Offer(p.Local().WithDirection(d))
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(tb, err)
	require.NoError(tb, e.Apply(answer, offer))
	require.NoError(tb, p.Connect(offer, answer))
}

func within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	tb.Cleanup(cancel)
	return ctx
}

func codecs(first sdp.Codec, more ...sdp.Codec) []sdp.Codec {
	return append([]sdp.Codec{first}, more...)
}

// rawPeer is a bare socket.
func rawPeer(tb testing.TB) *net.UDPConn {
	tb.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(tb, err)
	tb.Cleanup(func() { c.Close() })
	return c
}

func addrOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// rtpPacket is an RTP packet with 160 bytes of one value.
func rtpPacket(pt uint8, seq uint16, ts, ssrc uint32, fill byte) []byte {
	b := make([]byte, 172)
	b[0], b[1] = 0x80, pt
	b[2], b[3] = byte(seq>>8), byte(seq)
	b[4], b[5], b[6], b[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
	b[8], b[9], b[10], b[11] = byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc)
	for i := 12; i < len(b); i++ {
		b[i] = fill
	}
	return b
}
