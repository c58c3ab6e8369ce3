package crm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// transport answers requests without a network, so that a test may run in a synctest bubble.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}
}

func newWebhooks(t *testing.T, b crm.Outbox, change func(*crm.WebhooksConfig)) *crm.Webhooks {
	t.Helper()
	secret, err := crm.ParseSecret(secretText)
	require.NoError(t, err)
	cfg := crm.WebhooksConfig{Outbox: b, URL: "https://host.example/hook", Secret: secret, Rand: rand.New(rand.NewPCG(1, 2))}
	change(&cfg)
	w, err := crm.NewWebhooks(cfg)
	require.NoError(t, err)
	return w
}

var day = time.Date(2000, 1, 1, 9, 0, 0, 0, time.UTC)

// story is the journal of one answered inbound call, from the record after seq.
func story(call tandem.CallID, seq uint64, start time.Time) []tandem.Record {
	events := []struct {
		after time.Duration
		event tandem.Event
	}{
		{0, tandem.CallStarted{Call: tandem.Call{ID: call, Direction: tandem.Inbound, Customer: "l1", From: tandem.CallerID{Number: caller, Name: "Ann"}, To: "900100"}}},
		{1 * time.Second, tandem.CallQueued{Call: call, Queue: "sales", Position: 1}},
		{8 * time.Second, tandem.CallConnected{Call: call, Queue: "sales", Agent: "bob", Leg: "l2", Waited: 7 * time.Second}},
		{68 * time.Second, tandem.CallEnded{Call: call, Cause: tandem.CauseNormal, By: tandem.PartyCustomer}},
		{68 * time.Second, tandem.CallReleased{Call: call, Queue: "sales", Agent: "bob", Leg: "l2", By: tandem.PartyCustomer, Talked: time.Minute}},
		{80 * time.Second, tandem.CallDisposed{Call: call, Agent: "bob", Disposition: "sold", Note: "two"}},
	}
	rs := make([]tandem.Record, len(events))
	for i, e := range events {
		rs[i] = tandem.Record{Seq: seq + uint64(i) + 1, At: start.Add(e.after), Event: e.event}
	}
	return rs
}

// run starts w.Run and stops it with the test.
func run(t *testing.T, w *crm.Webhooks) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	}
}

func TestWebhooks_SendsOneSignedMessagePerCallThatTheLibraryVerifies(t *testing.T) {
	t.Parallel()
	verifier, err := standardwebhooks.NewWebhook(secretText)
	require.NoError(t, err)
	type received struct {
		id, auth string
		body     []byte
		err      error
	}
	got := make(chan received, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Header.Get("webhook-id"), r.Header.Get("Authorization"), body, verifier.Verify(body, r.Header)}
	}))
	t.Cleanup(srv.Close)
	b := newBox()
	w := newWebhooks(t, b, func(c *crm.WebhooksConfig) { c.URL = srv.URL; c.Header = http.Header{"Authorization": {"Bearer k"}} })
	defer run(t, w)()
	require.NoError(t, w.Handle(t.Context(), story("c1", 10, day)...))
	m := <-got
	require.NoError(t, m.err)
	require.Equal(t, "msg_c1_end", m.id)
	require.Equal(t, "Bearer k", m.auth)
	require.JSONEq(t, `{"type":"call.ended","timestamp":"2000-01-01T09:01:08Z","data":{"call":"c1","direction":"inbound","number":"+34911234567","name":"Ann","did":"900100",
		"queue":"sales","agents":["bob"],"started_at":"2000-01-01T09:00:00Z","queued_at":"2000-01-01T09:00:01Z","connected_at":"2000-01-01T09:00:08Z",
		"ended_at":"2000-01-01T09:01:08Z","waited_seconds":7,"talked_seconds":60,"answered":true,"cause":"normal","by":"customer"}}`, string(m.body))
	require.NoError(t, w.Handle(t.Context(), story("c1", 10, day)...), "a journal that is read twice")
	require.NoError(t, w.Handle(t.Context(), story("c2", 20, day)...))
	require.Equal(t, "msg_c2_end", (<-got).id, "nothing for c1 again")
}

func TestWebhooks_RetriesWithGrowingPausesThenKeepsADeadLetterThatReplays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		var code atomic.Int32
		code.Store(http.StatusInternalServerError)
		b := newBox()
		w := newWebhooks(t, b, func(c *crm.WebhooksConfig) {
			c.Attempts = 4
			c.Client = &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Now())
				return answer(int(code.Load())), nil
			})}
		})
		stop := run(t, w)
		defer stop()
		require.NoError(t, w.Handle(t.Context(), story("c1", 0, time.Now())[:4]...))
		time.Sleep(24 * time.Hour) // bubble time
		synctest.Wait()
		mu.Lock()
		require.Len(t, at, 4)
		for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
			require.InDelta(t, want, at[i+1].Sub(at[i]), 0.2*float64(want)+float64(2*time.Millisecond), "pause %d", i)
		}
		mu.Unlock()
		dead, err := b.List(t.Context(), crm.DeliveryDead, 10)
		require.NoError(t, err)
		require.Len(t, dead, 1)
		require.Equal(t, 4, dead[0].Attempts)
		require.Equal(t, "the receiver answered with status 500", dead[0].LastError)
		code.Store(http.StatusNoContent)
		require.NoError(t, w.Replay(t.Context(), dead[0]))
		synctest.Wait()
		done, err := b.List(t.Context(), crm.DeliveryDone, 10)
		require.NoError(t, err)
		require.Len(t, done, 1)
		require.ErrorIs(t, w.Replay(t.Context(), done[0]), tandem.ErrState)
	})
}

func TestWebhooks_KeepOrderWithinACallAndDoNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var list []string
		sent := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(list)
		}
		failures := 2
		w := newWebhooks(t, newBox(), func(c *crm.WebhooksConfig) {
			c.Types = []string{crm.MessageCallEnded, crm.MessageCallDisposed}
			c.Client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				id := r.Header.Get("webhook-id")
				if id == "msg_c1_end" && failures > 0 {
					failures--
					return nil, errors.New("connection refused")
				}
				list = append(list, id)
				return answer(http.StatusOK), nil
			})}
		})
		stop := run(t, w)
		defer stop()
		require.NoError(t, w.Handle(t.Context(), story("c1", 0, time.Now().Add(-time.Hour))...))
		require.NoError(t, w.Handle(t.Context(), story("c2", 6, time.Now().Add(-time.Hour))...))
		synctest.Wait()
		require.Equal(t, []string{"msg_c2_end", "msg_c2_disposed-12"}, sent(), "c1 waits for its retry, c2 does not")
		time.Sleep(time.Minute) // bubble time
		synctest.Wait()
		require.Equal(t, []string{"msg_c2_end", "msg_c2_disposed-12", "msg_c1_end", "msg_c1_disposed-6"}, sent())
	})
}

func TestWebhooks_ARestartLosesNothingAndForgetsNoOpenCall(t *testing.T) {
	t.Parallel()
	b := newBox()
	w := newWebhooks(t, b, func(*crm.WebhooksConfig) {})
	long, short := story("long", 0, day), story("short", 3, day)
	require.NoError(t, w.Handle(t.Context(), long[:3]...))
	require.NoError(t, w.Handle(t.Context(), short...))
	after, err := w.After(t.Context())
	require.NoError(t, err)
	require.Zero(t, after, "the long call's beginning is still needed")

	again := newWebhooks(t, b, func(*crm.WebhooksConfig) {})
	require.NoError(t, again.Handle(t.Context(), append(append(long[:3:3], short...), tandem.Record{
		Seq: 10, At: day.Add(time.Hour), Event: tandem.CallEnded{Call: "long", Cause: tandem.CauseInterrupted, By: tandem.PartySystem},
	})...))
	after, err = again.After(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 10, after)
	ds, err := b.List(t.Context(), crm.DeliveryPending, 10)
	require.NoError(t, err)
	require.Len(t, ds, 2, "short was not told twice")
	var m struct{ Data crm.CallEnded }
	require.NoError(t, json.Unmarshal(ds[0].Body, &m))
	require.Equal(t, tandem.CauseInterrupted, m.Data.Cause)
	require.InDelta(t, 3592, m.Data.Talked, 0.001, "talk is counted from before the restart")
}

func TestWebhooks_AFailedOutboxLosesNoMessage(t *testing.T) {
	t.Parallel()
	b := newBox()
	w := newWebhooks(t, b, func(*crm.WebhooksConfig) {})
	b.fail = errors.New("disk full")
	require.ErrorContains(t, w.Handle(t.Context(), story("c1", 0, day)...), "disk full")
	b.fail = nil
	require.NoError(t, w.Handle(t.Context(), tandem.Record{Seq: 7, At: day, Event: tandem.NodeAlive{Node: "n"}}))
	ds, err := b.List(t.Context(), crm.DeliveryPending, 10)
	require.NoError(t, err)
	require.Len(t, ds, 1)
	require.Contains(t, string(ds[0].Body), `"queue":"sales"`, "the message is whole")
}

func TestWebhooks_GoneMeansDeadAndRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]crm.DeliveryState{http.StatusGone: crm.DeliveryDead, http.StatusTemporaryRedirect: crm.DeliveryPending} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			b := newBox()
			w := newWebhooks(t, b, func(c *crm.WebhooksConfig) {
				c.Client = &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
					asked.Add(1)
					resp := answer(code)
					resp.Header.Set("Location", "http://169.254.169.254/")
					return resp, nil
				})}
			})
			stop := run(t, w)
			defer stop()
			require.NoError(t, w.Handle(t.Context(), story("c1", 0, time.Now())[:4]...))
			time.Sleep(70 * time.Second) // bubble time
			synctest.Wait()
			ds, err := b.List(t.Context(), want, 10)
			require.NoError(t, err)
			require.Len(t, ds, 1, "status %d", code)
			if code == http.StatusGone {
				require.EqualValues(t, 1, asked.Load())
			}
		})
	}
}

func TestSecret_HidesItselfAndRefusesWeakKeys(t *testing.T) {
	t.Parallel()
	s, err := crm.ParseSecret(secretText)
	require.NoError(t, err)
	require.Equal(t, "whsec_*** whsec_*** whsec_***", fmt.Sprintf("%s %v %#v", s, s, s))
	for _, bad := range []string{"", "whsec_", "whsec_AAAA", "whsec_!!!!"} {
		_, err := crm.ParseSecret(bad)
		require.ErrorIs(t, err, tandem.ErrInvalid, "%q", bad)
	}
}

func TestNewWebhooks_NamesTheWrongSetting(t *testing.T) {
	t.Parallel()
	secret, err := crm.ParseSecret(secretText)
	require.NoError(t, err)
	for where, cfg := range map[string]crm.WebhooksConfig{
		"webhook.outbox":   {URL: "https://h/", Secret: secret},
		"webhook.url":      {Outbox: newBox(), URL: "file:///etc", Secret: secret},
		"webhook.secret":   {Outbox: newBox(), URL: "https://h/"},
		"webhook.types[0]": {Outbox: newBox(), URL: "https://h/", Secret: secret, Types: []string{"call.begun"}},
	} {
		_, err := crm.NewWebhooks(cfg)
		var c *tandem.ConfigError
		require.ErrorAs(t, err, &c)
		require.Equal(t, where, c.Where)
	}
}

func BenchmarkWebhooks_Handle(b *testing.B) {
	secret, err := crm.ParseSecret(secretText)
	require.NoError(b, err)
	w, err := crm.NewWebhooks(crm.WebhooksConfig{Outbox: discard{newBox()}, URL: "https://h/", Secret: secret})
	require.NoError(b, err)
	rs := story("c1", 0, day)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Handle(b.Context(), rs...); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ crm.Outbox }

func (discard) Enqueue(context.Context, uint64, ...crm.Delivery) error { return nil }
