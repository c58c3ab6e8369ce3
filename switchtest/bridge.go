package switchtest

import (
	"context"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

func bridgeCases() []testCase {
	return []testCase{
		{name: "CustomerAndAgentHearEachOther", body: customerAndAgent},
		{name: "DialledCustomerAndAgent", body: dialledCustomerAndAgent},
		{name: "AgentHangsUpCustomerStays", body: func(b *bench) {
			c := joined(b)
			b.must("the agent hangs up", c.agentFar.HangUp)
			b.ended(c.agentLeg, tandem.CauseNormal, theirs)
			require.Equal(b, c.agentLeg, expect[tandem.LegUnbridged](b, c.customerLeg).Peer, "LegUnbridged.Peer")
			b.hearSound(c.customerFar, tandem.SoundUnset)
			b.hangUp(c.customerLeg)
			b.over(c.customerFar)
		}},
		{name: "CustomerHangsUpAgentStays", body: func(b *bench) {
			c := joined(b)
			b.must("the customer hangs up", c.customerFar.HangUp)
			b.ended(c.customerLeg, tandem.CauseNormal, theirs)
			require.Equal(b, c.customerLeg, expect[tandem.LegUnbridged](b, c.agentLeg).Peer, "LegUnbridged.Peer")
			b.hangUp(c.agentLeg)
			b.over(c.agentFar)
		}},
		{name: "HungUpByUsOtherStays", body: func(b *bench) {
			c := joined(b)
			b.hangUp(c.agentLeg)
			b.over(c.agentFar)
			expect[tandem.LegUnbridged](b, c.customerLeg)
			b.hangUp(c.customerLeg)
			b.over(c.customerFar)
			b.calm()
		}},
		{name: "LoneLegCanBeBridgedAgain", body: bridgedAgain},
		{name: "BridgingMoves", body: bridgingMoves},
		{name: "DigitsCross", body: digitsCross},
	}
}

// conversation is a customer and an agent who are bridged.
type conversation struct {
	customerLeg, agentLeg tandem.LegID
	customerFar, agentFar Party
}

func joined(b *bench) conversation {
	b.Helper()
	agent := b.attach(0)
	var c conversation
	c.customerLeg, c.customerFar = b.callInAnswered(0)
	c.agentLeg, c.agentFar = b.answered(tandem.Dial{To: tandem.Endpoint{Agent: agent}, With: c.customerLeg})
	b.bridge(c.customerLeg, c.agentLeg)
	return c
}

func customerAndAgent(b *bench) {
	c := joined(b)
	b.hear(c.customerFar, c.agentFar)
	b.hangUp(c.customerLeg)
	b.over(c.customerFar)
	expect[tandem.LegUnbridged](b, c.agentLeg)
	b.hangUp(c.agentLeg)
	b.over(c.agentFar)
	b.calm()
}

func dialledCustomerAndAgent(b *bench) {
	agent := b.attach(0)
	customerLeg, customerFar := b.answered(tandem.Dial{To: b.customer(0)})
	agentLeg, agentFar := b.answered(tandem.Dial{To: tandem.Endpoint{Agent: agent}, With: customerLeg})
	b.bridge(agentLeg, customerLeg)
	b.hear(customerFar, agentFar)
	b.hangUp(customerLeg)
	b.hangUp(agentLeg)
}

// bridgedAgain gives a customer whose agent has left another one.
func bridgedAgain(b *bench) {
	c := joined(b)
	b.must("the agent hangs up", c.agentFar.HangUp)
	b.ended(c.agentLeg, tandem.CauseNormal, theirs)
	expect[tandem.LegUnbridged](b, c.customerLeg)
	second := b.attach(1)
	leg, far := b.answered(tandem.Dial{To: tandem.Endpoint{Agent: second}, With: c.customerLeg})
	b.bridge(c.customerLeg, leg)
	b.hear(c.customerFar, far)
	b.hangUp(c.customerLeg)
	b.hangUp(leg)
}

// bridgingMoves bridges a bridged leg with a third one: the former peer is alone and up.
func bridgingMoves(b *bench) {
	c := joined(b)
	second := b.attach(1)
	leg, far := b.answered(tandem.Dial{To: tandem.Endpoint{Agent: second}, With: c.customerLeg})
	b.must("bridge with the second agent", func(ctx context.Context) error { return b.sw.Bridge(ctx, c.customerLeg, leg) })
	require.Equal(b, c.customerLeg, expect[tandem.LegUnbridged](b, c.agentLeg).Peer, "LegUnbridged.Peer of the former peer")
	require.Equal(b, c.agentLeg, expect[tandem.LegUnbridged](b, c.customerLeg).Peer, "LegUnbridged.Peer of the moved leg")
	require.Equal(b, leg, expect[tandem.LegBridged](b, c.customerLeg).Peer, "LegBridged.Peer of the moved leg")
	require.Equal(b, c.customerLeg, expect[tandem.LegBridged](b, leg).Peer, "LegBridged.Peer of the new peer")
	b.hear(c.customerFar, far)
	b.hangUp(c.agentLeg)
	b.hangUp(c.customerLeg)
	b.hangUp(leg)
	b.calm()
}

// digitsCross presses keys at both ends of a conversation: the switch tells them, and the peer hears them.
func digitsCross(b *bench) {
	c := joined(b)
	b.must("the customer presses 7", func(ctx context.Context) error { return c.customerFar.Press(ctx, '7') })
	require.Equal(b, "7", expect[tandem.LegDigit](b, c.customerLeg).Digit, "LegDigit.Digit of the customer")
	b.hearDigit(c.agentFar, '7')
	b.must("the agent presses 3", func(ctx context.Context) error { return c.agentFar.Press(ctx, '3') })
	require.Equal(b, "3", expect[tandem.LegDigit](b, c.agentLeg).Digit, "LegDigit.Digit of the agent")
	b.hearDigit(c.customerFar, '3')
	b.hangUp(c.customerLeg)
	b.hangUp(c.agentLeg)
}
