package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
	"github.com/tandem-cc/tandem/loopback"
)

// centre is a campaign over a loopback switch and a floor of agents, with a journal of everything and the carrier's own
// record of what was dialled.
type centre struct {
	*testing.T
	store  *store
	floor  *floor
	sw     *loopback.Switch
	runner *campaign.Runner
	stop   context.CancelFunc
	done   chan struct{}
	err    error // what the runner's Run returned; read after done

	mu      sync.Mutex
	journal []tandem.Record
	dialled []dialling
}

type dialling struct {
	tandem.Dial
	at time.Time
}

// setup makes a centre and runs it until the test ends. react says what a dialled customer does.
func setup(t *testing.T, st *store, fl *floor, react func(tandem.Dial) loopback.Script, edit func(*campaign.Config)) *centre {
	t.Helper()
	c := &centre{T: t, store: st, floor: fl, done: make(chan struct{})}
	sw, err := loopback.New(loopback.Config{
		Trunks: []loopback.Trunk{{ID: "carrier"}},
		Dialled: func(d tandem.Dial) loopback.Script {
			if !st.isOpen(d.Leg, d.To.Number) {
				t.Errorf("%s is dialled without an attempt on record", d.To.Number)
			}
			c.mu.Lock()
			c.dialled = append(c.dialled, dialling{d, time.Now()})
			c.mu.Unlock()
			return react(d)
		},
	})
	require.NoError(t, err)
	cfg := campaign.Config{
		ID: "spring", Queue: "sales", Switch: sw, Store: st, Agents: fl, Events: tandem.HandlerFunc(c.record),
		Trunk: campaign.Trunk{ID: "carrier"}, From: tandem.CallerID{Number: "+15550000"}, IDs: tandem.SequentialIDs("id"),
	}
	if edit != nil {
		edit(&cfg)
	}
	c.sw = sw
	c.runner, err = campaign.New(cfg)
	require.NoError(t, err)
	all := tandem.Handlers{tandem.HandlerFunc(c.record), fl, c.runner}
	fl.sw, fl.events = sw, tandem.Handlers{tandem.HandlerFunc(c.record), c.runner}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	swCtx, swCancel := context.WithCancel(context.WithoutCancel(t.Context()))
	c.stop = cancel
	var running sync.WaitGroup
	running.Go(func() { _ = sw.Run(swCtx, all) })
	running.Go(func() {
		c.err = c.runner.Run(ctx)
		close(c.done)
	})
	t.Cleanup(func() {
		cancel()
		<-c.done
		swCancel()
		running.Wait()
	})
	return c
}

func (c *centre) record(_ context.Context, rs ...tandem.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal = append(c.journal, rs...)
	return nil
}

func (c *centre) start() {
	c.Helper()
	require.NoError(c, c.runner.Start(c.Context(), "test"))
}

func (c *centre) status() campaign.Status {
	c.Helper()
	s, err := c.runner.Status(c.Context())
	require.NoError(c, err)
	return s
}

func (c *centre) dials() []dialling {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]dialling(nil), c.dialled...)
}

// events returns the journal's events of one type.
func events[E tandem.Event](c *centre) []E {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []E
	for _, r := range c.journal {
		if e, ok := r.Event.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// audit checks what must hold whatever happened: each dialled leg has an attempt that was told before and settled once, no
// lead is in two attempts at a time, and each call's events are whole.
func (c *centre) audit() {
	c.Helper()
	time.Sleep(10 * time.Minute) // the floor ends the conversations that it has
	c.mu.Lock()
	defer c.mu.Unlock()
	open := make(map[tandem.LeadID]tandem.AttemptID)
	lead := make(map[tandem.AttemptID]tandem.LeadID)
	started := make(map[tandem.CallID]int)
	ended := make(map[tandem.CallID]int)
	leg := make(map[tandem.LegID]bool)
	for _, r := range c.journal {
		switch e := r.Event.(type) {
		case tandem.CallStarted:
			started[e.Call.ID]++
		case tandem.CallEnded:
			ended[e.Call]++
		case tandem.AttemptStarted:
			require.Empty(c, open[e.Lead], "lead %s is in two attempts at a time", e.Lead)
			open[e.Lead] = e.Attempt
			lead[e.Attempt] = e.Lead
			leg[e.Leg] = true
		case tandem.AttemptEnded:
			require.Equal(c, e.Attempt, open[e.Lead], "attempt %s ended and was not open", e.Attempt)
			require.NotEqual(c, tandem.OutcomeUnset, e.Outcome)
			delete(open, e.Lead)
		default:
		}
	}
	require.Empty(c, open, "attempts that never ended")
	for _, d := range c.dialled {
		require.True(c, leg[d.Leg], "a leg was dialled without AttemptStarted")
	}
	for id, n := range started {
		require.Equal(c, 1, n, "CallStarted of %s", id)
		require.Equal(c, 1, ended[id], "CallEnded of %s", id)
	}
	require.Len(c, ended, len(started))
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	for id, a := range c.store.attempts {
		require.True(c, a.settled, "attempt %s (%s) is not settled", id, a.Node)
	}
}

// people react at random: p of them answer after some seconds, the others are busy, or let it ring.
func people(seed uint64, p float64) func(tandem.Dial) loopback.Script {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 1))
	return func(tandem.Dial) loopback.Script {
		mu.Lock()
		defer mu.Unlock()
		s := loopback.Script{Progress: time.Second, Ring: time.Duration(1+rnd.IntN(20)) * time.Second}
		switch x := rnd.Float64(); {
		case x < p:
		case x < p+0.2:
			s.Reaction = loopback.Refuse
		case x < p+0.25:
			s.Reaction, s.Cause = loopback.Refuse, tandem.CauseUnallocated
		default:
			s.Reaction = loopback.Ignore
		}
		return s
	}
}

func answers(tandem.Dial) loopback.Script { return loopback.Script{Ring: 5 * time.Second} }

func rings(tandem.Dial) loopback.Script { return loopback.Script{Reaction: loopback.Ignore} }

func TestRunner_WorksThroughAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setup(t, newStore(leads(300)...), newFloor(10), people(7, 0.3), func(cfg *campaign.Config) { cfg.Poll = time.Minute })
		c.start()
		time.Sleep(7 * 24 * time.Hour)
		s := c.status()
		require.Equal(t, tandem.CampaignFinished, s.State)
		require.Zero(t, s.Dialing+s.Waiting+s.Talking+s.Ahead)
		got := c.store.outcomes()
		require.Greater(t, got[tandem.OutcomeConnected], 100, "%v", got)
		require.Greater(t, got[tandem.OutcomeBusy], 50, "%v", got)
		require.Greater(t, got[tandem.OutcomeNoAnswer], 50, "%v", got)
		require.Positive(t, got[tandem.OutcomeInvalid], "%v", got)
		require.Zero(t, got[tandem.OutcomeAbandoned], "progressive: nobody answers to nobody; %v", got)
		require.Equal(t, got[tandem.OutcomeConnected], s.Ledger.Answered)
		require.Len(t, c.dials(), len(c.store.attempts))
		c.audit()
		changes := events[tandem.CampaignChanged](c)
		require.Equal(t, tandem.CampaignFinished, changes[len(changes)-1].To)
	})
}

// TestRunner_NeverMoreLinesThanFreeAgents watches every moment of a progressive day: calls that nobody has answered and people who wait are
// never more than agents who are ready or on their way.
func TestRunner_NeverMoreLinesThanFreeAgents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fl := newFloor(5)
		c := setup(t, newStore(leads(400)...), fl, people(3, 0.5), nil)
		c.start()
		for range 6 * 60 * 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			s := c.status()
			fl.mu.Lock()
			free := 0
			for _, st := range fl.agents {
				if st == tandem.AgentReady {
					free++
				}
			}
			fl.mu.Unlock()
			require.LessOrEqual(t, s.Dialing+s.Waiting, free)
		}
		c.stop()
		<-c.done
		c.audit()
		require.Zero(t, fl.most(), "somebody waited for an agent")
	})
}

func TestRunner_NothingIsDialledThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := newStore(leads(20)...)
		c := setup(t, st, newFloor(3), answers, nil)
		st.setFault(func(op string, after bool) error {
			if op == "begin" && !after {
				return errDown
			}
			return nil
		})
		c.start()
		time.Sleep(10 * time.Minute)
		require.Empty(t, c.dials(), "dialled without a record")
		for range 200 { // at whatever moment one looks
			require.Equal(t, "store", c.status().Troubled)
			time.Sleep(97 * time.Millisecond)
		}
		st.setFault(nil)
		time.Sleep(2 * time.Hour)
		require.Equal(t, tandem.CampaignFinished, c.status().State, "it resumes")
		require.Len(t, c.dials(), 20, "every lead once")
		c.audit()
	})
}

// TestRunner_StoreThatComesAndGoes breaks the store at random, before and after its work: nothing is lost, doubled or
// dialled without a record.
func TestRunner_StoreThatComesAndGoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 2))
				st := newStore(leads(40)...)
				c := setup(t, st, newFloor(4), people(seed, 0.4), func(cfg *campaign.Config) {
					cfg.Poll = time.Minute
					again := campaign.Rule{Attempts: 3, Delay: 10 * time.Minute}
					cfg.Retry.Rules = campaign.DefaultRules()
					for _, o := range []tandem.Outcome{tandem.OutcomeBusy, tandem.OutcomeNoAnswer, tandem.OutcomeAbandoned} {
						cfg.Retry.Rules[o] = again
					}
					cfg.Retry.Rules[tandem.OutcomeCancelled] = campaign.Rule{Attempts: 9, Delay: time.Minute}
				})
				c.start()
				st.setFault(func(op string, _ bool) error {
					if op != "load" && rnd.Float64() < 0.1 {
						return errDown
					}
					return nil
				})
				time.Sleep(12 * time.Hour)
				st.setFault(nil)
				time.Sleep(12 * time.Hour)
				require.Equal(t, tandem.CampaignFinished, c.status().State)
				perLead := make(map[tandem.Number]int)
				for _, d := range c.dials() {
					perLead[d.To.Number]++
				}
				for _, n := range perLead {
					require.LessOrEqual(t, n, campaign.DefaultMaxAttempts)
				}
				c.auditFaulty()
			})
		})
	}
}

// auditFaulty is audit for a store whose answers got lost: an attempt that was recorded but never told was never dialled.
func (c *centre) auditFaulty() {
	c.Helper()
	told := make(map[tandem.AttemptID]bool)
	for _, e := range events[tandem.AttemptStarted](c) {
		told[e.Attempt] = true
	}
	dialled := make(map[tandem.LegID]bool)
	for _, d := range c.dials() {
		require.False(c, dialled[d.Leg], "a leg was dialled twice")
		dialled[d.Leg] = true
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	for id, a := range c.store.attempts {
		require.True(c, a.settled, "attempt %s is not settled", id)
		require.Equal(c, told[id], dialled[a.Leg], "attempt %s", id)
		if !told[id] {
			require.Equal(c, tandem.OutcomeCancelled, a.outcome)
		}
	}
}

func TestRunner_JournalFailureEndsRunWithoutDialling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := newStore(leads(50)...)
		boom := errors.New("disk full")
		var n atomic.Int64
		c := setup(t, st, newFloor(3), answers, func(cfg *campaign.Config) {
			journal := cfg.Events
			cfg.Events = tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
				for _, r := range rs {
					if _, ok := r.Event.(tandem.AttemptStarted); ok {
						n.Add(1)
					}
				}
				if n.Load() > 3 {
					return boom
				}
				return journal.Handle(ctx, rs...)
			})
		})
		c.start()
		<-c.done
		require.ErrorIs(t, c.err, boom)
		require.Len(t, c.dials(), 3, "what cannot be told is not dialled")
		for id, a := range st.attempts {
			require.True(t, a.settled, "attempt %s", id)
		}
	})
}

func TestRunner_BlockedNumbersAreNeverDialled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := leads(10)
		list[3].Phones = append(list[3].Phones, "+15559999")
		st := newStore(list...)
		st.blocked[number(3)] = true
		st.blocked[number(4)] = true
		c := setup(t, st, newFloor(2), answers, nil)
		c.start()
		time.Sleep(3 * time.Hour)
		second := false
		for _, d := range c.dials() {
			require.False(t, st.blocked[d.To.Number], "a blocked number was dialled")
			second = second || d.To.Number == "+15559999"
		}
		require.True(t, second, "the lead's other phone is dialled")
		require.Equal(t, tandem.CampaignFinished, c.status().State)
		require.Equal(t, tandem.OutcomeBlocked, st.progress("lead4").Last)
		require.Zero(t, st.progress("lead4").Attempts)
		require.Len(t, c.dials(), 9)
		c.audit()
	})
}

func TestRunner_DialsInsideTheWindowOnly(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	window := campaign.Window{
		Zone: zone, From: 9 * 60, To: 10 * 60,
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
	}
	synctest.Test(t, func(t *testing.T) {
		// The clocks change on 2 April 2000 there; begin on the Thursday before.
		time.Sleep(time.Until(time.Date(2000, 3, 30, 0, 0, 0, 0, zone)))
		c := setup(t, newStore(leads(700)...), newFloor(3), people(5, 0.5), func(cfg *campaign.Config) { cfg.Window = window })
		c.start()
		time.Sleep(7 * 24 * time.Hour)
		hours := make(map[string]int)
		for _, d := range c.dials() {
			local := d.at.In(zone)
			require.True(t, window.Open(d.at), "dialled at %s", local)
			hours[local.Format("Mon 15h")]++
		}
		require.Len(t, hours, 5, "%v", hours)
		for _, d := range []string{"Thu 09h", "Fri 09h", "Mon 09h", "Tue 09h", "Wed 09h"} {
			require.Greater(t, hours[d], 10, "%v", hours)
		}
		c.stop()
		<-c.done
		c.audit()
	})
}

func TestRunner_StopsWhenTheLastAgentLeaves(t *testing.T) {
	t.Parallel()
	for _, cancel := range []bool{false, true} {
		t.Run(fmt.Sprintf("cancel ringing %t", cancel), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fl := newFloor(2)
				c := setup(t, newStore(leads(50)...), fl, rings, func(cfg *campaign.Config) {
					cfg.CancelRinging, cfg.MinRing, cfg.Ring = cancel, 15*time.Second, 40*time.Second
				})
				c.start()
				time.Sleep(10 * time.Second)
				require.Len(t, c.dials(), 2)
				fl.put(t.Context(), "agent0", tandem.AgentPaused)
				fl.put(t.Context(), "agent1", tandem.AgentLoggedOut)
				time.Sleep(20 * time.Second)
				synctest.Wait()
				want := 2
				if cancel {
					want = 0
				}
				require.Equal(t, want, c.status().Dialing)
				time.Sleep(time.Hour)
				require.Len(t, c.dials(), 2, "nothing is dialled without agents")
				if cancel {
					require.Equal(t, 2, c.store.outcomes()[tandem.OutcomeCancelled])
					ends := events[tandem.LegEnded](c)
					require.Equal(t, tandem.CauseCancelled, ends[0].Cause)
				} else {
					require.Equal(t, 2, c.store.outcomes()[tandem.OutcomeNoAnswer])
				}
				fl.put(t.Context(), "agent0", tandem.AgentReady)
				time.Sleep(time.Second)
				require.Len(t, c.dials(), 3, "it goes on when one comes back")
				c.stop()
				<-c.done
				c.audit()
			})
		})
	}
}

func TestRunner_MinimumRingIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fl := newFloor(1)
		c := setup(t, newStore(leads(5)...), fl, rings, func(cfg *campaign.Config) {
			cfg.CancelRinging, cfg.MinRing = true, 15*time.Second
		})
		c.start()
		time.Sleep(time.Second)
		began := c.dials()[0].at
		fl.put(t.Context(), "agent0", tandem.AgentLoggedOut)
		time.Sleep(30 * time.Second)
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, r := range c.journal {
			if _, ok := r.Event.(tandem.LegEnded); ok {
				require.Equal(t, 15*time.Second, r.At.Sub(began))
				return
			}
		}
		require.Fail(t, "the call was not given up")
	})
}

func TestRunner_RestartSettlesWhatWasInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := newStore(leads(1)...)
		st.state = tandem.CampaignActive
		st.leads[0].Progress.State, st.leads[0].Progress.Attempts, st.leads[0].fence = campaign.LeadDialing, 1, 4
		st.attempts["old"] = &kept{Attempt: campaign.Attempt{
			ID: "old", Campaign: "spring", Lead: "lead0", Fence: 4, Number: number(0), Count: 1, Phones: 1,
			Before: campaign.Progress{State: campaign.LeadWaiting},
		}}
		st.order = append(st.order, "old")
		began := time.Now()
		c := setup(t, st, newFloor(1), answers, nil)
		time.Sleep(23 * time.Hour)
		require.Empty(t, c.dials(), "silently dialled again")
		require.Equal(t, 1, st.outcomes()[tandem.OutcomeInterrupted])
		end := events[tandem.AttemptEnded](c)[0]
		require.Equal(t, tandem.AttemptID("old"), end.Attempt)
		require.Equal(t, tandem.OutcomeInterrupted, end.Outcome)
		require.Equal(t, began.Add(24*time.Hour), end.RetryAt)
		time.Sleep(2 * time.Hour)
		require.Len(t, c.dials(), 1, "the rule for interrupted attempts tries again")
	})
}

func TestRunner_CommandsAndTheirErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setup(t, newStore(leads(100)...), newFloor(1), answers, nil)
		ctx := t.Context()
		time.Sleep(time.Minute)
		require.Empty(t, c.dials(), "a draft dials nothing")
		require.ErrorIs(t, c.runner.Pause(ctx, "x"), tandem.ErrState)
		c.start()
		time.Sleep(time.Minute)
		require.NotEmpty(t, c.dials())
		require.ErrorIs(t, c.runner.Start(ctx, "again"), tandem.ErrState)
		require.NoError(t, c.runner.Pause(ctx, "lunch"))
		n := len(c.dials())
		time.Sleep(time.Hour)
		require.Len(t, c.dials(), n, "a paused campaign dials nothing")
		require.Zero(t, c.status().Ahead, "its leads are given back")
		c.start()
		time.Sleep(time.Hour)
		require.Greater(t, len(c.dials()), n)
		require.NoError(t, c.runner.Finish(ctx, "enough"))
		var got []string
		for _, e := range events[tandem.CampaignChanged](c) {
			got = append(got, e.From.String()+">"+e.To.String()+" "+e.Reason)
		}
		require.Equal(t, []string{
			">draft created", "draft>active test", "active>paused lunch", "paused>active test", "active>finished enough",
		}, got)
		c.stop()
		<-c.done
		require.ErrorIs(t, c.err, context.Canceled)
		require.ErrorIs(t, c.runner.Start(ctx, "late"), tandem.ErrClosed)
		require.ErrorIs(t, c.runner.Run(ctx), tandem.ErrState)
		_, err := c.runner.Status(ctx)
		require.ErrorIs(t, err, tandem.ErrClosed)
		c.audit()
	})
}

func TestRunner_AnotherNodePausedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := newStore(leads(100)...)
		c := setup(t, st, newFloor(2), answers, nil)
		c.start()
		time.Sleep(time.Minute)
		st.mu.Lock()
		st.state = tandem.CampaignPaused
		st.mu.Unlock()
		n := len(c.dials())
		time.Sleep(time.Hour)
		require.Len(t, c.dials(), n)
		require.Equal(t, tandem.CampaignPaused, c.status().State)
	})
}

func TestRunner_TrunkCare(t *testing.T) {
	t.Parallel()
	t.Run("channels", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := setup(t, newStore(leads(100)...), newFloor(20), answers, func(cfg *campaign.Config) { cfg.Trunk.Channels = 3 })
			c.start()
			for range 600 {
				time.Sleep(time.Second)
				s := c.status()
				require.LessOrEqual(t, s.Dialing+s.Waiting+s.Talking, 3)
			}
			require.Greater(t, len(c.dials()), 6)
		})
	})
	t.Run("calls per second", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := setup(t, newStore(leads(100)...), newFloor(50), rings, func(cfg *campaign.Config) { cfg.Trunk.PerSecond = 4 })
			c.start()
			time.Sleep(9 * time.Second)
			d := c.dials()
			require.GreaterOrEqual(t, len(d), 35)
			for i := 1; i < len(d); i++ {
				require.GreaterOrEqual(t, d[i].at.Sub(d[i-1].at), 250*time.Millisecond)
			}
		})
	})
	t.Run("outage", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := setup(t, newStore(leads(500)...), newFloor(5), answers, nil)
			c.sw.TrunkDown("carrier")
			c.start()
			time.Sleep(10 * time.Minute)
			require.Less(t, len(c.dials()), 100, "it holds off")
			require.Equal(t, "trunk", c.status().Troubled)
			c.sw.TrunkUp("carrier")
			time.Sleep(3 * time.Minute)
			require.Positive(t, c.status().Talking, "it is back to work")
			c.stop()
			<-c.done
			c.audit()
		})
	})
}

func TestRunner_AnsweredAndNobodyThere(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		edit  func(*campaign.Config)
		floor func(*floor)
	}{
		"too few agents": {func(cfg *campaign.Config) { cfg.Pacer = dialer.Ratio{Lines: 4} }, func(*floor) {}},
		"the queue refuses": {func(*campaign.Config) {}, func(f *floor) {
			f.refuse = tandem.ErrFull
		}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fl := newFloor(1)
				row.floor(fl)
				c := setup(t, newStore(leads(4)...), fl, answers, row.edit)
				c.start()
				time.Sleep(time.Hour)
				lost := c.store.outcomes()[tandem.OutcomeAbandoned]
				require.Positive(t, lost)
				require.Equal(t, lost, c.status().Ledger.Abandoned)
				for _, e := range c.store.leads {
					if p := c.store.progress(e.Lead.ID); p.Last == tandem.OutcomeAbandoned {
						require.Equal(t, campaign.LeadWaiting, p.State)
						require.Greater(t, time.Until(p.NextAt), 70*time.Hour, "not again before three days have passed")
					}
				}
				c.stop()
				<-c.done
				c.audit()
			})
		})
	}
}

func TestRunner_EndOfRunHangsUpAndSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := setup(t, newStore(leads(50)...), newFloor(6), func(d tandem.Dial) loopback.Script {
			if n.Add(1)%2 == 0 {
				return answers(d)
			}
			return rings(d)
		}, nil)
		c.start()
		time.Sleep(20 * time.Second)
		s := c.status()
		require.Positive(t, s.Dialing)
		require.Positive(t, s.Talking)
		c.stop()
		<-c.done
		got := c.store.outcomes()
		require.Equal(t, s.Dialing, got[tandem.OutcomeCancelled], "%v", got)
		require.Equal(t, s.Talking, got[tandem.OutcomeConnected], "%v", got)
		for _, e := range c.store.leads {
			require.True(t, e.until.IsZero() || e.Progress.State != campaign.LeadWaiting, "a lead is not given back")
		}
	})
}

// ruled returns the usual rules but for one.
func ruled(o tandem.Outcome, r campaign.Rule) map[tandem.Outcome]campaign.Rule {
	rules := campaign.DefaultRules()
	rules[o] = r
	return rules
}

func TestNew_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	sw, err := loopback.New(loopback.Config{})
	require.NoError(t, err)
	good := campaign.Config{
		ID: "c", Queue: "q", Switch: sw, Store: newStore(), Agents: newFloor(1), Trunk: campaign.Trunk{ID: "t"},
	}
	_, err = campaign.New(good)
	require.NoError(t, err)
	rows := map[string]func(*campaign.Config){
		"id":               func(c *campaign.Config) { c.ID = "" },
		"queue":            func(c *campaign.Config) { c.Queue = "" },
		"switch":           func(c *campaign.Config) { c.Switch = nil },
		"store":            func(c *campaign.Config) { c.Store = nil },
		"agents":           func(c *campaign.Config) { c.Agents = nil },
		"trunk.id":         func(c *campaign.Config) { c.Trunk.ID = "" },
		"trunk.channels":   func(c *campaign.Config) { c.Trunk.Channels = -1 },
		"trunk.per_second": func(c *campaign.Config) { c.Trunk.PerSecond = -1 },
		"ring":             func(c *campaign.Config) { c.Ring = -1 },
		"window.to":        func(c *campaign.Config) { c.Window = campaign.Window{From: 600, To: 540} },
		"retry.rules.busy": func(c *campaign.Config) {
			c.Retry.Rules = ruled(tandem.OutcomeBusy, campaign.Rule{Delay: -1})
		},
		"retry.rules.no_answer": func(c *campaign.Config) {
			c.Retry.Rules = ruled(tandem.OutcomeNoAnswer, campaign.Rule{Attempts: 5})
		},
		"ratio.lines": func(c *campaign.Config) { c.Pacer = dialer.Ratio{} },
		"share":       func(c *campaign.Config) { c.Limit = -1 },
	}
	for where, spoil := range rows {
		bad := good
		spoil(&bad)
		_, err := campaign.New(bad)
		require.ErrorIs(t, err, tandem.ErrInvalid, where)
		require.ErrorContains(t, err, where)
	}
}
