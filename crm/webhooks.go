package crm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// WebhooksConfig configures Webhooks.
type WebhooksConfig struct {
	Outbox Outbox // where messages wait; required
	URL    string // the receiver: http or https; required
	Secret Secret // what messages are signed with; required
	// Types are the messages to send; empty means call.ended alone.
	Types []string
	// Header is sent along, such as Authorization. Its values are never logged.
	Header http.Header
	// Timeout bounds one attempt. Zero means 15 s.
	Timeout time.Duration
	// Attempts is how many are made before a message is a dead letter. Zero means 12: about a day with the default pauses.
	Attempts int
	// Pause is the wait after the first failure; it doubles with each up to MaxPause and is jittered by ±20 %.
	// Zero means 5 s and 6 h.
	Pause, MaxPause time.Duration
	// Concurrency is how many messages, of different calls, are under way at once. Zero means 4.
	Concurrency int
	// IdlePoll is how often the outbox is looked at when nothing is known to be due: it finds what another process
	// has put there. Zero means 30 s.
	IdlePoll time.Duration
	// Rand draws the jitter. Nil means one of its own. It is used by Run alone.
	Rand *rand.Rand
	// Client makes the requests. Nil means one of its own. A copy of it is used that follows no redirect: signed data goes where
	// the operator said.
	Client *http.Client
	// Logger hears of failed attempts and dead letters. Nil discards.
	Logger *slog.Logger
}

// Webhooks tells a receiver what became of calls. Handle takes the journal's records in order and is not safe for concurrent
// use with itself; Run sends meanwhile.
type Webhooks struct {
	cfg    WebhooksConfig
	client *http.Client
	calls  calls
	unsent []Delivery    // made and not stored yet: the outbox failed
	wake   chan struct{} // holds one token: the outbox has something new; a second one would say nothing more
}

var _ tandem.Handler = (*Webhooks)(nil)

// NewWebhooks checks the configuration and starts nothing. Errors are a tandem.ConfigError.
func NewWebhooks(cfg WebhooksConfig) (*Webhooks, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if len(cfg.Types) == 0 {
		cfg.Types = []string{MessageCallEnded}
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 15*time.Second)
	cfg.Attempts = cmp.Or(cfg.Attempts, 12)
	cfg.Pause = cmp.Or(cfg.Pause, 5*time.Second)
	cfg.MaxPause = cmp.Or(cfg.MaxPause, 6*time.Hour)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 4)
	cfg.IdlePoll = cmp.Or(cfg.IdlePoll, 30*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // jitter needs no secrecy
	}
	client := http.Client{}
	if cfg.Client != nil {
		client = *cfg.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Webhooks{cfg: cfg, client: &client, calls: calls{open: make(map[tandem.CallID]*openCall)}, wake: make(chan struct{}, 1)}, nil
}

func (cfg *WebhooksConfig) check() error {
	u, err := url.Parse(cfg.URL)
	switch {
	case cfg.Outbox == nil:
		return &tandem.ConfigError{Where: "webhook.outbox", What: "is missing"}
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return &tandem.ConfigError{Where: "webhook.url", What: "must be an http or https URL"}
	case cfg.Secret.key == nil:
		return &tandem.ConfigError{Where: "webhook.secret", What: "is missing"}
	case min(cfg.Attempts, cfg.Concurrency) < 0 || min(cfg.Timeout, cfg.Pause, cfg.MaxPause, cfg.IdlePoll) < 0:
		return &tandem.ConfigError{Where: "webhook", What: "has a negative limit"}
	}
	for i, kind := range cfg.Types {
		if kind != MessageCallEnded && kind != MessageCallDisposed {
			return &tandem.ConfigError{Where: fmt.Sprintf("webhook.types[%d]", i), What: fmt.Sprintf("%q is not a message type", kind)}
		}
	}
	return nil
}

// After returns the journal number to follow from after a start: records up to it are not needed again.
func (w *Webhooks) After(ctx context.Context) (uint64, error) {
	mark, err := w.cfg.Outbox.Mark(ctx)
	if err != nil {
		return 0, fmt.Errorf("crm: webhooks: mark: %w", err)
	}
	return mark, nil
}

// Handle takes records of the journal and puts the messages they bring about into the outbox. An error means that the outbox
// cannot be written; the follower may offer the same records again.
func (w *Webhooks) Handle(ctx context.Context, rs ...tandem.Record) error {
	for _, r := range rs {
		d, made, err := w.calls.apply(r)
		if err != nil {
			return err
		}
		if made && slices.Contains(w.cfg.Types, d.Type) {
			w.unsent = append(w.unsent, d)
		}
	}
	if len(w.unsent) == 0 {
		return nil
	}
	// Records between two messages move no mark: reading them again costs little, a write for each of them would not.
	if err := w.cfg.Outbox.Enqueue(ctx, w.calls.mark(rs[len(rs)-1].Seq), w.unsent...); err != nil {
		return fmt.Errorf("crm: webhooks: enqueue: %w", err)
	}
	w.unsent = nil
	w.poke()
	return nil
}

// Replay makes a dead letter pending again with all its attempts ahead.
func (w *Webhooks) Replay(ctx context.Context, d Delivery) error {
	if d.State != DeliveryDead {
		return fmt.Errorf("crm: replay %s: it is %s: %w", d.ID, d.State, tandem.ErrState)
	}
	d.State, d.Attempts, d.NextAt = DeliveryPending, 0, time.Now().UTC()
	if err := w.cfg.Outbox.Settle(ctx, d); err != nil {
		return fmt.Errorf("crm: replay %s: %w", d.ID, err)
	}
	w.poke()
	return nil
}

func (w *Webhooks) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run sends what the outbox holds until ctx ends, and returns ctx.Err(). An outbox that cannot be read or written is logged and
// tried again: no call depends on it.
func (w *Webhooks) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := w.round(ctx)
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return ctx.Err()
}

// round sends what is due once and returns how long nothing more can be due.
func (w *Webhooks) round(ctx context.Context) time.Duration {
	due, err := w.cfg.Outbox.Due(ctx, time.Now().UTC(), w.cfg.Concurrency)
	if err != nil {
		w.cfg.Logger.ErrorContext(ctx, "webhook outbox cannot be read", "error", err)
		return w.cfg.Pause
	}
	if len(due) == 0 {
		return w.untilNext(ctx)
	}
	results := make([]error, len(due))
	var wg sync.WaitGroup
	for i, d := range due {
		wg.Go(func() { results[i] = w.send(ctx, d) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return 0 // What was cut off counts as not tried; it is due again at the next start.
	}
	for i, d := range due {
		d = w.settled(ctx, d, results[i])
		if err := w.cfg.Outbox.Settle(ctx, d); err != nil {
			w.cfg.Logger.ErrorContext(ctx, "webhook outbox cannot be written", "delivery", d.ID, "error", err)
			return w.cfg.Pause
		}
	}
	return 0
}

// untilNext returns how long it is until the next retry is due, at most IdlePoll.
func (w *Webhooks) untilNext(ctx context.Context) time.Duration {
	horizon := time.Now().UTC().Add(w.cfg.IdlePoll)
	next, err := w.cfg.Outbox.Due(ctx, horizon, 1)
	if err != nil || len(next) == 0 {
		return w.cfg.IdlePoll
	}
	return max(time.Until(next[0].NextAt), time.Millisecond)
}

// settled returns the delivery as it stands after an attempt that came to err.
func (w *Webhooks) settled(ctx context.Context, d Delivery, err error) Delivery {
	d.Attempts++
	if err == nil {
		d.State, d.LastError = DeliveryDone, ""
		return d
	}
	d.LastError = err.Error()
	var status *statusError
	gone := errors.As(err, &status) && status.code == http.StatusGone
	if gone || d.Attempts >= w.cfg.Attempts {
		d.State = DeliveryDead
		w.cfg.Logger.ErrorContext(ctx, "webhook given up, kept as a dead letter", "delivery", d.ID, "call_id", d.Order, "attempts", d.Attempts, "error", err)
		return d
	}
	pause := w.pause(d.Attempts)
	if status != nil && status.after > pause {
		pause = min(status.after, w.cfg.MaxPause)
	}
	d.NextAt = time.Now().UTC().Add(pause)
	w.cfg.Logger.WarnContext(ctx, "webhook failed, will be tried again", "delivery", d.ID, "call_id", d.Order, "attempts", d.Attempts, "next_in", pause, "error", err)
	return d
}

// pause returns the jittered wait after the n-th failure.
func (w *Webhooks) pause(n int) time.Duration {
	pause := w.cfg.Pause
	for range n - 1 {
		pause = min(pause*2, w.cfg.MaxPause)
	}
	return time.Duration(float64(pause) * (0.8 + 0.4*w.cfg.Rand.Float64()))
}

// statusError is an answer other than 2xx.
type statusError struct {
	code  int
	after time.Duration // the receiver's Retry-After; 0: none
}

func (e *statusError) Error() string {
	return "the receiver answered with status " + strconv.Itoa(e.code)
}

// send makes one attempt.
func (w *Webhooks) send(ctx context.Context, d Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(d.Body))
	if err != nil {
		return withoutURL(err)
	}
	for name, values := range w.cfg.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	now := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Tandem-Webhooks/1")
	req.Header.Set("webhook-id", d.ID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", w.cfg.Secret.Sign(d.ID, now, d.Body))
	resp, err := w.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	// The answer's text says nothing to us; reading a little of it lets the connection be used again.
	_, err = io.CopyN(io.Discard, resp.Body, 16<<10)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return withoutURL(err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	failed := &statusError{code: resp.StatusCode}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		failed.after = time.Duration(min(seconds, 24*3600)) * time.Second
	}
	return failed
}
