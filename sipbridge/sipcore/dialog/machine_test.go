package dialog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// show writes actions in short, so that tables can be read: "send INVITE 1",
// "respond 200 tx1", "ended remote". Timers are left out unless asked for.
func show(actions []dialog.Action, timers ...dialog.Timer) string {
	var out []string
	for _, a := range actions {
		switch a := a.(type) {
		case dialog.Send:
			s := fmt.Sprintf("send %s %d", a.Method, a.Seq)
			if a.Tag != "" {
				s += " to " + a.Tag
			}
			if len(a.Body) > 0 {
				s += " with " + string(a.Body)
			}
			out = append(out, s)
		case dialog.Cancel:
			out = append(out, fmt.Sprintf("cancel %d", a.Seq))
		case dialog.Respond:
			s := fmt.Sprintf("respond %d %s", a.Status, a.Tx)
			if len(a.Body) > 0 {
				s += " with " + string(a.Body)
			}
			out = append(out, s)
		case dialog.Retransmit:
			out = append(out, "retransmit "+string(a.Tx))
		case dialog.StartTimer:
			for _, t := range timers {
				if t == a.Timer {
					out = append(out, fmt.Sprintf("timer %d %s", a.Timer, a.After))
				}
			}
		case dialog.StopTimer:
		case dialog.Done:
			out = append(out, "done")
		case dialog.Progressed:
			out = append(out, fmt.Sprintf("progressed %d %s", a.Status, a.Tag))
		case dialog.Answered:
			out = append(out, fmt.Sprintf("answered %s offer=%v", a.SDP, a.Offer))
		case dialog.Confirmed:
			out = append(out, strings.TrimSpace("confirmed "+string(a.SDP)))
		case dialog.AskReoffer:
			out = append(out, fmt.Sprintf("ask %s %s", a.Tx, a.Offer))
		case dialog.ReofferDone:
			out = append(out, fmt.Sprintf("reoffered %d %s", a.Status, a.SDP))
		case dialog.GotDigit:
			out = append(out, fmt.Sprintf("digit %c", a.Digit))
		case dialog.Ended:
			s := fmt.Sprintf("ended %s", a.Reason)
			if a.Status != 0 {
				s += fmt.Sprintf(" %d", a.Status)
			}
			if !a.Cause.IsZero() {
				s += " " + a.Cause.String()
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, "; ")
}

// row is one step: an event and what must come of it.
type row struct {
	ev   dialog.Event
	want string
}

func res(method string, seq uint32, status int, tag string, change ...func(*dialog.Message)) dialog.Event {
	m := dialog.Message{Method: method, Seq: seq, Status: status, Tag: tag, Contact: "sip:" + tag + "@peer"}
	for _, c := range change {
		c(&m)
	}
	return dialog.Received{Message: m}
}

func req(method string, seq uint32, tag, tx string, change ...func(*dialog.Message)) dialog.Event {
	m := dialog.Message{Method: method, Seq: seq, Tag: tag, Tx: dialog.TxID(tx), Contact: "sip:" + tag + "@peer"}
	for _, c := range change {
		c(&m)
	}
	return dialog.Received{Message: m}
}

func sdp(s string) func(*dialog.Message) {
	return func(m *dialog.Message) { m.BodyType, m.Body = dialog.SDPType, []byte(s) }
}

func reliable(rseq uint32) func(*dialog.Message) { return func(m *dialog.Message) { m.RSeq = rseq } }

func session(d time.Duration, r dialog.Refresher) func(*dialog.Message) {
	return func(m *dialog.Message) {
		m.Session, m.SupportsTimer = dialog.SessionExpires{Interval: d, Refresher: r}, true
	}
}

func takesUpdate(m *dialog.Message) { m.AllowsUpdate = true }

func authorizable(m *dialog.Message) { m.Authorizable = true }

func bye(m *dialog.Message) { m.Cause = dialog.Cause{Q850: 17} }

// play runs rows on a machine.
func play(t *testing.T, m *dialog.Machine, rows []row, timers ...dialog.Timer) {
	t.Helper()
	for i, r := range rows {
		got, err := m.Step(r.ev)
		require.NoError(t, err, "step %d: %+v", i, r.ev)
		require.Equal(t, r.want, show(got, timers...), "step %d: %+v", i, r.ev)
	}
}

func uac() *dialog.Machine { return dialog.New(dialog.Config{Role: dialog.RoleUAC}) }

func uas() *dialog.Machine { return dialog.New(dialog.Config{Role: dialog.RoleUAS}) }

var (
	dial   = row{dialog.Dial{SDP: []byte("offer")}, "send INVITE 1 with offer"}
	ring   = row{res("INVITE", 1, 180, "a"), "progressed 180 a"}
	answer = row{res("INVITE", 1, 200, "a", sdp("answer")), "send ACK 1 to a; answered answer offer=false"}

	invited  = row{req("INVITE", 1, "p", "i", sdp("offer")), ""}
	accept   = row{dialog.Accept{SDP: []byte("answer")}, "respond 200 i with answer"}
	ack      = row{req("ACK", 1, "p", ""), "confirmed"}
	linger   = row{dialog.Fired{Timer: dialog.TimerLinger}, ""}
	byeSent  = row{dialog.Hangup{}, "ended local; send BYE 2 to a"}
	byeFinal = row{res("BYE", 2, 200, "a"), ""}
)

func TestMachine_UAC(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		rows []row
		end  dialog.State
	}{
		{"plain call, peer hangs up", []row{
			dial,
			{res("INVITE", 1, 100, ""), ""},
			ring, answer,
			{req("BYE", 7, "a", "b", bye), `respond 200 b; ended remote Q.850;cause=17`},
			{dialog.Fired{Timer: dialog.TimerLinger}, "done"},
		}, dialog.StateEnded},
		{"plain call, we hang up, after the time of late answers", []row{
			dial, ring, answer, linger, byeSent, {res("BYE", 2, 200, "a"), "done"},
		}, dialog.StateEnded},
		{"BYE without an answer", []row{
			dial, answer, linger, byeSent, {dialog.Failed{Method: "BYE", Seq: 2, Timeout: true}, "done"},
		}, dialog.StateEnded},
		{"busy", []row{dial, ring, {res("INVITE", 1, 486, "a"), "ended rejected 486; done"}}, dialog.StateEnded},
		{"nobody there", []row{dial, {dialog.Failed{Method: "INVITE", Seq: 1, Timeout: true}, "ended timeout; done"}}, dialog.StateEnded},
		{"no transport", []row{dial, {dialog.Failed{Method: "INVITE", Seq: 1}, "ended transport; done"}}, dialog.StateEnded},
		{"2xx that comes again is acknowledged again (13.2.2.4)", []row{
			dial, answer, {res("INVITE", 1, 200, "a"), "send ACK 1 to a"}, {res("INVITE", 1, 200, "a"), "send ACK 1 to a"},
		}, dialog.StateConfirmed},
		{"forks ring apart, the second answer is hung up", []row{
			dial, ring,
			{res("INVITE", 1, 183, "b", sdp("early")), "progressed 183 b"},
			answer,
			{res("INVITE", 1, 200, "b"), "send ACK 1 to b; send BYE 2 to b"},
			{res("INVITE", 1, 200, "b"), "send ACK 1 to b"},
			{res("INVITE", 1, 180, "c"), ""},
		}, dialog.StateConfirmed},
		{"a fork that answers after our BYE is hung up too", []row{
			dial, answer, byeSent, byeFinal,
			{res("INVITE", 1, 200, "b"), "send ACK 1 to b; send BYE 2 to b"},
			{dialog.Fired{Timer: dialog.TimerLinger}, "done"},
		}, dialog.StateEnded},
		{"cancel waits for a provisional answer (9.1)", []row{
			dial,
			{dialog.Hangup{}, "ended local"},
			{res("INVITE", 1, 100, ""), "cancel 1"},
			{res("INVITE", 1, 180, "a"), ""},
			{res("INVITE", 1, 487, "a"), "done"},
		}, dialog.StateEnded},
		{"cancel crosses the 2xx (RFC 5407 3.1.2)", []row{
			dial, ring,
			{dialog.Hangup{}, "ended local; cancel 1"},
			{res("INVITE", 1, 200, "a"), "send ACK 1 to a; send BYE 2 to a"},
			{dialog.Fired{Timer: dialog.TimerLinger}, "done"},
		}, dialog.StateEnded},
		{"cancel is never answered", []row{
			dial, ring, {dialog.Hangup{}, "ended local; cancel 1"}, {dialog.Fired{Timer: dialog.TimerLinger}, "done"},
		}, dialog.StateEnded},
		{"hanging up twice does nothing more", []row{
			dial, ring, {dialog.Hangup{}, "ended local; cancel 1"}, {dialog.Hangup{}, ""},
		}, dialog.StateEnding},
		{"delayed offer: the ACK carries our answer", []row{
			{dialog.Dial{}, "send INVITE 1"},
			{res("INVITE", 1, 200, "a", sdp("theirs")), "answered theirs offer=true"},
			{res("INVITE", 1, 200, "a", sdp("theirs")), ""},
			{dialog.Acknowledge{SDP: []byte("ours")}, "send ACK 1 to a with ours"},
			{res("INVITE", 1, 200, "a", sdp("theirs")), "send ACK 1 to a with ours"},
		}, dialog.StateConfirmed},
		{"delayed offer that nobody answers is acknowledged and hung up", []row{
			{dialog.Dial{}, "send INVITE 1"},
			{res("INVITE", 1, 200, "a", sdp("theirs")), "answered theirs offer=true"},
			{dialog.Fired{Timer: dialog.TimerACK}, "ended timeout; send ACK 1 to a; send BYE 2 to a"},
		}, dialog.StateEnding},
		{"reliable provisional answers are acknowledged once and in order (RFC 3262)", []row{
			dial,
			{res("INVITE", 1, 183, "a", reliable(10)), "send PRACK 2 to a; progressed 183 a"},
			{res("INVITE", 1, 183, "a", reliable(10)), ""},
			{res("INVITE", 1, 180, "a", reliable(12)), ""},
			{res("INVITE", 1, 180, "a", reliable(11)), "send PRACK 3 to a; progressed 180 a"},
			{res("INVITE", 1, 200, "a", sdp("x")), "send ACK 1 to a; answered x offer=false"},
			{dialog.Hangup{}, "ended local; send BYE 4 to a"},
		}, dialog.StateEnding},
		{"challenge is answered twice, no more", []row{
			dial,
			{res("INVITE", 1, 407, "x", authorizable), "send INVITE 2 with offer"},
			{res("INVITE", 1, 180, "x"), ""},
			{res("INVITE", 2, 407, "x", authorizable), "send INVITE 3 with offer"},
			{res("INVITE", 3, 407, "x", authorizable), "ended rejected 407; done"},
		}, dialog.StateEnded},
		{"challenge without credentials ends the call", []row{dial, {res("INVITE", 1, 401, "x"), "ended rejected 401; done"}}, dialog.StateEnded},
		{"BYE that is challenged is sent again", []row{
			dial, answer, linger, byeSent, {res("BYE", 2, 407, "a", authorizable), "send BYE 3 to a"}, {res("BYE", 3, 200, "a"), "done"},
		}, dialog.StateEnded},
		{"BYE and BYE cross (RFC 5407 3.1.6)", []row{
			dial, answer, linger, byeSent, {req("BYE", 1, "a", "b"), "respond 200 b"}, {res("BYE", 2, 481, "a"), "done"},
		}, dialog.StateEnded},
		{"BYE in the early dialog of a branch", []row{
			dial, ring, {req("BYE", 1, "a", "b"), "respond 200 b; ended remote; cancel 1"}, {res("INVITE", 1, 487, "a"), "done"},
		}, dialog.StateEnded},
		{"re-INVITE of the peer while our BYE is under way (RFC 5407 3.1.5)", []row{
			dial, answer, byeSent, {req("INVITE", 1, "a", "b", sdp("x")), "respond 481 b"},
		}, dialog.StateEnding},
		{"requests of a foreign tag do not exist", []row{dial, answer, {req("BYE", 1, "other", "b"), "respond 481 b"}}, dialog.StateConfirmed},
		{"requests out of order", []row{
			dial, answer, {req("INFO", 5, "a", "b"), "respond 200 b"}, {req("INFO", 4, "a", "c"), "respond 500 c"},
		}, dialog.StateConfirmed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := uac()
			play(t, m, c.rows)
			require.Equal(t, c.end, m.State())
		})
	}
}

func TestMachine_UAS(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		rows []row
		end  dialog.State
	}{
		{"plain call, we hang up", []row{
			invited,
			{dialog.Progress{Status: 180}, "respond 180 i"},
			accept, ack,
			{dialog.Hangup{Cause: dialog.Cause{Q850: 16}}, "ended local Q.850;cause=16; send BYE 1 to p"},
			{res("BYE", 1, 200, "p"), "done"},
		}, dialog.StateEnded},
		{"early media", []row{invited, {dialog.Progress{Status: 183, SDP: []byte("early")}, "respond 183 i with early"}}, dialog.StateEarly},
		{"refused", []row{invited, {dialog.Refuse{Status: 486}, "ended local 486; respond 486 i; done"}}, dialog.StateEnded},
		{"hung up before the answer", []row{invited, {dialog.Hangup{}, "ended local; respond 480 i; done"}}, dialog.StateEnded},
		{"cancelled", []row{
			invited,
			{dialog.Progress{Status: 180}, "respond 180 i"},
			{dialog.Cancelled{Cause: dialog.Cause{SIP: 200}}, "ended cancelled 487 SIP;cause=200; respond 487 i; done"},
		}, dialog.StateEnded},
		{"CANCEL after our 2xx has no effect (RFC 5407 3.1.2)", []row{invited, accept, {dialog.Cancelled{}, ""}, ack}, dialog.StateConfirmed},
		{"BYE before the answer ends the INVITE with 487 (RFC 3261 15.1.2)", []row{
			invited,
			{dialog.Progress{Status: 180}, "respond 180 i"},
			{req("BYE", 2, "p", "b"), "respond 200 b; respond 487 i; ended cancelled 487; done"},
		}, dialog.StateEnded},
		{"BYE before the ACK (RFC 5407 3.1.3)", []row{
			invited, accept, {req("BYE", 2, "p", "b"), "respond 200 b; ended remote; done"}, {req("ACK", 1, "p", ""), ""},
		}, dialog.StateEnded},
		{"our BYE waits for the ACK (RFC 3261 15)", []row{
			invited, accept,
			{dialog.Hangup{}, "ended local"},
			{dialog.Fired{Timer: dialog.TimerResend}, "retransmit i"},
			{req("ACK", 1, "p", ""), "send BYE 1 to p"},
			{res("BYE", 1, 200, "p"), "done"},
		}, dialog.StateEnded},
		{"our BYE that waits meets theirs", []row{
			invited, accept, {dialog.Hangup{}, "ended local"}, {req("BYE", 2, "p", "b"), "respond 200 b; done"},
		}, dialog.StateEnded},
		{"no ACK: the call is hung up (RFC 3261 13.3.1.4)", []row{
			invited, accept,
			{dialog.Fired{Timer: dialog.TimerResend}, "retransmit i"},
			{dialog.Fired{Timer: dialog.TimerACK}, "ended no_ack; send BYE 1 to p"},
			{dialog.Failed{Method: "BYE", Seq: 1, Timeout: true}, "done"},
		}, dialog.StateEnded},
		{"ACK twice", []row{invited, accept, ack, {req("ACK", 1, "p", ""), ""}}, dialog.StateConfirmed},
		{"delayed offer: the ACK brings the answer", []row{
			{req("INVITE", 1, "p", "i"), ""},
			{dialog.Accept{SDP: []byte("our offer")}, "respond 200 i with our offer"},
			{req("ACK", 1, "p", "", sdp("their answer")), "confirmed their answer"},
		}, dialog.StateConfirmed},
		{"re-INVITE before the ACK of the first (RFC 5407 3.1.4)", []row{
			invited, accept, {req("INVITE", 2, "p", "r", sdp("x")), "respond 491 r"}, ack,
		}, dialog.StateConfirmed},
		{"hold and resume", []row{
			invited, accept, ack,
			{req("INVITE", 2, "p", "r", sdp("hold")), "ask r hold"},
			{dialog.AnswerReoffer{Tx: "r", Status: 200, SDP: []byte("held")}, "respond 200 r with held"},
			{dialog.Fired{Timer: dialog.TimerResend}, "retransmit r"},
			{req("ACK", 2, "p", ""), ""},
			{dialog.Fired{Timer: dialog.TimerResend}, ""},
		}, dialog.StateConfirmed},
		{"offer refused leaves the call as it was", []row{
			invited, accept, ack,
			{req("INVITE", 2, "p", "r", sdp("video")), "ask r video"},
			{dialog.AnswerReoffer{Tx: "r", Status: 488}, "respond 488 r"},
		}, dialog.StateConfirmed},
		{"re-INVITE without SDP: we offer, the ACK answers", []row{
			invited, accept, ack,
			{req("INVITE", 2, "p", "r"), "ask r "},
			{dialog.AnswerReoffer{Tx: "r", Status: 200, SDP: []byte("ours")}, "respond 200 r with ours"},
			{req("ACK", 2, "p", "", sdp("theirs")), "confirmed theirs"},
		}, dialog.StateConfirmed},
		{"two offers at once of the peer", []row{
			invited, accept, ack,
			{req("INVITE", 2, "p", "r", sdp("one")), "ask r one"},
			{req("UPDATE", 3, "p", "u", sdp("two")), "respond 500 u"},
		}, dialog.StateConfirmed},
		{"BYE while the offer waits", []row{
			invited, accept, ack,
			{req("INVITE", 2, "p", "r", sdp("one")), "ask r one"},
			{req("BYE", 3, "p", "b"), "respond 200 b; respond 487 r; ended remote; done"},
			{dialog.AnswerReoffer{Tx: "r", Status: 200}, ""},
		}, dialog.StateEnded},
		{"ACK of the re-INVITE never comes", []row{
			invited, accept, ack,
			{req("INVITE", 2, "p", "r", sdp("x")), "ask r x"},
			{dialog.AnswerReoffer{Tx: "r", Status: 200, SDP: []byte("y")}, "respond 200 r with y"},
			{dialog.Fired{Timer: dialog.TimerACK}, "ended no_ack; send BYE 1 to p"},
		}, dialog.StateEnding},
		{"UPDATE without SDP refreshes", []row{invited, accept, ack, {req("UPDATE", 2, "p", "u"), "respond 200 u"}}, dialog.StateConfirmed},
		{"UPDATE with SDP asks", []row{
			invited, accept, ack,
			{req("UPDATE", 2, "p", "u", sdp("new")), "ask u new"},
			{dialog.AnswerReoffer{Tx: "u", Status: 200, SDP: []byte("yes")}, "respond 200 u with yes"},
		}, dialog.StateConfirmed},
		{"UPDATE with SDP before the answer (RFC 3311 5.2)", []row{invited, {req("UPDATE", 2, "p", "u", sdp("new")), "respond 500 u"}}, dialog.StateCalling},
		{"digits", []row{
			invited, accept, ack,
			{req("INFO", 2, "p", "d", func(m *dialog.Message) {
				m.BodyType, m.Body = dialog.DTMFRelayType, []byte("Signal=#\r\nDuration=250\r\n")
			}), "respond 200 d; digit #"},
			{req("INFO", 3, "p", "e", func(m *dialog.Message) { m.BodyType, m.Body = dialog.DTMFType, []byte("x") }), "respond 400 e"},
			{req("INFO", 4, "p", "f", func(m *dialog.Message) { m.BodyType, m.Body = "text/plain", []byte("x") }), "respond 415 f"},
		}, dialog.StateConfirmed},
		{"PRACK, NOTIFY and REFER have nothing to refer to", []row{
			invited, accept, ack,
			{req("PRACK", 2, "p", "a"), "respond 481 a"},
			{req("NOTIFY", 3, "p", "b"), "respond 481 b"},
			{req("REFER", 4, "p", "c"), "respond 405 c"},
			{req("OPTIONS", 5, "p", "d"), "respond 200 d"},
		}, dialog.StateConfirmed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := uas()
			play(t, m, c.rows)
			require.Equal(t, c.end, m.State())
		})
	}
}

func TestMachine_AnswerIsRepeatedByDoublingUpToT2(t *testing.T) {
	t.Parallel()
	m := uas()
	play(t, m, []row{invited})
	var at []string
	actions, err := m.Step(dialog.Accept{SDP: []byte("answer")})
	require.NoError(t, err)
	for range 6 {
		for _, a := range actions {
			if s, ok := a.(dialog.StartTimer); ok && s.Timer == dialog.TimerResend {
				at = append(at, s.After.String())
			}
		}
		actions, err = m.Step(dialog.Fired{Timer: dialog.TimerResend})
		require.NoError(t, err)
	}
	require.Equal(t, "500ms 1s 2s 4s 4s 4s", strings.Join(at, " "))
}

func TestMachine_GlareIsSettledByWaitingDifferently(t *testing.T) {
	t.Parallel()
	offer := row{dialog.Reoffer{SDP: []byte("new")}, "send INVITE 2 to a with new"}
	m := uac()
	play(t, m, []row{
		dial, answer, offer,
		{req("INVITE", 1, "a", "r", sdp("theirs")), "respond 491 r"},
		{res("INVITE", 2, 491, "a"), "timer 5 3.05s"},
		{req("INVITE", 2, "a", "r2", sdp("theirs")), "respond 491 r2"},
		{dialog.Fired{Timer: dialog.TimerGlare}, "send INVITE 3 to a with new"},
		{res("INVITE", 3, 200, "a", sdp("ok")), "send ACK 3 to a; reoffered 200 ok"},
		{res("INVITE", 3, 200, "a", sdp("ok")), "send ACK 3 to a"},
	}, dialog.TimerGlare)
	m = uas()
	play(t, m, []row{
		invited, accept, ack,
		{dialog.Reoffer{SDP: []byte("new")}, "send INVITE 1 to p with new"},
		{res("INVITE", 1, 491, "p"), "timer 5 1s"},
		{dialog.Fired{Timer: dialog.TimerGlare}, "send INVITE 2 to p with new"},
		{res("INVITE", 2, 488, "p"), "reoffered 488 "},
	}, dialog.TimerGlare)
	require.Equal(t, dialog.StateConfirmed, m.State())
}

func TestMachine_ReofferThatFindsNoDialogEndsTheCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ev   dialog.Event
		want string
	}{
		{res("INVITE", 2, 481, "a"), "reoffered 481 ; ended remote; send BYE 3 to a"},
		{dialog.Failed{Method: "INVITE", Seq: 2, Timeout: true}, "reoffered 408 ; ended timeout; send BYE 3 to a"},
		{res("INVITE", 2, 401, "a", authorizable), "send INVITE 3 to a with new"},
	} {
		play(t, uac(), []row{dial, answer, {dialog.Reoffer{SDP: []byte("new")}, "send INVITE 2 to a with new"}, {c.ev, c.want}})
	}
}

func TestMachine_SessionTimersInBothRoles(t *testing.T) {
	t.Parallel()
	both := []dialog.Timer{dialog.TimerRefresh, dialog.TimerExpire}
	t.Run("we refresh by UPDATE as UAC", func(t *testing.T) {
		t.Parallel()
		m := dialog.New(dialog.Config{Role: dialog.RoleUAC, Session: 30 * time.Minute})
		play(t, m, []row{
			dial,
			{
				res("INVITE", 1, 200, "a", sdp("x"), takesUpdate, session(120*time.Second, dialog.RefresherUAC)),
				"send ACK 1 to a; answered x offer=false; timer 3 1m0s",
			},
			{dialog.Fired{Timer: dialog.TimerRefresh}, "send UPDATE 2 to a"},
			{res("UPDATE", 2, 200, "a", session(120*time.Second, dialog.RefresherUAC)), "timer 3 1m0s"},
			{dialog.Fired{Timer: dialog.TimerRefresh}, "send UPDATE 3 to a"},
			{res("UPDATE", 3, 405, "a"), "send INVITE 4 to a with offer"},
			{res("INVITE", 4, 200, "a", session(120*time.Second, dialog.RefresherUAC)), "send ACK 4 to a; timer 3 1m0s"},
			{dialog.Fired{Timer: dialog.TimerRefresh}, "send INVITE 5 to a with offer"},
			{res("INVITE", 5, 408, "a"), "ended remote; send BYE 6 to a"},
		}, both...)
	})
	t.Run("the peer refreshes by UPDATE, as JsSIP does", func(t *testing.T) {
		t.Parallel()
		m := uas()
		play(t, m, []row{
			{req("INVITE", 1, "p", "i", sdp("offer"), session(90*time.Second, dialog.RefresherUAC)), ""},
			{dialog.Accept{SDP: []byte("answer")}, "respond 200 i with answer; timer 4 1m0s"},
			ack,
			{req("UPDATE", 2, "p", "u", session(90*time.Second, dialog.RefresherUAC)), "timer 4 1m0s; respond 200 u"},
			{dialog.Fired{Timer: dialog.TimerExpire}, "ended expired; send BYE 1 to p"},
		}, both...)
	})
	t.Run("the peer wants us to refresh", func(t *testing.T) {
		t.Parallel()
		m := uas()
		play(t, m, []row{
			{req("INVITE", 1, "p", "i", sdp("offer"), takesUpdate, session(100*time.Second, dialog.RefresherUAS)), ""},
			{dialog.Accept{SDP: []byte("answer")}, "respond 200 i with answer; timer 3 50s"},
			ack,
			{dialog.Fired{Timer: dialog.TimerRefresh}, "send UPDATE 1 to p"},
			{dialog.Failed{Method: "UPDATE", Seq: 1, Timeout: true}, "ended timeout; send BYE 2 to p"},
		}, both...)
	})
	t.Run("too short is refused with 422", func(t *testing.T) {
		t.Parallel()
		m := uas()
		got, err := m.Step(req("INVITE", 1, "p", "i", sdp("offer"), session(30*time.Second, dialog.RefresherUnset)))
		require.NoError(t, err)
		require.Equal(t, "respond 422 i; done", show(got))
		require.Contains(t, fmt.Sprint(got), "{Min-SE 90}")
	})
	t.Run("422 from the peer raises what we ask for", func(t *testing.T) {
		t.Parallel()
		m := dialog.New(dialog.Config{Role: dialog.RoleUAC, Session: 90 * time.Second})
		play(t, m, []row{dial, {res("INVITE", 1, 422, "a", func(m *dialog.Message) { m.MinSE = 5 * time.Minute }), "send INVITE 2 with offer"}})
	})
}

func TestMachine_TargetAndRoutesFollowTheRFC(t *testing.T) {
	t.Parallel()
	m := uac()
	_, err := m.Step(dial.ev)
	require.NoError(t, err)
	_, err = m.Step(res("INVITE", 1, 200, "a", sdp("x"), func(m *dialog.Message) { m.Routes = []string{"<sip:p1;lr>", "<sip:p2;lr>"} }))
	require.NoError(t, err)
	require.Equal(t, "sip:a@peer", m.Target())
	_, err = m.Step(req("UPDATE", 1, "a", "u", func(m *dialog.Message) { m.Contact = "sip:moved@peer" }))
	require.NoError(t, err)
	got, err := m.Step(dialog.Hangup{})
	require.NoError(t, err)
	bye, ok := got[len(got)-1].(dialog.Send)
	require.True(t, ok)
	require.Equal(t, "sip:moved@peer", bye.Target)
	require.Equal(t, []string{"<sip:p2;lr>", "<sip:p1;lr>"}, bye.Routes, "the UAC reverses the recorded route")
}

func TestMachine_CommandsThatDoNotFitChangeNothing(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]dialog.Event{
		"accept as UAC": dialog.Accept{}, "progress as UAC": dialog.Progress{Status: 180}, "refuse as UAC": dialog.Refuse{Status: 486},
		"offer while ringing": dialog.Reoffer{SDP: []byte("x")}, "digit while ringing": dialog.SendDigit{Digit: '1'},
		"acknowledge nothing": dialog.Acknowledge{}, "dial twice": dialog.Dial{},
	} {
		m := uac()
		play(t, m, []row{dial, ring})
		got, err := m.Step(ev)
		require.ErrorIs(t, err, dialog.ErrState, name)
		require.Empty(t, got, name)
		require.Equal(t, dialog.StateEarly, m.State(), name)
	}
}
