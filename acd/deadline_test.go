package acd_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// TestMaxWait_AtItsLastInstantNobodyElseIsAsked lets the connection fail at the very instant at which the wait is over.
func TestMaxWait_AtItsLastInstantNobodyElseIsAsked(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{MaxWait: 10 * time.Second}, "ann", "bob"))
	r.login("ann", "bob")
	r.arrive(acd.Route{}, "c1")
	r.pass(8 * time.Second)
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.pass(2 * time.Second)
	r.fresh()
	r.hangUp(r.leg("ann"))
	got := r.fresh()
	require.Contains(t, got, "c1 left timeout from 1")
	require.NotContains(t, got, "c1 offered bob")
	r.sound()
}

// TestOffer_ASecondAnswerWhileBeingConnectedIsNothing lets the switch tell of the answer twice.
func TestOffer_ASecondAnswerWhileBeingConnectedIsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.fresh()
	before := len(r.actions)
	r.on(tandem.LegAnswered{Leg: r.leg("ann")})
	r.happened()
	require.Len(t, r.actions, before, "the legs are bridged once")
	r.sound()
}

func TestOffer_ABridgeWithAStrangerConnectsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, support(acd.QueueConfig{}, "ann"))
	r.login("ann")
	r.arrive(acd.Route{}, "c1")
	leg := r.leg("ann")
	r.on(tandem.LegAnswered{Leg: leg})
	r.fresh()
	r.on(tandem.LegBridged{Leg: leg, Peer: "stranger"})
	r.on(tandem.LegBridged{Leg: "stranger", Peer: leg})
	r.happened()
	r.on(tandem.LegBridged{Leg: leg, Peer: in("c1")})
	r.happened("c1 connected ann")
	r.sound()
}

func TestOffer_ALegThatEndsWithoutAReasonIsARefusal(t *testing.T) {
	t.Parallel()
	for _, cause := range []tandem.Cause{tandem.CauseNormal, tandem.CauseUnset} {
		r := newRig(t, support(acd.QueueConfig{}, "ann"))
		r.login("ann")
		r.arrive(acd.Route{}, "c1")
		r.fresh()
		r.on(tandem.LegEnded{Leg: r.leg("ann"), Cause: cause})
		r.happened("c1 offer ended ann rejected", "ann ready")
		require.Equal(t, r.now.Add(10*time.Second), r.agent("ann").Until, "the back-off of a refusal")
		r.sound()
	}
}
