package tandem_test

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

// everyEvent returns one filled value of each event; TestEvent_EachIsListed holds it against the source.
func everyEvent() []tandem.Event {
	at := time.Date(2026, 11, 20, 9, 30, 0, 250e6, time.UTC)
	call := tandem.Call{
		ID: "c1", Direction: tandem.Inbound, Customer: "l1", Trunk: "carrier",
		From: tandem.CallerID{Number: "+5491155550101", Name: "Ana"}, To: "100",
	}
	return []tandem.Event{
		tandem.LegIncoming{Leg: "l1", Trunk: "carrier", From: call.From, To: "100"},
		tandem.LegRinging{Leg: "l2"},
		tandem.LegAnswered{Leg: "l2"},
		tandem.LegBridged{Leg: "l1", Peer: "l2"},
		tandem.LegUnbridged{Leg: "l1", Peer: "l2"},
		tandem.LegDigit{Leg: "l1", Digit: "5", Duration: 100 * time.Millisecond},
		tandem.LegPlayed{Leg: "l1", Sound: tandem.Sound{Kind: tandem.SoundFile, Name: "hello"}},
		tandem.LegHeld{Leg: "l1", Held: true, By: tandem.PartyAgent},
		tandem.LegEnded{Leg: "l1", Cause: tandem.CauseBusy, Detail: "SIP 486 Busy Here"},
		tandem.DeviceChanged{Agent: "ann", Reachable: true},
		tandem.TrunkChanged{Trunk: "carrier", Up: true, Detail: "OPTIONS 200"},
		tandem.CallStarted{Call: call},
		tandem.CallQueued{Call: "c1", Queue: "support", Position: 1, Priority: 2},
		tandem.CallOffered{Call: "c1", Queue: "support", Agent: "ann", Leg: "l2", Fence: 7, Deadline: at},
		tandem.OfferEnded{Call: "c1", Queue: "support", Agent: "ann", Leg: "l2", Fence: 7, Cause: tandem.CauseNoAnswer},
		tandem.CallConnected{Call: "c1", Queue: "support", Agent: "ann", Leg: "l2", Waited: time.Second},
		tandem.CallLeft{Call: "c1", Queue: "support", Reason: tandem.LeaveAbandoned, Position: 1, Waited: time.Second, Next: "sales", Exit: "voicemail"},
		tandem.CallReleased{Call: "c1", Queue: "support", Agent: "ann", Leg: "l2", By: tandem.PartyCustomer, Talked: time.Minute},
		tandem.CallEnded{Call: "c1", Cause: tandem.CauseNormal, By: tandem.PartyCustomer},
		tandem.CallDisposed{Call: "c1", Agent: "ann", Disposition: "sale", Note: "two boxes"},
		tandem.Decided{
			Call: "c1", Queue: "support", Agent: "ann", Strategy: "longest_idle", Rule: "longest_idle",
			Candidates: []tandem.Candidate{{Agent: "ann", Key: 12.5}, {Agent: "bob", Level: 1, Skip: "paused"}}, Considered: 2,
		},
		tandem.AgentChanged{Agent: "ann", From: tandem.AgentReady, To: tandem.AgentReserved, Reason: "offer", Call: "c1"},
		tandem.CampaignChanged{Campaign: "spring", From: tandem.CampaignDraft, To: tandem.CampaignActive},
		tandem.AttemptStarted{Attempt: "a1", Campaign: "spring", Lead: "l", Call: "c2", Leg: "l3", Number: "123", Count: 1},
		tandem.AttemptEnded{
			Attempt: "a1", Campaign: "spring", Lead: "l", Outcome: tandem.OutcomeBusy, Cause: tandem.CauseBusy, RetryAt: at,
		},
		tandem.NodeStarted{Node: "n1", Version: "0.1"},
		tandem.NodeAlive{Node: "n1"},
		tandem.NodeStopped{Node: "n1"},
	}
}

func TestEvent_EachIsListed(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	require.NoError(t, err)
	declared := 0
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok {
			if _, ok := s.Type.(*ast.StructType); ok && s.Name.Name != "Candidate" {
				declared++
			}
		}
		return true
	})
	require.Len(t, everyEvent(), declared, "everyEvent lists each event type of event.go once")
}

func TestRecord_SurvivesTheJournal(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for i, e := range everyEvent() {
		require.False(t, kinds[e.Kind()], "two events are called %s", e.Kind())
		kinds[e.Kind()] = true
		want := tandem.Record{Seq: uint64(i + 1), At: time.Date(2026, 11, 20, 9, 30, 1, 0, time.UTC), Event: e}
		b, err := json.Marshal(want)
		require.NoError(t, err)
		var got tandem.Record
		require.NoError(t, json.Unmarshal(b, &got), "%s", b)
		require.Equal(t, want, got)
	}
}

func TestRecord_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(tandem.Record{Seq: 1})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	var r tandem.Record
	require.ErrorIs(t, json.Unmarshal([]byte(`{"type":"leg_exploded","data":{}}`), &r), tandem.ErrInvalid)
	require.ErrorIs(t, json.Unmarshal([]byte(`{"type":"leg_ended","data":{"cause":"boredom"}}`), &r), tandem.ErrInvalid)
}

func FuzzRecord(f *testing.F) {
	for _, e := range everyEvent() {
		b, err := json.Marshal(tandem.Record{Seq: 1, At: time.Unix(1, 0).UTC(), Event: e})
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r tandem.Record
		if json.Unmarshal(b, &r) != nil {
			return
		}
		out, err := json.Marshal(r)
		if err != nil {
			return // a year past 9999 can be read by no JSON writer
		}
		var again tandem.Record
		require.NoError(t, json.Unmarshal(out, &again))
		require.Equal(t, r.Event.Kind(), again.Event.Kind())
	})
}

// enum is what every enumeration of the package offers; P is its pointer.
type enum[T any] interface {
	*T
	encoding.TextUnmarshaler
}

func roundTrip[T interface {
	~uint8
	fmt.Stringer
	encoding.TextMarshaler
}, P enum[T]](t *testing.T) {
	t.Helper()
	n := 0
	for v := range 255 {
		x := T(v)
		if strings.ContainsRune(x.String(), '(') {
			break
		}
		n++
		b, err := x.MarshalText()
		require.NoError(t, err)
		var back T
		require.NoError(t, P(&back).UnmarshalText(b))
		require.Equal(t, x, back)
	}
	require.Greater(t, n, 1, "%s has names", reflect.TypeFor[T]())
	var x T
	require.ErrorIs(t, P(&x).UnmarshalText([]byte("nonsense")), tandem.ErrInvalid)
}

func TestEnums_NamesGoBothWays(t *testing.T) {
	t.Parallel()
	roundTrip[tandem.AgentState](t)
	roundTrip[tandem.LegState](t)
	roundTrip[tandem.CampaignState](t)
	roundTrip[tandem.Outcome](t)
	roundTrip[tandem.Cause](t)
	roundTrip[tandem.Party](t)
	roundTrip[tandem.Direction](t)
	roundTrip[tandem.LeaveReason](t)
	roundTrip[tandem.SoundKind](t)
}

func TestCause_Q850GoesBothWays(t *testing.T) {
	t.Parallel()
	// The causes that are ours alone come back as the nearest that the network knows.
	ours := map[tandem.Cause]tandem.Cause{ //nolint:exhaustive // the others come back as themselves
		tandem.CauseCancelled: tandem.CauseFailed, tandem.CauseInterrupted: tandem.CauseNetwork,
		tandem.CauseQueueFull: tandem.CauseCongestion, tandem.CauseMachine: tandem.CauseNormal,
	}
	for c := tandem.CauseNormal; c <= tandem.CauseMachine; c++ {
		q := c.Q850()
		require.Positive(t, q)
		require.LessOrEqual(t, q, 127)
		want, special := ours[c]
		if !special {
			want = c
		}
		require.Equal(t, want, tandem.CauseFromQ850(q), "%s is Q.850 %d", c, q)
	}
	for v, want := range map[int]tandem.Cause{
		-1: tandem.CauseUnset, 0: tandem.CauseUnset, 128: tandem.CauseUnset, 31: tandem.CauseNormal, 18: tandem.CauseNoAnswer,
		47: tandem.CauseCongestion, 50: tandem.CauseForbidden, 111: tandem.CauseFailed, 22: tandem.CauseUnallocated,
	} {
		require.Equal(t, want, tandem.CauseFromQ850(v), "Q.850 %d", v)
	}
}

func TestStates_EndIsEnd(t *testing.T) {
	t.Parallel()
	for s := tandem.LegUnset; s <= tandem.LegStateEnded; s++ {
		require.False(t, tandem.LegStateEnded.CanBecome(s), "an ended leg cannot become %s", s)
		require.False(t, s.CanBecome(s), "%s to itself is no change", s)
	}
	for s := tandem.AgentLoggedOut; s <= tandem.AgentUnavailable; s++ {
		require.Equal(t, s != tandem.AgentLoggedOut, s.CanBecome(tandem.AgentLoggedOut), "%s may log out", s)
	}
	require.False(t, tandem.AgentReserved.CanBecome(tandem.AgentReserved), "an agent is never reserved twice")
	require.False(t, tandem.AgentOnCall.CanBecome(tandem.AgentReserved), "an agent on a call is never reserved")
	require.False(t, tandem.CampaignArchived.CanBecome(tandem.CampaignActive))
}

func TestNumber_IsMaskedInLogs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "************01", tandem.Number("+5491155550101").Masked())
	require.Equal(t, "********01", tandem.Number("1155550101").LogValue().String())
	require.Equal(t, "**", tandem.Number("12").Masked())
	require.Equal(t, "********01", tandem.CallerID{Number: "1155550101", Name: "Ana"}.LogValue().Resolve().String())
}

func TestDial_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := tandem.Dial{Leg: "l", Call: "c", To: tandem.Endpoint{Trunk: "t", Number: "1"}}
	require.NoError(t, good.Validate())
	for what, d := range map[string]func(*tandem.Dial){
		"dial.leg":             func(d *tandem.Dial) { d.Leg = "" },
		"dial.call":            func(d *tandem.Dial) { d.Call = "" },
		"dial.timeout":         func(d *tandem.Dial) { d.Timeout = -1 },
		"dial.subject":         func(d *tandem.Dial) { d.Subject = strings.Repeat("x", 201) },
		"dial.endpoint":        func(d *tandem.Dial) { d.To = tandem.Endpoint{} },
		"both":                 func(d *tandem.Dial) { d.To.Agent = "ann" },
		"dial.endpoint.number": func(d *tandem.Dial) { d.To.Number = "" },
		"for agent ann":        func(d *tandem.Dial) { d.To = tandem.Endpoint{Agent: "ann", Number: "1"} },
	} {
		bad := good
		d(&bad)
		err := bad.Validate()
		require.ErrorIs(t, err, tandem.ErrInvalid)
		require.ErrorContains(t, err, what)
	}
}

func TestRequirement_SaysWhatIsWrongAndWhoWillDo(t *testing.T) {
	t.Parallel()
	for _, bad := range []tandem.Requirement{{Min: 1}, {Skill: "es", Min: 101}, {Skill: "es", Max: 101}, {Skill: "es", Min: 50, Max: 40}} {
		require.ErrorIs(t, bad.Validate(), tandem.ErrInvalid, "%+v", bad)
	}
	for _, test := range []struct {
		r    tandem.Requirement
		has  map[tandem.SkillID]uint8
		want bool
	}{
		{tandem.Requirement{Skill: "es", Min: 50}, nil, false},
		{tandem.Requirement{Skill: "es", Min: 50}, map[tandem.SkillID]uint8{"es": 49}, false},
		{tandem.Requirement{Skill: "es", Min: 50}, map[tandem.SkillID]uint8{"es": 50}, true},
		{tandem.Requirement{Skill: "es", Min: 50, Max: 60}, map[tandem.SkillID]uint8{"es": 61}, false},
		{tandem.Requirement{Skill: "es", Max: 10}, nil, true},
	} {
		require.NoError(t, test.r.Validate())
		require.Equal(t, test.want, test.r.MetBy(test.has), "%+v, agent has %v", test.r, test.has)
	}
}

func TestHandlers_StopAtTheFirstError(t *testing.T) {
	t.Parallel()
	var seen []string
	take := func(name string, err error) tandem.Handler {
		return tandem.HandlerFunc(func(context.Context, ...tandem.Record) error {
			seen = append(seen, name)
			return err
		})
	}
	full := errors.New("disk full")
	h := tandem.Handlers{take("journal", nil), take("acd", full), take("campaign", nil)}
	require.ErrorIs(t, h.Handle(t.Context(), tandem.Record{}), full)
	require.Equal(t, []string{"journal", "acd"}, seen)
}

func TestRandomIDs_AreUnique(t *testing.T) {
	t.Parallel()
	next := tandem.RandomIDs()
	seen := map[string]bool{}
	for range 10_000 {
		id := next()
		require.Len(t, id, 26)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestRandomIDs_SortByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := tandem.RandomIDs()
		first := next()
		time.Sleep(time.Millisecond)
		require.Less(t, first, next())
	})
}

func TestErrors_NameWhatAndWhere(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("sipbridge: %w", &tandem.CallError{Op: "bridge", Call: "c1", Leg: "l1", Cause: tandem.CauseFailed, Err: tandem.ErrState})
	require.ErrorIs(t, err, tandem.ErrState)
	require.EqualError(t, err, "sipbridge: bridge l1: failed: not possible in this state")
	require.EqualError(t, &tandem.CallError{Op: "offer", Call: "c1", Err: tandem.ErrNotFound}, "offer c1: not found")
	require.True(t, tandem.IsGone(&tandem.CallError{Op: "hang up", Leg: "l", Err: tandem.ErrNotFound}))
	bad := &tandem.ConfigError{Where: "routes[2].queue", What: `queue "sales" does not exist`, Err: tandem.ErrNotFound}
	require.ErrorIs(t, bad, tandem.ErrNotFound)
}

func ExampleRecord() {
	b, err := json.Marshal(tandem.Record{
		Seq: 7, At: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC),
		Event: tandem.LegEnded{Leg: "l1", Cause: tandem.CauseFromQ850(17), Detail: "SIP 486 Busy Here"},
	})
	fmt.Println(string(b), err)
	// Output: {"seq":7,"at":"2026-11-20T09:30:00Z","type":"leg_ended","data":{"leg":"l1","cause":"busy","detail":"SIP 486 Busy Here"}} <nil>
}
