package loopback_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/loopback"
	"github.com/tandem-cc/tandem/switchtest"
)

func TestSwitch_KeepsTheContract(t *testing.T) {
	t.Parallel()
	switchtest.Run(t, switchtest.Config{Open: openRig, Around: synctest.Test, Calls: 200})
}

func TestSwitch_KeepsTheContractInRealTime(t *testing.T) {
	t.Parallel()
	switchtest.Run(t, switchtest.Config{Open: openRig, Parallel: true, Ring: time.Second})
}

// rig lets the suite move the far ends of a loopback switch.
type rig struct{ sw *loopback.Switch }

var _ switchtest.Rig = rig{}

func openRig(tb testing.TB) switchtest.Rig {
	tb.Helper()
	sw, err := loopback.New(loopback.Config{
		Agents: []loopback.Agent{
			{ID: "ana", Away: true, Script: loopback.Script{Reaction: loopback.Ignore}},
			{ID: "ben", Away: true, Script: loopback.Script{Reaction: loopback.Ignore}},
		},
		Trunks:  []loopback.Trunk{{ID: "carrier"}},
		Dialled: func(tandem.Dial) loopback.Script { return loopback.Script{Reaction: loopback.Ignore} },
	})
	require.NoError(tb, err)
	return rig{sw}
}

func (r rig) Switch() tandem.Switch { return r.sw }

func (r rig) Plan() switchtest.Plan {
	return switchtest.Plan{Trunk: "carrier", DID: "+15550199", Agents: []tandem.AgentID{"ana", "ben"}, File: "hello"}
}

func (r rig) Attach(_ context.Context, a tandem.AgentID) error { r.sw.Attach(a); return nil }

func (r rig) Detach(_ context.Context, a tandem.AgentID) error { r.sw.Detach(a); return nil }

func (r rig) Call(ctx context.Context, from, to tandem.Number) (switchtest.Party, error) {
	p, err := r.sw.Call(ctx, loopback.Customer{Trunk: "carrier", From: tandem.CallerID{Number: from}, To: to})
	return party{p}, err
}

func (r rig) Ringing(ctx context.Context, at tandem.Endpoint) (switchtest.Party, error) {
	p, err := r.sw.Ringing(ctx, at)
	return party{p}, err
}

// party is a loopback.Party as the suite wants it.
type party struct{ *loopback.Party }

var (
	_ switchtest.Listener      = party{}
	_ switchtest.DigitListener = party{}
)

func (p party) Answer(context.Context) error                       { return p.Party.Answer() }
func (p party) Refuse(_ context.Context, cause tandem.Cause) error { return p.Party.Refuse(cause) }
func (p party) HangUp(context.Context) error                       { return p.Party.HangUp() }
func (p party) Press(_ context.Context, key byte) error            { return p.Party.Press(key) }

func (p party) HearParty(ctx context.Context, other switchtest.Party) error {
	o, ok := other.(party)
	if !ok {
		return fmt.Errorf("hear a %T: %w", other, tandem.ErrUnsupported)
	}
	return p.WaitHears(ctx, o.Leg(), tandem.SoundUnset)
}

func (p party) HearSound(ctx context.Context, kind tandem.SoundKind) error {
	return p.WaitHears(ctx, "", kind)
}
