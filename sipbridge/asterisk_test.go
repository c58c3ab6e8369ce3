package sipbridge_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/sipbridge"
)

// withAsterisk makes a bridge whose trunk "pbx" is a real Asterisk.
func withAsterisk(t *testing.T) (*office, testenv.PBX) {
	t.Helper()
	pbx := testenv.Asterisk(t)
	o := newOffice(t, func(c *sipbridge.Config) {
		c.Listen = append(c.Listen, sipbridge.Listen{Transport: sipbridge.UDP, Addr: pbx.CarrierAddr})
		c.Trunks = append(c.Trunks, sipbridge.Trunk{
			ID: "pbx", Remotes: []string{pbx.TrunkAddr}, Match: []string{pbx.TrunkAddr},
			Preset: sipbridge.Preset{Port: netip.MustParseAddrPort(pbx.CarrierAddr).Port()},
		})
		c.Timing.Qualify = time.Hour
	})
	next(o, func(e tandem.TrunkChanged) bool { return e.Trunk == "pbx" && e.Up })
	return o, pbx
}

// onDesk bridges a leg with ana's desk phone and returns the phone.
func (o *office) onDesk(d *desk, leg tandem.LegID) (*party, tandem.LegID) {
	o.tb.Helper()
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := d.station.ringing(o.within(), "")
	o.must(err, "the desk phone rings")
	o.must(far.Answer(o.within()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	return far, agentLeg
}

func TestAsterisk_CallsOutAreHeardAndRefusedAsTheyAre(t *testing.T) {
	t.Parallel()
	o, _ := withAsterisk(t)
	d := o.desk("ana")

	leg := o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "pbx", Number: "601"}})
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	far, _ := o.onDesk(d, leg)
	o.must(far.phone.WaitTone(o.within(), 1004), "the agent hears the PBX's tone")
	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseNormal), "hang up")
	o.ended(leg)
	o.must(far.HangUp(o.within()), "the agent hangs up")

	leg = o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "pbx", Number: "600"}})
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == leg })
	far, agentLeg := o.onDesk(d, leg)
	o.must(far.phone.WaitTone(o.within(), far.hertz), "the agent hears the PBX's echo")
	o.must(far.Press(o.within(), '8'), "press a key")
	require.Equal(t, agentLeg, next(o, func(e tandem.LegDigit) bool { return e.Digit == "8" }).Leg)
	key, err := far.Digit(o.within())
	o.must(err, "the PBX echoes the key")
	require.Equal(t, byte('8'), key)
	o.must(o.bridge.Hangup(o.within(), leg, tandem.CauseNormal), "hang up")
	o.ended(leg)

	for number, want := range map[tandem.Number]tandem.Cause{
		"603": tandem.CauseBusy, "604": tandem.CauseCongestion,
	} {
		leg := o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "pbx", Number: number}})
		e := o.ended(leg)
		require.Equal(t, want, e.Cause, e.Detail)
	}
	leg = o.dial(tandem.Dial{To: tandem.Endpoint{Trunk: "pbx", Number: "605"}, Timeout: time.Second})
	next(o, func(e tandem.LegRinging) bool { return e.Leg == leg })
	require.Equal(t, tandem.CauseNoAnswer, o.ended(leg).Cause)
}

func TestAsterisk_CallsInAreAnsweredAndEnd(t *testing.T) {
	t.Parallel()
	o, pbx := withAsterisk(t)
	d := o.desk("ana")
	pbx.Console(t, "channel originate PJSIP/+15550199@carrier application Milliwatt")
	e := next[tandem.LegIncoming](o, nil)
	require.Equal(t, tandem.TrunkID("pbx"), e.Trunk)
	require.Equal(t, did, e.To)
	o.must(o.bridge.Ring(o.within(), e.Leg), "ring")
	o.must(o.bridge.Answer(o.within(), e.Leg), "answer")
	next(o, func(a tandem.LegAnswered) bool { return a.Leg == e.Leg })
	far, agentLeg := o.onDesk(d, e.Leg)
	o.must(far.phone.WaitTone(o.within(), 1004), "the agent hears the PBX's tone")
	pbx.Console(t, "channel request hangup all")
	require.Equal(t, tandem.CauseNormal, o.ended(e.Leg).Cause)
	require.Equal(t, agentLeg, next[tandem.LegUnbridged](o, nil).Leg)
	o.must(o.bridge.Hangup(o.within(), agentLeg, tandem.CauseNormal), "hang up")
	o.ended(agentLeg)

	pbx.Console(t, "channel originate PJSIP/+15550199@carrier application Wait 60")
	e = next[tandem.LegIncoming](o, nil)
	pbx.Console(t, "channel request hangup all")
	require.Equal(t, tandem.CauseCancelled, o.ended(e.Leg).Cause, "the PBX gives up")
}
