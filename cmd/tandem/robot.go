package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// robot is a simulated colleague: a desk phone that registers with the call centre like any other, answers, talks for a
// while and hangs up.
type robot struct {
	simulated
	agent    tandem.AgentID
	centre   netip.AddrPort
	domain   string
	password string
}

// registration is for how long a robot registers at a time.
const registration = 2 * time.Minute

// newRobot makes the robot; it registers once run.
func newRobot(agent tandem.AgentID, password, domain string, centre netip.AddrPort, log *slog.Logger) (*robot, error) {
	r := &robot{agent: agent, centre: centre, domain: domain, password: password}
	seed := uint64(len(agent))
	for _, b := range []byte(agent) {
		seed = seed*31 + uint64(b)
	}
	if err := r.listen(string(agent), seed, centre.Addr(), r, log); err != nil {
		return nil, err
	}
	return r, nil
}

// work logs the robot in and keeps its phone registered until ctx ends.
func (r *robot) work(ctx context.Context, centre *acd.Center, ready <-chan struct{}) error {
	at, err := r.addr(ctx)
	if err != nil {
		return err
	}
	select {
	case <-ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := centre.Login(ctx, r.agent); err != nil {
		return fmt.Errorf("log in %s: %w", r.agent, err)
	}
	aor := fmt.Sprintf("sip:%s@%s", r.agent, r.domain)
	for {
		wait := registration / 2
		resp, err := r.ep.Do(ctx, sipcore.Request{
			Method: "REGISTER", URI: "sip:" + r.domain, To: aor, From: aor, Destination: "udp:" + r.centre.String(),
			Headers: []sipcore.Header{
				{Name: "Contact", Value: fmt.Sprintf("<sip:%s@%s>", r.agent, at)},
				{Name: "Expires", Value: strconv.Itoa(int(registration.Seconds()))},
			},
			Credentials: &sipcore.Credentials{Username: string(r.agent), Password: r.password},
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && resp.Status != 200:
			err = errors.New("SIP " + strconv.Itoa(resp.Status))
			fallthrough
		case err != nil:
			r.report("register", err)
			wait = time.Second
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// Incoming is an offer: it rings for a moment, is answered, and the talk ends after a while.
func (r *robot) Incoming(ctx context.Context, c *sipcore.Call) {
	l, err := r.open(ctx)
	if err != nil {
		r.report("open", err)
		r.report("refuse", c.Reject(503, sipcore.Cause{}))
		return
	}
	r.keep(c, l)
	r.report("ring", c.Progress(180, nil))
	r.later(ctx, r.between(700*time.Millisecond, 2500*time.Millisecond), func() {
		if r.pickUp(c) {
			r.later(ctx, r.between(9*time.Second, 25*time.Second), func() { r.report("hang up", c.Hangup(sipcore.Cause{})) })
		}
	})
}

// Event ends the robot's part when the call ends.
func (r *robot) Event(_ context.Context, c *sipcore.Call, ev sipcore.Event) {
	switch ev.(type) {
	case sipcore.Ended:
		r.drop(c)
	case sipcore.Answered, sipcore.Progressed, sipcore.Confirmed, sipcore.Digit, sipcore.ReofferResult:
	}
}
