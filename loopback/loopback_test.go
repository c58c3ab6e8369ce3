package loopback_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/loopback"
)

// run runs a switch in the background until the test ends and keeps its events.
func run(t *testing.T, cfg loopback.Config) (*loopback.Switch, func() []tandem.Record) {
	t.Helper()
	sw, err := loopback.New(cfg)
	require.NoError(t, err)
	var mu sync.Mutex
	var events []tandem.Record
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = sw.Run(ctx, tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, rs...)
			return nil
		}))
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	synctest.Wait()
	return sw, func() []tandem.Record {
		mu.Lock()
		defer mu.Unlock()
		return append([]tandem.Record(nil), events...)
	}
}

func TestScript_FarEndsKeepTheirTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		sw, events := run(t, loopback.Config{
			Agents: []loopback.Agent{{ID: "ana", Script: loopback.Script{Progress: time.Second, Ring: 4 * time.Second}}},
			Trunks: []loopback.Trunk{{ID: "carrier"}},
		})
		ctx := t.Context()
		_, err := sw.Call(ctx, loopback.Customer{Trunk: "carrier", Script: loopback.Script{
			Talk: time.Minute, Patience: 30 * time.Second, Keys: "12",
		}})
		require.NoError(t, err)
		require.NoError(t, sw.Answer(ctx, "in1"))
		require.NoError(t, sw.Dial(ctx, tandem.Dial{Leg: "a", Call: "c", To: tandem.Endpoint{Agent: "ana"}}))
		time.Sleep(6 * time.Second)
		require.NoError(t, sw.Bridge(ctx, "in1", "a"))
		time.Sleep(2 * time.Minute)
		var got []string
		for _, r := range events() {
			got = append(got, fmt.Sprintf("%s %s", r.At.Sub(began), r.Event.Kind()))
		}
		require.Equal(t, []string{
			"0s device_changed", "0s trunk_changed", "0s leg_incoming", "0s leg_answered",
			"200ms leg_digit", "400ms leg_digit", "1s leg_ringing", "5s leg_answered", "6s leg_bridged", "6s leg_bridged",
			"1m6s leg_ended", "1m6s leg_unbridged",
		}, got)
	})
}

func TestScript_PatienceEndsTheWaitOfBothKinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, events := run(t, loopback.Config{
			Trunks:  []loopback.Trunk{{ID: "carrier"}},
			Dialled: func(tandem.Dial) loopback.Script { return loopback.Script{Patience: 2 * time.Second} },
		})
		ctx := t.Context()
		_, err := sw.Call(ctx, loopback.Customer{Trunk: "carrier", Script: loopback.Script{Patience: 10 * time.Second}})
		require.NoError(t, err)
		require.NoError(t, sw.Dial(ctx, tandem.Dial{Leg: "out", Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "1"}}))
		time.Sleep(time.Minute)
		causes := make(map[tandem.LegID]tandem.Cause)
		for _, r := range events() {
			if e, ok := r.Event.(tandem.LegEnded); ok {
				causes[e.Leg] = e.Cause
			}
		}
		require.Equal(t, map[tandem.LegID]tandem.Cause{"in1": tandem.CauseCancelled, "out": tandem.CauseNormal}, causes)
	})
}

func TestTrunk_ChannelsAndOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, events := run(t, loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier", Channels: 2}}})
		ctx := t.Context()
		dial := func(leg tandem.LegID) {
			t.Helper()
			require.NoError(t, sw.Dial(ctx, tandem.Dial{Leg: leg, Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "1"}}))
		}
		dial("a")
		dial("b")
		dial("c") // one too many
		_, err := sw.Call(ctx, loopback.Customer{Trunk: "carrier"})
		require.ErrorIs(t, err, tandem.ErrFull)
		sw.TrunkDown("carrier")
		dial("d")
		_, err = sw.Call(ctx, loopback.Customer{Trunk: "carrier"})
		require.ErrorIs(t, err, tandem.ErrState)
		sw.TrunkUp("carrier")
		dial("e")
		synctest.Wait()
		var ends []string
		for _, r := range events() {
			if e, ok := r.Event.(tandem.LegEnded); ok {
				ends = append(ends, string(e.Leg)+" "+e.Cause.String())
			}
		}
		require.Equal(t, []string{"c congestion", "a network", "b network", "d network"}, ends)
		_, err = sw.Call(ctx, loopback.Customer{Trunk: "nowhere"})
		require.ErrorIs(t, err, tandem.ErrInvalid)
	})
}

func TestSwitch_AgentCallsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, events := run(t, loopback.Config{Agents: []loopback.Agent{{ID: "ana"}, {ID: "ben", Away: true}}})
		_, err := sw.CallFrom(t.Context(), "ana", "*97")
		require.NoError(t, err)
		_, err = sw.CallFrom(t.Context(), "ben", "*97")
		require.ErrorIs(t, err, tandem.ErrState)
		_, err = sw.CallFrom(t.Context(), "eve", "*97")
		require.ErrorIs(t, err, tandem.ErrNotFound)
		synctest.Wait()
		all := events()
		in, ok := all[len(all)-1].Event.(tandem.LegIncoming)
		require.True(t, ok)
		require.Equal(t, tandem.AgentID("ana"), in.Agent)
		require.Equal(t, tandem.Number("*97"), in.To)
	})
}

func TestSwitch_FullBacklogIsErrFullAndHangupStillWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sw, err := loopback.New(loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}, Backlog: 4})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan struct{})
		hold := make(chan struct{})
		go func() {
			defer close(done)
			_ = sw.Run(ctx, tandem.HandlerFunc(func(context.Context, ...tandem.Record) error {
				<-hold
				return nil
			}))
		}()
		synctest.Wait()
		to := tandem.Endpoint{Trunk: "carrier", Number: "1"}
		var full error
		legs := 0
		for ; full == nil && legs < 100; legs++ {
			full = sw.Dial(ctx, tandem.Dial{Leg: tandem.LegID(fmt.Sprint(legs)), Call: "c", To: to})
		}
		require.ErrorIs(t, full, tandem.ErrFull)
		require.Less(t, legs, 10)
		require.NoError(t, sw.Hangup(ctx, "0", tandem.CauseNormal))
		close(hold)
		synctest.Wait()
		require.NoError(t, sw.Dial(ctx, tandem.Dial{Leg: "again", Call: "c", To: to}))
		cancel()
		<-done
	})
}

// TestSwitch_RunsRepeat plays a day of random calls twice and compares every event.
func TestSwitch_RunsRepeat(t *testing.T) {
	t.Parallel()
	day := func(t *testing.T) string {
		t.Helper()
		var text strings.Builder
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			began := time.Now()
			sw, err := loopback.New(loopback.Config{
				Trunks: []loopback.Trunk{{ID: "carrier"}},
				Dialled: func(tandem.Dial) loopback.Script {
					return loopback.Script{
						Ring:     time.Duration(rnd.IntN(30)) * time.Second,
						Reaction: loopback.Reaction(rnd.IntN(3)), Patience: time.Duration(1+rnd.IntN(60)) * time.Second,
					}
				},
			})
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			n := 0
			_ = sw.Run(ctx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
				for _, r := range rs {
					fmt.Fprintf(&text, "%s %s %+v\n", r.At.Sub(began), r.Event.Kind(), r.Event)
					switch r.Event.(type) {
					case tandem.TrunkChanged, tandem.LegEnded: // each end is followed by two more calls, up to a number
						for range 2 {
							if n++; n > 2000 {
								return nil
							}
							d := tandem.Dial{Leg: tandem.LegID(fmt.Sprint("leg", n)), Call: "c", To: tandem.Endpoint{Trunk: "carrier", Number: "1"}}
							if err := sw.Dial(ctx, d); err != nil {
								return err
							}
						}
					default:
					}
				}
				return nil
			}))
		})
		return text.String()
	}
	first := day(t)
	require.Greater(t, strings.Count(first, "\n"), 4000)
	require.Equal(t, first, day(t))
}

func TestNew_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for where, cfg := range map[string]loopback.Config{
		"agents[0].id":             {Agents: []loopback.Agent{{}}},
		"agents[1].id":             {Agents: []loopback.Agent{{ID: "a"}, {ID: "a"}}},
		"agents[0]: script.ring":   {Agents: []loopback.Agent{{ID: "a", Script: loopback.Script{Ring: -1}}}},
		"agents[0]: script.keys":   {Agents: []loopback.Agent{{ID: "a", Script: loopback.Script{Keys: "12x"}}}},
		"trunks[0].id":             {Trunks: []loopback.Trunk{{}}},
		"trunks[0].channels":       {Trunks: []loopback.Trunk{{ID: "t", Channels: -1}}},
		"backlog":                  {Backlog: -1},
		"agents[0]: script.reacti": {Agents: []loopback.Agent{{ID: "a", Script: loopback.Script{Reaction: 9}}}},
	} {
		_, err := loopback.New(cfg)
		require.ErrorIs(t, err, tandem.ErrInvalid, where)
		require.ErrorContains(t, err, where)
	}
}

// BenchmarkSwitch_Calls measures whole calls: dialled, rung, answered, bridged in pairs and hung up.
func BenchmarkSwitch_Calls(b *testing.B) {
	sw, err := loopback.New(loopback.Config{Trunks: []loopback.Trunk{{ID: "carrier"}}})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{}, 1)
	done := make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(done)
		_ = sw.Run(ctx, tandem.HandlerFunc(func(_ context.Context, rs ...tandem.Record) error {
			for _, r := range rs {
				switch r.Event.(type) {
				case tandem.TrunkChanged:
					close(ready)
				case tandem.LegEnded:
					ended <- struct{}{}
				default:
				}
			}
			return nil
		}))
	}()
	<-ready
	to := tandem.Endpoint{Trunk: "carrier", Number: "1"}
	b.ReportAllocs()
	for b.Loop() {
		_ = sw.Dial(ctx, tandem.Dial{Leg: "a", Call: "c", To: to, Timeout: time.Millisecond})
		_ = sw.Dial(ctx, tandem.Dial{Leg: "b", Call: "c", To: to, Timeout: time.Millisecond})
		_ = sw.Bridge(ctx, "a", "b")
		_ = sw.Hangup(ctx, "a", tandem.CauseNormal)
		_ = sw.Hangup(ctx, "b", tandem.CauseNormal)
		<-ended
		<-ended
	}
	cancel()
	<-done
}
