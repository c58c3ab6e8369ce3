package sipbridge

import (
	"context"
	"fmt"
	"slices"
	"time"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// tick is how often the clock looks: a tenth of a second more or less of ringing hurts nobody.
const tick = 100 * time.Millisecond

// clock ends what has taken too long, until ctx is done.
func (b *Bridge) clock(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			b.locked(func() { b.timeLocked(now) })
		}
	}
}

// timeLocked looks at everything that has a time limit.
func (b *Bridge) timeLocked(now time.Time) {
	if b.life != lifeRunning {
		return
	}
	for _, l := range b.legs {
		switch {
		case past(now, l.ringUntil):
			b.endLocked(l, ending{cause: tandem.CauseNoAnswer, ours: true, detail: "ring time is over"})
		case past(now, l.setupUntil):
			b.mediaFailedLocked(l, tandem.CauseTimeout, fmt.Sprintf("sound does not flow after %s", b.cfg.Timing.Setup))
		}
	}
	for agent, d := range b.devices {
		b.deviceTimeLocked(now, agent, d)
	}
	for _, t := range b.trunks {
		b.qualifyLocked(now, t)
	}
}

// past says whether a limit that may be unset has passed.
func past(now, limit time.Time) bool { return !limit.IsZero() && now.After(limit) }

// devices is what an agent can be rung on. Bridge.mu guards it.
type devices struct {
	phone     *phone          // connected now; nil: none
	gone      time.Time       // when the phone's socket was lost; zero: it is connected, or never was
	users     map[string]bool // SIP users with a registered phone
	told      bool            // DeviceChanged has said that the agent is reachable
	lostSince time.Time       // since when there is no device at all
}

// phoneHere says whether the agent's browser phone is connected, or was until a moment ago.
func (d *devices) phoneHere() bool { return d.phone != nil || (d.told && !d.gone.IsZero()) }

func (d *devices) any() bool { return d.phone != nil || len(d.users) > 0 }

// devicesLocked returns an agent's devices, making an empty record for an agent who has none yet.
func (b *Bridge) devicesLocked(agent tandem.AgentID) *devices {
	d := b.devices[agent]
	if d == nil {
		d = &devices{users: map[string]bool{}}
		b.devices[agent] = d
	}
	return d
}

// reachLocked tells of an agent's first device at once, and starts the grace when the last has gone.
func (b *Bridge) reachLocked(agent tandem.AgentID, d *devices) {
	switch {
	case d.any():
		d.lostSince = time.Time{}
		if !d.told {
			d.told = true
			b.emitLocked(tandem.DeviceChanged{Agent: agent, Reachable: true})
		}
	case d.told && d.lostSince.IsZero():
		d.lostSince = time.Now()
	}
}

// deviceTimeLocked gives up on devices that have not come back.
func (b *Bridge) deviceTimeLocked(now time.Time, agent tandem.AgentID, d *devices) {
	if !d.gone.IsZero() && now.Sub(d.gone) > b.cfg.Timing.PhoneGrace {
		d.gone = time.Time{}
		b.phoneLostLocked(agent)
	}
	if !d.lostSince.IsZero() && now.Sub(d.lostSince) > b.cfg.Timing.DeviceGrace {
		d.lostSince, d.told = time.Time{}, false
		b.emitLocked(tandem.DeviceChanged{Agent: agent, Reachable: false})
	}
	if !d.any() && !d.told && d.gone.IsZero() {
		delete(b.devices, agent)
	}
}

// legsOnPhoneLocked returns the branches of an agent's legs that are on the browser phone.
func (b *Bridge) legsOnPhoneLocked(agent tandem.AgentID) []*branch {
	var out []*branch
	for _, l := range b.legs {
		if l.agent != agent {
			continue
		}
		for _, br := range l.branches {
			if _, is := br.line.(*phoneLine); is {
				out = append(out, br)
			}
		}
	}
	slices.SortFunc(out, func(x, y *branch) int { return x.leg.started.Compare(y.leg.started) })
	return out
}

// phoneLostLocked ends what was on a browser phone that has not come back.
func (b *Bridge) phoneLostLocked(agent tandem.AgentID) {
	for _, br := range b.legsOnPhoneLocked(agent) {
		cause := tandem.CauseUnavailable
		if br.leg.main == br {
			cause = tandem.CauseNetwork
		}
		b.failLocked(br, ending{cause: cause, detail: "the browser phone has not come back"})
	}
}

// presence takes what the registrar says of a SIP user's phones.
func (b *Bridge) presence(p registrar.Presence) {
	b.mu.Lock()
	defer b.mu.Unlock()
	agent := b.users[p.User]
	if agent == "" {
		return // Its password was never shown.
	}
	d := b.devicesLocked(agent)
	if p.Up {
		d.users[p.User] = true
	} else {
		delete(d.users, p.User)
	}
	b.reachLocked(agent, d)
}

// userSeen remembers whose phone a SIP user is. Only users that exist get here, so the table is bounded by their number.
func (b *Bridge) userSeen(user string, agent tandem.AgentID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.users[user]
	if before == agent {
		return
	}
	b.users[user] = agent
	if d := b.devices[before]; d != nil && d.users[user] {
		// The account has changed hands: so has the phone that is registered.
		delete(d.users, user)
		b.reachLocked(before, d)
		d = b.devicesLocked(agent)
		d.users[user] = true
		b.reachLocked(agent, d)
	}
}

// qualifyLocked asks a trunk whether it is there, when it is time to.
func (b *Bridge) qualifyLocked(now time.Time, t *trunkState) {
	_, ok := t.wayOut()
	if b.cfg.Timing.Qualify < 0 || len(t.Remotes) == 0 || t.asking || !ok {
		return
	}
	every := b.cfg.Timing.Qualify
	if t.misses > 0 && t.misses < missesDown {
		every = min(every, missRetry)
	}
	if !t.asked.IsZero() && now.Sub(t.asked) < every {
		return
	}
	t.asking, t.asked = true, now
	b.spawn(func(ctx context.Context) { b.qualify(ctx, t) })
}

// A trunk is down after missesDown questions in a row without an answer; the second is asked after missRetry.
const (
	missesDown = 2
	missRetry  = 5 * time.Second
	askTimeout = 5 * time.Second
)

// qualify asks each remote by OPTIONS; any answer shows that somebody is there.
func (b *Bridge) qualify(ctx context.Context, t *trunkState) {
	detail := ""
	listener, _ := t.wayOut()
	for _, remote := range t.Remotes {
		asked, cancel := context.WithTimeout(ctx, min(askTimeout, b.cfg.Timing.Qualify))
		r, err := b.sip.Do(asked, sipcore.Request{
			Method: "OPTIONS", URI: "sip:" + remote, From: "sip:" + b.cfg.Domain,
			Destination: t.destination(remote), Listener: listener,
		})
		cancel()
		if err == nil && r.Status != 408 {
			detail = ""
			b.locked(func() { b.trunkAnsweredLocked(t, fmt.Sprintf("SIP %d", r.Status)) })
			return
		}
		detail = "no answer to OPTIONS"
	}
	b.locked(func() { b.trunkSilentLocked(ctx, t, detail) })
}

func (b *Bridge) trunkAnsweredLocked(t *trunkState, detail string) {
	t.asking, t.misses = false, 0
	if !t.up {
		t.up = true
		b.emitLocked(tandem.TrunkChanged{Trunk: t.ID, Up: true, Detail: detail})
	}
}

func (b *Bridge) trunkSilentLocked(ctx context.Context, t *trunkState, detail string) {
	t.asking = false
	if ctx.Err() != nil {
		return // We stop.
	}
	t.misses++
	// The first word about a trunk that never answered comes as well: an operator looks for it.
	if (t.up && t.misses >= missesDown) || (!t.up && t.misses == missesDown) {
		t.up = false
		b.emitLocked(tandem.TrunkChanged{Trunk: t.ID, Up: false, Detail: detail})
	}
}
