package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

// LeadStore is what a store of leads is: the three ports of package campaign over the same data.
type LeadStore struct {
	Store     campaign.Store
	Lists     campaign.Lists
	DoNotCall campaign.DoNotCall
}

// Leads checks a campaign.Store, a campaign.Lists and a campaign.DoNotCall over the same data.
func Leads(t *testing.T, open func(t *testing.T) Durable[LeadStore]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[LeadStore]){
		"BeginsEmpty":             leadsBeginEmpty,
		"KeepsState":              leadsKeepState,
		"ImportsInOrder":          leadsImportInOrder,
		"ImportsDuplicates":       leadsImportDuplicates,
		"ImportsAllOrNone":        leadsImportAllOrNone,
		"LeasesInOrder":           leadsLeaseInOrder,
		"LeasesLapse":             leadsLeasesLapse,
		"NeverLeasesTwice":        leadsNeverLeaseTwice,
		"BeginChecks":             leadsBeginChecks,
		"BeginHeedsDoNotCall":     leadsBeginHeedsDoNotCall,
		"SettlesOnce":             leadsSettleOnce,
		"GivesBack":               leadsGiveBack,
		"LoadsUnfinished":         leadsLoadUnfinished,
		"RefusesStrangers":        leadsRefuseStrangers,
		"KeepsDoNotCall":          leadsKeepDoNotCall,
		"KeepsHostileText":        leadsKeepHostileText,
		"HeedsTheContext":         leadsHeedTheContext,
		"SurvivesReopening":       leadsSurviveReopening,
		"DialingOutlivesTheLease": leadsDialingOutlivesTheLease,
	})
}

// The campaign and node of the suite.
const (
	spring = tandem.CampaignID("spring")
	node1  = tandem.NodeID("n1")
	node2  = tandem.NodeID("n2")
)

// newLeads returns n leads l0, l1 and so on, each with two phones.
func newLeads(n int) []campaign.NewLead {
	ls := make([]campaign.NewLead, n)
	for i := range ls {
		ls[i] = campaign.NewLead{
			Key: fmt.Sprint("key-", i),
			Lead: tandem.Lead{
				ID: tandem.LeadID(fmt.Sprint("l", i)), Name: fmt.Sprint("Lead ", i),
				Phones: []tandem.Number{tandem.Number(fmt.Sprintf("+3460000%04d", i)), "+34911"},
				Fields: map[string]string{"town": "Ávila"},
			},
		}
	}
	return ls
}

// ready imports n leads and activates the campaign.
func ready(t *testing.T, s LeadStore, n int) {
	t.Helper()
	_, err := s.Lists.Import(t.Context(), spring, campaign.KeepFirst, newLeads(n))
	require.NoError(t, err)
	require.NoError(t, s.Store.SetState(t.Context(), spring, tandem.CampaignUnset, tandem.CampaignDraft))
	require.NoError(t, s.Store.SetState(t.Context(), spring, tandem.CampaignDraft, tandem.CampaignActive))
}

// lease leases up to n leads at a time.
func lease(t *testing.T, s LeadStore, n int, now time.Time) campaign.Batch {
	t.Helper()
	b, err := s.Store.Lease(t.Context(), campaign.LeaseRequest{Campaign: spring, Node: node1, Max: n, Now: now, TTL: time.Minute})
	require.NoError(t, err)
	return b
}

// attempt returns the attempt at a leased lead.
func attempt(id tandem.AttemptID, l campaign.Leased, at time.Time) campaign.Attempt {
	return campaign.Attempt{
		ID: id, Campaign: spring, Lead: l.Lead.ID, Fence: l.Fence, Node: node1, Call: "c-" + tandem.CallID(id), Leg: "leg-" + tandem.LegID(id),
		Number: l.Lead.Phones[0], Count: l.Progress.Attempts + 1, At: at, Before: l.Progress,
	}
}

// names returns the leads' IDs.
func names(b campaign.Batch) []tandem.LeadID {
	var ids []tandem.LeadID
	for _, l := range b.Leads {
		ids = append(ids, l.Lead.ID)
	}
	return ids
}

func leadsBeginEmpty(t *testing.T, d Durable[LeadStore]) {
	loaded, err := d.Store.Store.Load(t.Context(), spring, "")
	require.NoError(t, err)
	assert.Equal(t, tandem.CampaignUnset, loaded.State)
	assert.Empty(t, loaded.Unfinished)
	counts, err := d.Store.Lists.Counts(t.Context(), spring)
	require.NoError(t, err)
	assert.Zero(t, counts.Total())
	es, err := d.Store.Lists.Leads(t.Context(), spring, "", 10)
	require.NoError(t, err)
	assert.Empty(t, es)
}

func leadsKeepState(t *testing.T, d Durable[LeadStore]) {
	s := d.Store.Store
	require.ErrorIs(t, s.SetState(t.Context(), spring, tandem.CampaignDraft, tandem.CampaignActive), tandem.ErrConflict, "was never stored")
	require.NoError(t, s.SetState(t.Context(), spring, tandem.CampaignUnset, tandem.CampaignDraft))
	require.ErrorIs(t, s.SetState(t.Context(), spring, tandem.CampaignUnset, tandem.CampaignDraft), tandem.ErrConflict, "is stored already")
	require.ErrorIs(t, s.SetState(t.Context(), spring, tandem.CampaignActive, tandem.CampaignPaused), tandem.ErrConflict)
	require.NoError(t, s.SetState(t.Context(), spring, tandem.CampaignDraft, tandem.CampaignActive))
	loaded, err := s.Load(t.Context(), spring, "")
	require.NoError(t, err)
	assert.Equal(t, tandem.CampaignActive, loaded.State)
}

func leadsImportInOrder(t *testing.T, d Durable[LeadStore]) {
	ls := newLeads(7)
	counts, err := d.Store.Lists.Import(t.Context(), spring, campaign.KeepFirst, ls[:4])
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Added: 4}, counts)
	_, err = d.Store.Lists.Import(t.Context(), spring, campaign.KeepFirst, ls[4:])
	require.NoError(t, err)
	var got []campaign.Entry
	for after := tandem.LeadID(""); ; {
		es, err := d.Store.Lists.Leads(t.Context(), spring, after, 3)
		require.NoError(t, err)
		if len(es) == 0 {
			break
		}
		got = append(got, es...)
		after = es[len(es)-1].Lead.ID
	}
	require.Len(t, got, 7)
	for i, e := range got {
		want := ls[i].Lead
		want.Campaign = spring
		assert.Equal(t, want, e.Lead)
		assert.Equal(t, ls[i].Key, e.Key)
		assert.Equal(t, campaign.Progress{State: campaign.LeadWaiting}, e.Progress)
	}
	c, err := d.Store.Lists.Counts(t.Context(), spring)
	require.NoError(t, err)
	assert.Equal(t, campaign.Counts{Waiting: 7}, c)
}

func leadsImportDuplicates(t *testing.T, d Durable[LeadStore]) {
	ctx, lists := t.Context(), d.Store.Lists
	first := newLeads(1)
	twin := first[0]
	twin.Lead.ID, twin.Lead.Name, twin.Lead.Phones = "twin", "Twin", []tandem.Number{"+1"}
	counts, err := lists.Import(ctx, spring, campaign.KeepFirst, []campaign.NewLead{first[0], twin})
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Added: 1, Skipped: 1}, counts, "a duplicate within one import")
	counts, err = lists.Import(ctx, spring, campaign.UpdateFirst, []campaign.NewLead{twin})
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Updated: 1}, counts)
	es, err := lists.Leads(ctx, spring, "", 10)
	require.NoError(t, err)
	require.Len(t, es, 1)
	assert.Equal(t, tandem.LeadID("l0"), es[0].Lead.ID, "it keeps its name")
	assert.Equal(t, "Twin", es[0].Lead.Name)
	counts, err = lists.Import(ctx, spring, campaign.AddAll, []campaign.NewLead{twin})
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Added: 1}, counts)
	nobody := []campaign.NewLead{{Lead: tandem.Lead{ID: "x", Phones: []tandem.Number{"1"}}}, {Lead: tandem.Lead{ID: "y", Phones: []tandem.Number{"1"}}}}
	counts, err = lists.Import(ctx, spring, campaign.KeepFirst, nobody)
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Added: 2}, counts, "without a key nobody is a duplicate")
	other, err := lists.Import(ctx, "autumn", campaign.KeepFirst, []campaign.NewLead{{Key: "key-0", Lead: tandem.Lead{ID: "z", Phones: []tandem.Number{"1"}}}})
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Added: 1}, other, "another campaign has another list")
}

func leadsImportAllOrNone(t *testing.T, d Durable[LeadStore]) {
	ls := newLeads(3)
	ls[2].Lead.ID, ls[2].Key = ls[0].Lead.ID, "another"
	_, err := d.Store.Lists.Import(t.Context(), spring, campaign.KeepFirst, ls)
	require.ErrorIs(t, err, tandem.ErrConflict, "the name is taken")
	c, err := d.Store.Lists.Counts(t.Context(), spring)
	require.NoError(t, err)
	assert.Zero(t, c.Total(), "none of a refused import is there")
}

func leadsLeaseInOrder(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 5)
	now := start()
	b := lease(t, d.Store, 3, now)
	require.Equal(t, []tandem.LeadID{"l0", "l1", "l2"}, names(b), "those never tried, in the order of their import")
	// l0 is to be tried again soon, l1 sooner, l2 much later.
	for i, after := range []time.Duration{2 * time.Minute, time.Minute, time.Hour} {
		a := attempt(tandem.AttemptID(fmt.Sprint("a", i)), b.Leads[i], now)
		require.NoError(t, d.Store.Store.Begin(t.Context(), a))
		require.NoError(t, d.Store.Store.Settle(t.Context(), campaign.Settlement{
			Campaign: spring, Lead: a.Lead, Fence: a.Fence, Attempt: a.ID, Outcome: tandem.OutcomeBusy, At: now,
			Next: campaign.Progress{State: campaign.LeadWaiting, NextAt: now.Add(after), Phone: 1, Last: tandem.OutcomeBusy, Tries: map[tandem.Outcome]int{tandem.OutcomeBusy: 1}},
		}))
	}
	b2 := lease(t, d.Store, 10, now.Add(5*time.Minute))
	require.Equal(t, []tandem.LeadID{"l1", "l0", "l3", "l4"}, names(b2), "those tried before first, the longest due first")
	got := b2.Leads[0].Progress
	assert.Equal(t, campaign.Progress{
		State: campaign.LeadWaiting, NextAt: now.Add(time.Minute), Attempts: 1, Phone: 1,
		Last: tandem.OutcomeBusy, Tries: map[tandem.Outcome]int{tandem.OutcomeBusy: 1},
	}, got, "progress is kept, and Attempts counted by Begin")
	assert.Greater(t, b2.Leads[0].Fence, b.Leads[1].Fence)
	none := lease(t, d.Store, 10, now.Add(5*time.Minute))
	assert.Empty(t, none.Leads)
	assert.False(t, none.Exhausted)
	assert.WithinDuration(t, now.Add(6*time.Minute), none.NextDue, time.Millisecond, "when the first lease runs out")
}

func leadsLeasesLapse(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 1)
	first := lease(t, d.Store, 1, start())
	require.Len(t, first.Leads, 1)
	assert.Empty(t, lease(t, d.Store, 1, start().Add(59*time.Second)).Leads)
	second := lease(t, d.Store, 1, start().Add(time.Minute))
	require.Len(t, second.Leads, 1)
	assert.Greater(t, second.Leads[0].Fence, first.Leads[0].Fence)
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), attempt("a", first.Leads[0], start())), tandem.ErrConflict, "the lead was taken since")
	// A lease that has run out is good as long as nobody took the lead.
	late := attempt("b", second.Leads[0], start().Add(time.Hour))
	require.NoError(t, d.Store.Store.Begin(t.Context(), late))
}

func leadsDialingOutlivesTheLease(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 1)
	b := lease(t, d.Store, 1, start())
	a := attempt("a", b.Leads[0], start())
	require.NoError(t, d.Store.Store.Begin(t.Context(), a))
	later := lease(t, d.Store, 1, start().Add(24*time.Hour))
	assert.Empty(t, later.Leads, "a lead that is dialled is leased to nobody")
	assert.False(t, later.Exhausted, "and the list is not done")
	assert.Zero(t, later.NextDue)
	c, err := d.Store.Lists.Counts(t.Context(), spring)
	require.NoError(t, err)
	assert.Equal(t, campaign.Counts{Dialing: 1}, c)
	require.NoError(t, d.Store.Store.Settle(t.Context(), campaign.Settlement{
		Campaign: spring, Lead: a.Lead, Fence: a.Fence, Attempt: a.ID, Outcome: tandem.OutcomeConnected, At: start(),
		Next: campaign.Progress{State: campaign.LeadDone},
	}))
	assert.True(t, lease(t, d.Store, 1, start().Add(25*time.Hour)).Exhausted)
	c, err = d.Store.Lists.Counts(t.Context(), spring)
	require.NoError(t, err)
	assert.Equal(t, campaign.Counts{Done: 1, Outcomes: map[tandem.Outcome]int{tandem.OutcomeConnected: 1}}, c)
}

func leadsNeverLeaseTwice(t *testing.T, d Durable[LeadStore]) {
	const n, workers = 60, 6
	ready(t, d.Store, n)
	var mu sync.Mutex
	seen := make(map[tandem.LeadID]int)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range n {
				b, err := d.Store.Store.Lease(t.Context(), campaign.LeaseRequest{
					Campaign: spring, Node: tandem.NodeID(fmt.Sprint("n", w)), Max: 4, Now: start(), TTL: time.Minute,
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, l := range b.Leads {
					seen[l.Lead.ID]++
				}
				done := len(seen) == n
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	wg.Wait()
	assert.Len(t, seen, n, "every lead was handed out")
	for id, times := range seen {
		assert.Equal(t, 1, times, "lead %s", id)
	}
}

func leadsBeginChecks(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 2)
	b := lease(t, d.Store, 2, start())
	good := attempt("a", b.Leads[0], start())
	for name, change := range map[string]func(*campaign.Attempt){
		"fence": func(a *campaign.Attempt) { a.Fence++ },
		"count": func(a *campaign.Attempt) { a.Count++ },
	} {
		bad := good
		change(&bad)
		require.ErrorIs(t, d.Store.Store.Begin(t.Context(), bad), tandem.ErrConflict, name)
	}
	require.NoError(t, d.Store.Store.SetState(t.Context(), spring, tandem.CampaignActive, tandem.CampaignPaused))
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), good), tandem.ErrState, "the campaign is paused")
	require.NoError(t, d.Store.Store.SetState(t.Context(), spring, tandem.CampaignPaused, tandem.CampaignActive))
	require.NoError(t, d.Store.Store.Begin(t.Context(), good), "what was refused left nothing behind")
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), good), tandem.ErrConflict, "begun twice")
	other := attempt("a", b.Leads[1], start())
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), other), tandem.ErrConflict, "the attempt's name is taken")
}

func leadsBeginHeedsDoNotCall(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 2)
	b := lease(t, d.Store, 2, start())
	require.NoError(t, d.Store.DoNotCall.Block(t.Context(), "", b.Leads[0].Lead.Phones[0]))
	require.NoError(t, d.Store.DoNotCall.Block(t.Context(), "autumn", b.Leads[1].Lead.Phones[0]))
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), attempt("a", b.Leads[0], start())), campaign.ErrDoNotCall)
	require.NoError(t, d.Store.Store.Begin(t.Context(), attempt("b", b.Leads[1], start())), "blocked for another campaign only")
	loaded, err := d.Store.Store.Load(t.Context(), spring, "")
	require.NoError(t, err)
	assert.Len(t, loaded.Unfinished, 1, "a forbidden attempt is not recorded")
}

func leadsSettleOnce(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 2)
	b := lease(t, d.Store, 2, start())
	a := attempt("a", b.Leads[0], start())
	require.NoError(t, d.Store.Store.Begin(t.Context(), a))
	s := campaign.Settlement{
		Campaign: spring, Lead: a.Lead, Fence: a.Fence, Attempt: a.ID, Outcome: tandem.OutcomeNoAnswer, At: start(),
		Next: campaign.Progress{State: campaign.LeadWaiting, NextAt: start().Add(time.Hour), Attempts: 99},
	}
	bad := s
	bad.Fence++
	require.ErrorIs(t, d.Store.Store.Settle(t.Context(), bad), tandem.ErrConflict, "another fencing number")
	bad = s
	bad.Attempt = ""
	require.ErrorIs(t, d.Store.Store.Settle(t.Context(), bad), tandem.ErrConflict, "a lead that is dialled is not given back")
	require.NoError(t, d.Store.Store.Settle(t.Context(), s))
	require.ErrorIs(t, d.Store.Store.Settle(t.Context(), s), tandem.ErrConflict, "settled twice")
	es, err := d.Store.Lists.Leads(t.Context(), spring, "", 1)
	require.NoError(t, err)
	assert.Equal(t, 1, es[0].Progress.Attempts, "only Begin counts attempts")
	assert.Equal(t, campaign.LeadWaiting, es[0].Progress.State)
}

func leadsGiveBack(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 1)
	b := lease(t, d.Store, 1, start())
	l := b.Leads[0]
	back := campaign.Settlement{Campaign: spring, Lead: l.Lead.ID, Fence: l.Fence, At: start(), Next: l.Progress}
	require.NoError(t, d.Store.Store.Settle(t.Context(), back))
	again := lease(t, d.Store, 1, start())
	require.Len(t, again.Leads, 1, "it is free at once")
	require.ErrorIs(t, d.Store.Store.Settle(t.Context(), back), tandem.ErrConflict, "the fencing number has moved on")
	done := campaign.Settlement{
		Campaign: spring, Lead: l.Lead.ID, Fence: again.Leads[0].Fence, Outcome: tandem.OutcomeBlocked, At: start(),
		Next: campaign.Progress{State: campaign.LeadDone},
	}
	require.NoError(t, d.Store.Store.Settle(t.Context(), done))
	assert.True(t, lease(t, d.Store, 1, start()).Exhausted)
}

func leadsLoadUnfinished(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 3)
	b := lease(t, d.Store, 3, start())
	var want []campaign.Attempt
	for i, l := range b.Leads {
		a := attempt(tandem.AttemptID(fmt.Sprint("a", i)), l, start().Add(time.Duration(i)*time.Second))
		a.Before = campaign.Progress{State: campaign.LeadWaiting, Last: tandem.OutcomeBusy, Tries: map[tandem.Outcome]int{tandem.OutcomeBusy: 2}}
		if i == 1 {
			a.Node = node2
		}
		require.NoError(t, d.Store.Store.Begin(t.Context(), a))
		want = append(want, a)
	}
	load := func(node tandem.NodeID) []campaign.Attempt {
		loaded, err := d.Store.Store.Load(t.Context(), spring, node)
		require.NoError(t, err)
		return loaded.Unfinished
	}
	assert.Equal(t, want, load(""), "of all nodes, the oldest first")
	assert.Equal(t, want[1:2], load(node2))
	require.NoError(t, d.Store.Store.Settle(t.Context(), campaign.Settlement{
		Campaign: spring, Lead: want[0].Lead, Fence: want[0].Fence, Attempt: "a0", Outcome: tandem.OutcomeInterrupted, At: start(),
		Next: campaign.Progress{State: campaign.LeadDone},
	}))
	assert.Equal(t, want[2:], load(node1), "settled ones are not open")
}

func leadsRefuseStrangers(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 1)
	l := lease(t, d.Store, 1, start()).Leads[0]
	stranger := attempt("a", l, start())
	stranger.Lead = "nobody"
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), stranger), tandem.ErrNotFound, "the lead")
	elsewhere := attempt("a", l, start())
	elsewhere.Campaign = "autumn"
	require.ErrorIs(t, d.Store.Store.Begin(t.Context(), elsewhere), tandem.ErrNotFound, "the lead of another campaign")
	require.ErrorIs(t, d.Store.Store.Settle(t.Context(), campaign.Settlement{
		Campaign: spring, Lead: "nobody", Next: campaign.Progress{State: campaign.LeadDone},
	}), tandem.ErrNotFound, "the lead")
	require.ErrorIs(t, d.Store.Store.Settle(t.Context(), campaign.Settlement{
		Campaign: spring, Lead: l.Lead.ID, Fence: l.Fence, Attempt: "never", Next: campaign.Progress{State: campaign.LeadDone},
	}), tandem.ErrNotFound, "the attempt")
	_, err := d.Store.Lists.Leads(t.Context(), spring, "nobody", 10)
	require.ErrorIs(t, err, tandem.ErrNotFound, "the page's beginning")
	for _, limit := range []int{0, 1001} {
		_, err := d.Store.Lists.Leads(t.Context(), spring, "", limit)
		require.ErrorIs(t, err, tandem.ErrInvalid, "limit %d", limit)
	}
}

func leadsKeepDoNotCall(t *testing.T, d Durable[LeadStore]) {
	dnc := d.Store.DoNotCall
	require.NoError(t, dnc.Block(t.Context(), "", "+1", "+1", "+2"))
	require.NoError(t, dnc.Block(t.Context(), spring, "+3"))
	require.NoError(t, dnc.Unblock(t.Context(), "", "+2", "+9"))
	for _, c := range []struct {
		campaign tandem.CampaignID
		number   tandem.Number
		want     bool
	}{{spring, "+1", true}, {"autumn", "+1", true}, {spring, "+2", false}, {spring, "+3", true}, {"autumn", "+3", false}} {
		got, err := dnc.Blocked(t.Context(), c.campaign, c.number)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "%s for %s", c.number, c.campaign)
	}
}

func leadsKeepHostileText(t *testing.T, d Durable[LeadStore]) {
	_, err := d.Store.Lists.Import(t.Context(), spring, campaign.KeepFirst, []campaign.NewLead{{Key: hostile, Lead: tandem.Lead{
		ID: "l0", Name: hostile, Phones: []tandem.Number{hostile}, Fields: map[string]string{hostile: hostile},
	}}})
	require.NoError(t, err)
	counts, err := d.Store.Lists.Import(t.Context(), spring, campaign.KeepFirst, []campaign.NewLead{{Key: hostile, Lead: tandem.Lead{ID: "l1", Phones: []tandem.Number{"1"}}}})
	require.NoError(t, err)
	assert.Equal(t, campaign.ImportCounts{Skipped: 1}, counts, "known again by the same text")
	require.NoError(t, d.Store.DoNotCall.Block(t.Context(), spring, hostile))
	blocked, err := d.Store.DoNotCall.Blocked(t.Context(), spring, hostile)
	require.NoError(t, err)
	assert.True(t, blocked)
}

func leadsHeedTheContext(t *testing.T, d Durable[LeadStore]) {
	ctx := cancelled(t)
	_, err := d.Store.Lists.Import(ctx, spring, campaign.KeepFirst, newLeads(1))
	require.ErrorIs(t, err, context.Canceled)
	c, err := d.Store.Lists.Counts(t.Context(), spring)
	require.NoError(t, err)
	assert.Zero(t, c.Total())
	require.ErrorIs(t, d.Store.Store.SetState(ctx, spring, tandem.CampaignUnset, tandem.CampaignDraft), context.Canceled)
}

func leadsSurviveReopening(t *testing.T, d Durable[LeadStore]) {
	ready(t, d.Store, 2)
	b := lease(t, d.Store, 2, start())
	a := attempt("a", b.Leads[0], start())
	require.NoError(t, d.Store.Store.Begin(t.Context(), a))
	again := d.reopen(t)
	loaded, err := again.Store.Load(t.Context(), spring, node1)
	require.NoError(t, err)
	assert.Equal(t, campaign.Loaded{State: tandem.CampaignActive, Unfinished: []campaign.Attempt{a}}, loaded)
	assert.Empty(t, lease(t, again, 2, start()).Leads, "leases outlive the process")
}
