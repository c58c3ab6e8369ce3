package asterisk_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk"
	"github.com/tandem-cc/tandem/asterisk/ami"
	"github.com/tandem-cc/tandem/asterisk/internal/amifake"
)

// bubble is a switch over a server in memory.
type bubble struct {
	*story
	server *amifake.Server
	sw     *asterisk.Switch
	log    *bytes.Buffer
	stop   func() error
}

func newBubble(t *testing.T, answer func(amifake.Action) []string, change func(*asterisk.Config)) *bubble {
	t.Helper()
	b := &bubble{
		story: &story{t: t, changed: make(chan struct{})}, log: &bytes.Buffer{},
		server: &amifake.Server{Secret: "s3cret", Answer: func(a amifake.Action) []string {
			if answer != nil {
				if m := answer(a); m != nil {
					return m
				}
			}
			if a.Name == "CoreShowChannels" {
				return []string{"Response: Success\r\nEventList: start", "Event: CoreShowChannelsComplete\r\nEventList: Complete"}
			}
			return []string{"Response: Success"}
		}},
	}
	c := asterisk.Config{
		AMI:    ami.Config{Addr: "pbx:5038", Username: "tandem", Secret: "s3cret", Dial: b.server.Dial},
		Trunks: []asterisk.Trunk{{ID: "carrier", Dial: "PJSIP/{number}@carrier"}},
		Agents: []asterisk.Agent{{ID: "ana", Device: "PJSIP/1001"}},
		IDs:    tandem.SequentialIDs("leg"), Logger: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	if change != nil {
		change(&c)
	}
	sw, err := asterisk.New(c)
	require.NoError(t, err)
	b.sw = sw
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sw.Run(ctx, b.story) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		b.server.Close()
		return err
	})
	synctest.Wait()
	return b
}

// replay sends the events of a real conversation.
func (b *bubble) replay(name string) {
	b.t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(b.t, err)
	for m := range strings.SplitSeq(string(raw), "\r\n\r\n") {
		if strings.Contains(m, "Event: ") && !strings.Contains(m, "Event: FullyBooted") {
			require.NoError(b.t, b.server.Send(m+"\r\n\r\n"))
		}
	}
	synctest.Wait()
}

// all returns the events of the legs.
func (b *bubble) all() []tandem.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var es []tandem.Event
	for _, e := range b.events {
		switch e.(type) {
		case tandem.TrunkChanged, tandem.DeviceChanged:
		default:
			es = append(es, e)
		}
	}
	return es
}

func TestSwitch_UnderstandsARealConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(c *asterisk.Config) { c.Incoming = []string{"from-internal"} })
		b.replay("24_asyncagi.ami")
		digit := func(d string) tandem.Event {
			return tandem.LegDigit{Leg: "leg1", Digit: d, Duration: 180 * time.Millisecond}
		}
		require.Equal(t, []tandem.Event{
			tandem.LegIncoming{Leg: "leg1", Agent: "ana", From: tandem.CallerID{Number: "1001", Name: "Agent 1001"}, To: "6101"},
			tandem.LegAnswered{Leg: "leg1"},
			digit("4"), digit("2"), digit("#"),
			tandem.LegEnded{Leg: "leg1", Cause: tandem.CauseNormal, Detail: "Q.850 0"},
		}, b.all())
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_LeavesOthersCallsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		b.replay("24_asyncagi.ami")
		require.Empty(t, b.all(), "the call waits in a context that is not ours")
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_StrangersAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		require.NoError(t, b.server.Event("AsyncAGIStart", "Channel: PJSIP/stranger-00000007", "Uniqueid: 17.1", "Context: tandem", "Exten: 1000"))
		a, err := b.server.Wait(t.Context(), "Hangup", 1)
		require.NoError(t, err)
		require.Equal(t, "57", a.Header["cause"])
		require.Empty(t, b.all())
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_DialCannotBeBentElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, nil)
		for _, n := range []tandem.Number{"100&Local/900@rich", "100/200", "100,app", "1\r\nAction: Command", "100)", "100 200"} {
			err := b.sw.Dial(t.Context(), tandem.Dial{Leg: "x", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: n}})
			require.ErrorIs(t, err, tandem.ErrInvalid, string(n))
			require.NotContains(t, err.Error(), string(n), "numbers are personal data")
		}
		require.NoError(t, b.sw.Dial(t.Context(), tandem.Dial{
			Leg: "leg\r\nAction: x", Call: "c,TANDEM_LEG=y", To: tandem.Endpoint{Trunk: "carrier", Number: "+15550100"},
			From: tandem.CallerID{Number: `1"><2`, Name: "A\r\nB \"C\" <900>"},
		}))
		a, err := b.server.Wait(t.Context(), "Originate", 1)
		require.NoError(t, err)
		require.Equal(t, "PJSIP/+15550100@carrier", a.Header["channel"])
		require.Equal(t, `"AB C 900" <12>`, a.Header["callerid"])
		require.Contains(t, a.Text, "Variable: TANDEM_CALL=c_TANDEM_LEG=y\r\nVariable: TANDEM_LEG=leg__Action:_x\r\n")
		for _, name := range []string{"../etc/passwd", `a" "b`, "a b", "", strings.Repeat("x", 300)} {
			require.ErrorIs(t, b.sw.Play(t.Context(), "leg1", tandem.Sound{Kind: tandem.SoundFile, Name: name}), tandem.ErrInvalid, name)
		}
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_RefusedDialEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, func(a amifake.Action) []string {
			switch {
			case a.Name == "ShowDialPlan":
				return []string{"Response: Error\r\nMessage: Did not find context tandem"}
			case a.Name == "Originate" && a.Header["channel"] == "PJSIP/1001":
				return []string{"Response: Success", "Event: OriginateResponse\r\nResponse: Failure\r\nReason: 0\r\nUniqueid: <unknown>"}
			case a.Name == "Originate":
				return []string{"Response: Error\r\nMessage: Permission denied"}
			}
			return nil
		}, nil)
		require.NoError(t, b.sw.Dial(t.Context(), tandem.Dial{Leg: "a", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "1"}}))
		require.NoError(t, b.sw.Dial(t.Context(), tandem.Dial{Leg: "b", Call: "c", To: tandem.Endpoint{Agent: "ana"}}))
		require.NoError(t, b.sw.Dial(t.Context(), tandem.Dial{Leg: "n", Call: "c", To: tandem.Endpoint{Agent: "nobody"}}))
		a := await(b.story, func(e tandem.LegEnded) bool { return e.Leg == "a" })
		require.Equal(t, tandem.CauseFailed, a.Cause)
		require.Contains(t, a.Detail, "Permission denied")
		require.Equal(t, tandem.CauseUnavailable, await(b.story, func(e tandem.LegEnded) bool { return e.Leg == "b" }).Cause)
		require.Equal(t, tandem.CauseUnavailable, await(b.story, func(e tandem.LegEnded) bool { return e.Leg == "n" }).Cause)
		require.ErrorIs(t, b.stop(), context.Canceled)
		require.Contains(t, b.log.String(), "Did not find context tandem", "the operator is told what the dialplan lacks")
	})
}

func TestSwitch_WrongSecretEndsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(c *asterisk.Config) { c.AMI.Secret = "wr0ng" })
		err := b.stop()
		require.ErrorIs(t, err, ami.ErrAuth)
		require.NotContains(t, err.Error()+b.log.String(), "wr0ng")
	})
}

func TestSwitch_LimitOfLegs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, nil, func(c *asterisk.Config) { c.Legs = 2 })
		for i := range 2 {
			require.NoError(t, b.sw.Dial(t.Context(), tandem.Dial{Leg: tandem.LegID(fmt.Sprint(i)), Call: "c", To: tandem.Endpoint{Agent: "ana"}}))
		}
		require.ErrorIs(t, b.sw.Dial(t.Context(), tandem.Dial{Leg: "2", Call: "c", To: tandem.Endpoint{Agent: "ana"}}), tandem.ErrFull)
		require.NoError(t, b.server.Event("AsyncAGIStart", "Channel: PJSIP/carrier-00000007", "Uniqueid: 17.1", "Context: tandem", "Exten: 1000"))
		a, err := b.server.Wait(t.Context(), "Hangup", 1)
		require.NoError(t, err)
		require.Equal(t, "34", a.Header["cause"], "congestion")
		b.server.Refuse()
		b.server.Cut()
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_HandlerThatHangsDoesNotStopCommands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Secret: "s"}
		sw, err := asterisk.New(asterisk.Config{
			AMI:    ami.Config{Addr: "pbx:5038", Username: "tandem", Secret: "s", Dial: server.Dial},
			Trunks: []asterisk.Trunk{{ID: "carrier", Dial: "PJSIP/{number}@carrier"}}, Backlog: 5,
		})
		require.NoError(t, err)
		release, done := make(chan struct{}), make(chan error, 1)
		go func() {
			done <- sw.Run(t.Context(), tandem.HandlerFunc(func(context.Context, ...tandem.Record) error {
				<-release
				return nil
			}))
		}()
		synctest.Wait()
		var full error
		dialled := 0
		for ; full == nil && dialled < 100; dialled++ {
			full = sw.Dial(t.Context(), tandem.Dial{Leg: tandem.LegID(fmt.Sprint(dialled)), Call: "c", To: tandem.Endpoint{Agent: "nobody"}})
		}
		require.ErrorIs(t, full, tandem.ErrFull, "the backlog is bounded")
		require.Equal(t, 6, dialled)
		for i := range 20 { // What Asterisk tells cannot be refused.
			require.NoError(t, server.Event("AsyncAGIStart", fmt.Sprintf("Channel: PJSIP/carrier-%08d", i), fmt.Sprintf("Uniqueid: 17.%d", i), "Context: tandem"))
		}
		synctest.Wait()
		close(release)
		require.ErrorIs(t, <-done, tandem.ErrFull)
		server.Close()
	})
}

func TestSwitch_TellsOfTrunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, func(a amifake.Action) []string {
			state := map[string]string{"DEVICE_STATE(PJSIP/a)": "UNAVAILABLE", "DEVICE_STATE(PJSIP/b)": "NOT_INUSE"}[a.Header["variable"]]
			if a.Name == "Getvar" && state != "" {
				return []string{"Response: Success\r\nValue: " + state}
			}
			return nil
		}, func(c *asterisk.Config) {
			c.Trunks = []asterisk.Trunk{{ID: "a", Dial: "PJSIP/{number}@a"}, {ID: "b", Dial: "PJSIP/{number}@b"}, {ID: "card", Dial: "DAHDI/g1/{number}"}}
		})
		trunks := func() map[tandem.TrunkID][]bool {
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			seen := map[tandem.TrunkID][]bool{}
			for _, e := range b.events {
				if e, ok := e.(tandem.TrunkChanged); ok {
					seen[e.Trunk] = append(seen[e.Trunk], e.Up)
				}
			}
			return seen
		}
		require.Equal(t, map[tandem.TrunkID][]bool{"b": {true}, "card": {true}}, trunks())
		for _, state := range []string{"UNAVAILABLE", "UNAVAILABLE", "INUSE"} {
			require.NoError(t, b.server.Event("DeviceStateChange", "Device: PJSIP/b", "State: "+state))
		}
		require.NoError(t, b.server.Event("DeviceStateChange", "Device: PJSIP/a", "State: NOT_INUSE"))
		require.Equal(t, map[tandem.TrunkID][]bool{"a": {true}, "b": {true, false, true}, "card": {true}}, trunks())
		b.server.Refuse()
		b.server.Cut()
		require.Equal(t, map[tandem.TrunkID][]bool{"a": {true, false}, "b": {true, false, true, false}, "card": {true, false}}, trunks())
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}
