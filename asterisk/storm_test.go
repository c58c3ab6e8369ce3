package asterisk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk"
)

// ledger checks the order of every leg's events.
type ledger struct {
	*story
	mu     sync.Mutex
	states map[tandem.LegID]tandem.LegState
	peers  map[tandem.LegID]tandem.LegID
	faults []string
}

func (l *ledger) Handle(ctx context.Context, rs ...tandem.Record) error {
	l.mu.Lock()
	for _, r := range rs {
		l.note(r.Event)
	}
	l.mu.Unlock()
	return l.story.Handle(ctx, rs...)
}

func (l *ledger) note(e tandem.Event) {
	var leg tandem.LegID
	var next tandem.LegState
	switch e := e.(type) {
	case tandem.LegRinging:
		leg, next = e.Leg, tandem.LegStateRinging
	case tandem.LegAnswered:
		leg, next = e.Leg, tandem.LegStateUp
	case tandem.LegBridged:
		leg, next = e.Leg, tandem.LegStateBridged
		l.peers[leg] = e.Peer
	case tandem.LegUnbridged:
		leg, next = e.Leg, tandem.LegStateUp
		if l.peers[leg] != e.Peer {
			l.faults = append(l.faults, fmt.Sprintf("%s unbridged from %s, was with %s", leg, e.Peer, l.peers[leg]))
		}
		delete(l.peers, leg)
	case tandem.LegEnded:
		leg, next = e.Leg, tandem.LegStateEnded
	default:
		return
	}
	if state := l.states[leg]; !state.CanBecome(next) && (state != next || next != tandem.LegStateRinging) {
		l.faults = append(l.faults, fmt.Sprintf("%s: %s when %s", leg, e.Kind(), state))
	}
	l.states[leg] = next
}

func (l *ledger) state(leg tandem.LegID) tandem.LegState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.states[leg]
}

func (l *ledger) peer(leg tandem.LegID) tandem.LegID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peers[leg]
}

// TestSwitch_NoLegIsStuckAfterAStorm lets twelve legs be bridged, parted, played to and hung up at random from many sides at a
// time, in the middle of whatever is under way. Afterwards every leg that is left obeys as if nothing had been.
func TestSwitch_NoLegIsStuckAfterAStorm(t *testing.T) {
	t.Parallel()
	const legs, each = 12, 60
	l := &ledger{states: map[tandem.LegID]tandem.LegState{}, peers: map[tandem.LegID]tandem.LegID{}}
	o := newOffice(t, func(c *asterisk.Config) {
		c.Trunks = append(c.Trunks, asterisk.Trunk{ID: "sim", Dial: "Local/{number}@sim/n"})
	}, l)
	var serial sync.Mutex
	born := 0
	dial := func() tandem.LegID {
		serial.Lock()
		born++
		leg := tandem.LegID(fmt.Sprintf("leg%d", born))
		serial.Unlock()
		l.mu.Lock()
		l.states[leg] = tandem.LegStateDialing
		l.mu.Unlock()
		o.do("dial", func(ctx context.Context) error {
			return o.sw.Dial(ctx, tandem.Dial{Leg: leg, Call: "c", To: tandem.Endpoint{Trunk: "sim", Number: "800"}})
		})
		return leg
	}
	var mu sync.Mutex
	all := make([]tandem.LegID, legs)
	for i := range all {
		all[i] = dial()
	}
	for _, leg := range all {
		await(o.story, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	}
	ctx := t.Context()
	var storm sync.WaitGroup
	for side := range 4 {
		storm.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(side)))
			for range each {
				i, j := r.IntN(legs), r.IntN(legs)
				mu.Lock()
				a, b := all[i], all[j]
				mu.Unlock()
				var err error
				switch r.IntN(12) {
				case 0:
					err = o.sw.Hangup(ctx, a, tandem.CauseNormal)
					mu.Lock()
					all[i] = dial()
					mu.Unlock()
				case 1, 2:
					err = o.sw.Play(ctx, a, tandem.Sound{Kind: tandem.SoundMusic})
				case 3:
					err = o.sw.Play(ctx, a, tandem.Sound{Kind: tandem.SoundFile, Name: "vm-goodbye"})
				case 4:
					err = o.sw.StopPlay(ctx, a)
				case 5, 6:
					err = o.sw.Part(ctx, a)
				default:
					err = o.sw.Bridge(ctx, a, b)
				}
				if err != nil && !errors.Is(err, tandem.ErrState) && !errors.Is(err, tandem.ErrNotFound) && !errors.Is(err, tandem.ErrInvalid) {
					t.Errorf("command: %v", err)
				}
				time.Sleep(time.Duration(r.IntN(80)) * time.Millisecond)
			}
		})
	}
	storm.Wait()

	obeyed := func(what string, is func() bool) {
		t.Helper()
		require.Eventually(t, is, 15*time.Second, 5*time.Millisecond, what)
	}
	for _, leg := range all {
		obeyed("is up: "+string(leg), func() bool { return l.state(leg).Up() })
	}
	for i := 0; i < legs; i += 2 {
		o.do("bridge", func(ctx context.Context) error { return o.sw.Bridge(ctx, all[i], all[i+1]) })
	}
	for i := 0; i < legs; i += 2 {
		obeyed("are bridged", func() bool { return l.peer(all[i]) == all[i+1] && l.peer(all[i+1]) == all[i] })
	}
	for _, leg := range all {
		o.do("hang up", func(ctx context.Context) error { return o.sw.Hangup(ctx, leg, tandem.CauseNormal) })
	}
	for i := 1; i <= born; i++ {
		leg := tandem.LegID(fmt.Sprintf("leg%d", i))
		obeyed("has ended: "+string(leg), func() bool { return l.state(leg) == tandem.LegStateEnded })
	}
	var left []string
	for range 100 {
		left = nil
		for line := range strings.Lines(o.pbx.Console(t, "core show channels concise")) {
			// Asterisk 22 itself loses a Surrogate, no channel any more, when a channel goes in the moment in which it is fetched.
			if strings.Contains(line, "!") && !strings.HasPrefix(line, "Surrogate/") {
				left = append(left, line)
			}
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.Empty(t, left, "channels are left")
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.faults)
	bridges := count(o.story, any1[tandem.LegBridged])
	require.Greater(t, bridges, legs, "the storm was a calm")
	t.Logf("%d legs, %d bridges", born, bridges/2)
}
