package sipcore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

const offerSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

const answerSDP = "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"

// journal is a log that may be read while it is written.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// host is a Handler that hands everything to the test through channels.
type host struct {
	incoming chan *sipcore.Call
	events   chan happening
	reoffer  func(call *sipcore.Call, offer []byte) ([]byte, error)
}

type happening struct {
	call *sipcore.Call
	ev   sipcore.Event
}

func newHost() *host {
	return &host{incoming: make(chan *sipcore.Call, 64), events: make(chan happening, 256)}
}

func (h *host) Incoming(_ context.Context, c *sipcore.Call) { h.incoming <- c }
func (h *host) Event(_ context.Context, c *sipcore.Call, ev sipcore.Event) {
	h.events <- happening{c, ev}
}

func (h *host) Reoffer(_ context.Context, c *sipcore.Call, offer []byte) ([]byte, error) {
	if h.reoffer == nil {
		return nil, errors.New("not in this test")
	}
	return h.reoffer(c, offer)
}

// next waits for the next event and wants it to be of the type T.
func next[T sipcore.Event](t *testing.T, h *host) T {
	t.Helper()
	select {
	case got := <-h.events:
		ev, ok := got.ev.(T)
		require.Truef(t, ok, "got event %T %+v, want %T", got.ev, got.ev, ev)
		return ev
	case <-time.After(5 * time.Second):
		var want T
		require.FailNowf(t, "no event", "want %T", want)
		panic("unreachable")
	}
}

func (h *host) call(t *testing.T) *sipcore.Call {
	t.Helper()
	select {
	case c := <-h.incoming:
		return c
	case <-time.After(5 * time.Second):
		require.FailNow(t, "no incoming call")
		return nil
	}
}

func admitAll(context.Context, *sipcore.Inbound) sipcore.Admission {
	return sipcore.Admission{Allow: true, Trunk: "lab"}
}

// start runs an endpoint with one UDP and one TCP listener on loopback.
func start(t *testing.T, change func(*sipcore.Config)) (*sipcore.Endpoint, *host) {
	t.Helper()
	h := newHost()
	cfg := sipcore.Config{
		Handler: h, Admit: admitAll,
		Listeners: []sipcore.Listener{
			{Name: "udp", Transport: sipcore.TransportUDP, Addr: "127.0.0.1:0"},
			{Name: "tcp", Transport: sipcore.TransportTCP, Addr: "127.0.0.1:0"},
		},
	}
	if change != nil {
		change(&cfg)
	}
	ep, err := sipcore.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ep.Run(ctx) }()
	<-ep.Ready()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			require.ErrorIs(t, err, context.Canceled)
		case <-time.After(10 * time.Second):
			t.Error("Run did not return")
		}
	})
	return ep, h
}

func addr(t *testing.T, ep *sipcore.Endpoint, listener string) string {
	t.Helper()
	a, ok := ep.Addr(listener)
	require.True(t, ok, "listener %s", listener)
	return a.String()
}

func TestEndpoint_CallOverEachTransportRingsAnswersAndHangsUp(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			a, ah := start(t, nil)
			b, bh := start(t, nil)
			bh.reoffer = func(*sipcore.Call, []byte) ([]byte, error) {
				return []byte(strings.Replace(answerSDP, "5000", "5002", 1)), nil
			}
			out, err := a.Invite(t.Context(), sipcore.InviteRequest{
				To: "sip:100@" + addr(t, b, transport), From: "sip:200@example.org", FromDisplay: `Zoë "Z"`,
				Destination: transport + ":" + addr(t, b, transport), SDP: []byte(offerSDP),
				Headers: []sipcore.Header{{Name: "X-Test", Value: "yes"}},
			})
			require.NoError(t, err)
			in := bh.call(t)
			require.Equal(t, "100", in.Request().URI.User)
			require.Equal(t, "200", in.Request().From.URI.User)
			require.Equal(t, "yes", in.Request().Header("X-Test"))
			require.Equal(t, "lab", in.Trunk())
			require.Equal(t, offerSDP, string(in.Offer()))
			require.Equal(t, 69, in.MaxForwards())

			require.NoError(t, in.Progress(180, nil))
			require.Equal(t, 180, next[sipcore.Progressed](t, ah).Status)
			require.NoError(t, in.Answer([]byte(answerSDP)))
			require.Equal(t, answerSDP, string(next[sipcore.Answered](t, ah).SDP))
			next[sipcore.Confirmed](t, bh)
			require.Equal(t, sipcore.StateConfirmed, in.State())
			require.Equal(t, sipcore.StateConfirmed, out.State())
			require.ErrorIs(t, in.Answer([]byte(answerSDP)), sipcore.ErrState)

			require.NoError(t, out.SendDigit('7', 0))
			require.Equal(t, '7', next[sipcore.Digit](t, bh).Digit)

			require.NoError(t, out.Reoffer([]byte(offerSDP)))
			re := next[sipcore.ReofferResult](t, ah)
			require.Equal(t, 200, re.Status)
			require.Contains(t, string(re.SDP), "5002")

			require.NoError(t, in.Hangup(sipcore.Cause{Q850: 16, Text: "done"}))
			end := next[sipcore.Ended](t, ah)
			require.Equal(t, sipcore.EndRemote, end.Reason)
			require.Equal(t, 16, end.Cause.Q850)
			require.Equal(t, sipcore.EndLocal, next[sipcore.Ended](t, bh).Reason)
			require.Eventually(t, func() bool { return b.Calls() == 0 }, 5*time.Second, 5*time.Millisecond)
		})
	}
}
