package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// street is the demo's world outside: a carrier whose customers call in and answer campaign calls, over real SIP and RTP
// on loopback.
type street struct {
	simulated
	centre  netip.AddrPort // where the call centre's SIP listens
	dids    []string       // what customers call, in turn
	callers int            // how many inbound customers are on the line at a time
}

// newStreet makes the carrier; it listens once run.
func newStreet(centre netip.AddrPort, dids []string, seed uint64, log *slog.Logger) (*street, error) {
	s := &street{centre: centre, dids: dids, callers: 4}
	if err := s.listen("street", seed, centre.Addr(), s, log); err != nil {
		return nil, err
	}
	return s, nil
}

// customers keeps the wanted number of inbound customers on the line until ctx ends.
func (s *street) customers(ctx context.Context) error {
	for n := 0; ; {
		wait := s.between(600*time.Millisecond, 2500*time.Millisecond)
		if s.placed() < s.callers {
			s.report("call in", s.callIn(ctx, n))
			n++
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

// callIn places the n-th customer's call.
func (s *street) callIn(ctx context.Context, n int) error {
	who, did := people()[n%len(people())], s.dids[n%len(s.dids)]
	l, err := s.open(ctx)
	if err != nil {
		return err
	}
	body, err := l.offer.Marshal()
	if err != nil {
		l.stop()
		return fmt.Errorf("offer: %w", err)
	}
	c, err := s.ep.Invite(ctx, sipcore.InviteRequest{
		To: fmt.Sprintf("sip:%s@%s", did, s.centre), Destination: "udp:" + s.centre.String(),
		From: fmt.Sprintf("sip:%s@street.invalid", who.number), FromDisplay: who.name, SDP: body,
	})
	if err != nil {
		l.stop()
		return fmt.Errorf("invite: %w", err)
	}
	s.keep(c, l)
	return nil
}

// Incoming is a campaign's call: the last digit of the number decides what becomes of it, so that every run tells the
// same story: 0 is busy, 1 and 2 are not at home.
func (s *street) Incoming(ctx context.Context, c *sipcore.Call) {
	l, err := s.open(ctx)
	if err != nil {
		s.report("open", err)
		s.report("refuse", c.Reject(503, sipcore.Cause{}))
		return
	}
	s.keep(c, l)
	number := c.Request().URI.User
	switch number[max(0, len(number)-1):] {
	case "0", "":
		s.report("busy", c.Reject(486, sipcore.Cause{}))
	case "1", "2":
		s.report("ring", c.Progress(180, nil))
	default:
		s.report("ring", c.Progress(180, nil))
		s.later(ctx, s.between(1500*time.Millisecond, 5*time.Second), func() {
			if s.pickUp(c) {
				s.patience(ctx, c)
			}
		})
	}
}

// patience hangs up in the end: a customer's waiting and business together.
func (s *street) patience(ctx context.Context, c *sipcore.Call) {
	s.later(ctx, s.between(45*time.Second, 180*time.Second), func() { s.report("hang up", c.Hangup(sipcore.Cause{})) })
}

// Event is what happens to a customer's call.
func (s *street) Event(ctx context.Context, c *sipcore.Call, ev sipcore.Event) {
	switch ev := ev.(type) {
	case sipcore.Answered:
		l := s.line(c)
		if l == nil {
			return
		}
		theirs, err := sdp.Parse(ev.SDP)
		if err == nil {
			err = l.phone.Connect(l.offer, theirs)
		}
		if err != nil {
			s.report("connect", err)
			s.report("hang up", c.Hangup(sipcore.Cause{}))
			return
		}
		s.speak(l)
		s.patience(ctx, c)
	case sipcore.Ended:
		s.drop(c)
	case sipcore.Progressed, sipcore.Confirmed, sipcore.Digit, sipcore.ReofferResult:
	}
}

type person struct{ name, number string }

// people are the demo's customers; the numbers are from a range reserved for fiction.
func people() []person {
	return []person{
		{"Maria Lopez", "+12025550101"},
		{"Ivan Petrov", "+12025550102"},
		{"Grace Kim", "+12025550103"},
		{"Omar Haddad", "+12025550104"},
		{"Lucia Rossi", "+12025550105"},
		{"Tom Baker", "+12025550106"},
		{"Aisha Khan", "+12025550107"},
		{"Noah Wilson", "+12025550108"},
		{"Elena Popova", "+12025550109"},
		{"Diego Fernandez", "+12025550110"},
		{"Hana Sato", "+12025550111"},
		{"", "+12025550112"},
	}
}
