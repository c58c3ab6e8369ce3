package campaign_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return z
}

func TestWindow_OpensAndShutsByTheWallClock(t *testing.T) {
	t.Parallel()
	madrid := zone(t, "Europe/Madrid")
	work := campaign.Window{
		Zone: madrid, From: 9 * 60, To: 21 * 60,
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
	}
	night := campaign.Window{Zone: madrid, From: 2*60 + 30, To: 4 * 60}
	at := func(y int, m time.Month, d, hour, minute int) time.Time {
		return time.Date(y, m, d, hour, minute, 0, 0, madrid)
	}
	rows := map[string]struct {
		w    campaign.Window
		now  time.Time
		open bool
		next time.Time
	}{
		"always":             {campaign.Window{}, at(2026, 3, 1, 3, 0), true, at(2026, 3, 1, 3, 0)},
		"before nine":        {work, at(2026, 3, 4, 8, 59), false, at(2026, 3, 4, 9, 0)},
		"at nine":            {work, at(2026, 3, 4, 9, 0), true, at(2026, 3, 4, 9, 0)},
		"last minute":        {work, at(2026, 3, 4, 20, 59), true, at(2026, 3, 4, 20, 59)},
		"at nine at night":   {work, at(2026, 3, 4, 21, 0), false, at(2026, 3, 5, 9, 0)},
		"friday night":       {work, at(2026, 3, 6, 22, 0), false, at(2026, 3, 9, 9, 0)},
		"sunday":             {work, at(2026, 3, 8, 12, 0), false, at(2026, 3, 9, 9, 0)},
		"summer time begins": {night, at(2026, 3, 29, 1, 59), false, at(2026, 3, 29, 3, 0)}, // 02:30 does not come that night
		// 02:30 comes twice that night; the first time is in summer time.
		"winter time begins": {night, at(2026, 10, 25, 1, 0), false, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.open, row.w.Open(row.now))
			require.True(t, row.next.Equal(row.w.Next(row.now)), "next: got %s, want %s", row.w.Next(row.now), row.next)
			require.Equal(t, row.open, row.w.Open(row.now.UTC()), "the zone of now does not matter")
		})
	}
}

// TestWindow_NextIsTheFirstOpenMinute walks minute by minute, across the changes of the clocks in several zones.
func TestWindow_NextIsTheFirstOpenMinute(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"}
	changes := []time.Time{
		time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 6, 0, 0, 0, time.UTC),
		time.Date(2026, 2, 14, 20, 0, 0, 0, time.UTC),
	}
	rapid.Check(t, func(rt *rapid.T) {
		from := rapid.IntRange(0, 1438).Draw(rt, "from")
		w := campaign.Window{
			Zone: zone(t, rapid.SampledFrom(zones).Draw(rt, "zone")),
			From: campaign.Clock(from),
			To:   campaign.Clock(rapid.IntRange(from+1, 1440).Draw(rt, "to")),
			Days: rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) time.Weekday {
				return time.Weekday(rapid.IntRange(0, 6).Draw(rt, "day"))
			}), 0, 7, rapid.ID[time.Weekday]).Draw(rt, "days"),
		}
		require.NoError(rt, w.Validate())
		now := rapid.SampledFrom(changes).Draw(rt, "near").Add(time.Duration(rapid.IntRange(0, 86_400).Draw(rt, "s")) * time.Second)
		next := w.Next(now)
		require.False(rt, next.Before(now))
		require.True(rt, w.Open(next), "%s is not open", next)
		if next.Equal(now) {
			return
		}
		require.False(rt, w.Open(now))
		for at := now.Truncate(time.Minute).Add(time.Minute); at.Before(next); at = at.Add(time.Minute) {
			require.False(rt, w.Open(at), "open at %s, before %s", at, next)
		}
	})
}

func TestWindow_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, w := range []campaign.Window{
		{From: 600, To: 600},
		{From: 600, To: 540},
		{From: -1, To: 5},
		{From: 0, To: 1441},
		{From: 1440, To: 1440},
		{Days: []time.Weekday{7}},
		{From: 600},
	} {
		require.ErrorIs(t, w.Validate(), tandem.ErrInvalid, "%+v", w)
	}
	require.NoError(t, campaign.Window{From: 0, To: 1440}.Validate())
}

func TestClock_ReadsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]campaign.Clock{"09:00": 540, "9:00": 540, "00:00": 0, "24:00": 1440, "23:59": 1439} {
		got, err := campaign.ParseClock(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "9", "9:0", "9:60", "24:01", "-1:00", "+9:00x", "009:00", "9:00 pm", "9.00"} {
		_, err := campaign.ParseClock(text)
		require.ErrorIs(t, err, tandem.ErrInvalid, text)
	}
	var c campaign.Clock
	require.NoError(t, c.UnmarshalText([]byte("7:05")))
	require.Equal(t, "07:05", c.String())
}

func TestRetry_RuleDecidesPhoneAndTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r := campaign.Retry{}
	p := campaign.Progress{State: campaign.LeadWaiting}

	busy := r.Next(2, p, tandem.OutcomeBusy, at)
	require.Equal(t, campaign.LeadWaiting, busy.State)
	require.Equal(t, 0, busy.Phone, "the same phone again")
	require.Equal(t, at.Add(10*time.Minute), busy.NextAt)
	require.Equal(t, 1, busy.Attempts)
	require.Nil(t, p.Tries, "the progress given is not changed")

	rang := r.Next(2, busy, tandem.OutcomeNoAnswer, at)
	require.Equal(t, 1, rang.Phone, "the next phone")
	require.Equal(t, 0, r.Next(2, rang, tandem.OutcomeNoAnswer, at).Phone, "and round again")

	require.Equal(t, campaign.LeadDone, r.Next(2, p, tandem.OutcomeConnected, at).State)
	blocked := r.Next(2, p, tandem.OutcomeBlocked, at)
	require.Equal(t, campaign.LeadWaiting, blocked.State)
	require.Equal(t, 1, blocked.Phone)
	require.Equal(t, at, blocked.NextAt, "at once")
	require.Zero(t, blocked.Attempts, "nothing was attempted")
	require.Equal(t, campaign.LeadDone, r.Next(2, blocked, tandem.OutcomeBlocked, at).State, "no phone is left")
	require.Equal(t, campaign.LeadDone, r.Next(1, p, tandem.OutcomeInvalid, at).State)
	dead := r.Next(3, p, tandem.OutcomeInvalid, at)
	dead = r.Next(3, dead, tandem.OutcomeNoAnswer, at)
	dead = r.Next(3, dead, tandem.OutcomeNoAnswer, at)
	require.Equal(t, 1, dead.Phone, "the invalid one is passed over for good")
}

// TestRetry_EveryLeadComesToItsEnd plays any outcomes: a lead is done after at most MaxAttempts attempts, and is never dialled on a dead phone.
func TestRetry_EveryLeadComesToItsEnd(t *testing.T) {
	t.Parallel()
	outcomes := []tandem.Outcome{
		tandem.OutcomeAbandoned, tandem.OutcomeMachine, tandem.OutcomeBusy, tandem.OutcomeNoAnswer,
		tandem.OutcomeRejected, tandem.OutcomeCongestion, tandem.OutcomeInvalid, tandem.OutcomeCancelled,
		tandem.OutcomeBlocked, tandem.OutcomeInterrupted,
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := campaign.Retry{MaxAttempts: rapid.IntRange(0, 12).Draw(rt, "max")}
		limit := r.MaxAttempts
		if limit == 0 {
			limit = campaign.DefaultMaxAttempts
		}
		phones := rapid.IntRange(1, 5).Draw(rt, "phones")
		p := campaign.Progress{State: campaign.LeadWaiting}
		at := time.Unix(0, 0)
		blocked := 0
		for p.State != campaign.LeadDone {
			require.NotContains(rt, p.Dead, p.Phone)
			require.Less(rt, p.Phone, phones)
			o := rapid.SampledFrom(outcomes).Draw(rt, "outcome")
			if o == tandem.OutcomeBlocked {
				blocked++
			}
			next := r.Next(phones, p, o, at)
			require.False(rt, next.State == campaign.LeadWaiting && next.NextAt.Before(at))
			require.Equal(rt, o, next.Last)
			p, at = next, at.Add(time.Hour)
		}
		require.LessOrEqual(rt, p.Attempts, limit)
		require.LessOrEqual(rt, blocked, phones)
		slices.Sort(p.Dead)
		require.Equal(rt, slices.Compact(slices.Clone(p.Dead)), p.Dead)
	})
}

func TestLeadState_TextsAndChanges(t *testing.T) {
	t.Parallel()
	for s := campaign.LeadUnset; s <= campaign.LeadDone; s++ {
		text, err := s.MarshalText()
		require.NoError(t, err)
		var back campaign.LeadState
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, s, back)
	}
	var s campaign.LeadState
	require.ErrorIs(t, s.UnmarshalText([]byte("gone")), tandem.ErrInvalid)
	require.True(t, campaign.LeadWaiting.CanBecome(campaign.LeadDialing))
	require.False(t, campaign.LeadDone.CanBecome(campaign.LeadDialing))
}
