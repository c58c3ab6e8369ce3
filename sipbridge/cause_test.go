package sipbridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

func TestCause_StatusOfARefusal(t *testing.T) {
	t.Parallel()
	for cause, want := range map[tandem.Cause]int{
		tandem.CauseUnset: 480, tandem.CauseNormal: 480, tandem.CauseBusy: 486, tandem.CauseNoAnswer: 480,
		tandem.CauseRejected: 603, tandem.CauseCancelled: 480, tandem.CauseElsewhere: 480, tandem.CauseUnavailable: 480,
		tandem.CauseUnallocated: 404, tandem.CauseInvalidNumber: 484, tandem.CauseForbidden: 403,
		tandem.CauseIncompatible: 488, tandem.CauseCongestion: 503, tandem.CauseNetwork: 502, tandem.CauseFailed: 500,
		tandem.CauseTimeout: 504, tandem.CauseInterrupted: 503, tandem.CauseQueueFull: 503, tandem.CauseMachine: 480,
		tandem.Cause(200): 480,
	} {
		require.Equal(t, want, sipbridge.StatusFor(cause), "status for %s", cause)
	}
}

func TestCause_OfAStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]tandem.Cause{
		400: tandem.CauseFailed, 401: tandem.CauseForbidden, 403: tandem.CauseForbidden, 404: tandem.CauseUnallocated,
		407: tandem.CauseForbidden, 408: tandem.CauseTimeout, 410: tandem.CauseUnallocated, 415: tandem.CauseIncompatible,
		480: tandem.CauseUnavailable, 481: tandem.CauseFailed, 484: tandem.CauseInvalidNumber, 486: tandem.CauseBusy,
		487: tandem.CauseCancelled, 488: tandem.CauseIncompatible, 500: tandem.CauseFailed, 502: tandem.CauseNetwork,
		503: tandem.CauseCongestion, 504: tandem.CauseNetwork, 600: tandem.CauseBusy, 603: tandem.CauseRejected,
		604: tandem.CauseUnallocated, 606: tandem.CauseIncompatible, 607: tandem.CauseRejected, 699: tandem.CauseFailed,
	} {
		require.Equal(t, want, sipbridge.CauseOf(status), "cause of %d", status)
	}
}

// TestCause_CrossesTheWire sends every cause that a refusal can carry through a status and a Reason header field and back.
func TestCause_CrossesTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range []tandem.Cause{
		tandem.CauseBusy, tandem.CauseNoAnswer, tandem.CauseRejected, tandem.CauseUnavailable, tandem.CauseUnallocated,
		tandem.CauseInvalidNumber, tandem.CauseForbidden, tandem.CauseIncompatible, tandem.CauseCongestion, tandem.CauseNetwork,
		tandem.CauseFailed, tandem.CauseTimeout,
	} {
		got, ours, _ := sipbridge.EndOf(sipcore.Ended{
			Reason: sipcore.EndRejected, Status: sipbridge.StatusFor(c), Cause: sipbridge.ReasonFor(c),
		})
		require.Equal(t, c, got, "the cause at the other end")
		require.False(t, ours)
	}
}

func TestCause_OfAnEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		end    sipcore.Ended
		want   tandem.Cause
		detail string
	}{
		{"BYE", sipcore.Ended{Reason: sipcore.EndRemote}, tandem.CauseNormal, "SIP remote"},
		{
			"BYE with a reason",
			sipcore.Ended{Reason: sipcore.EndRemote, Cause: sipcore.Cause{Q850: 38}},
			tandem.CauseNetwork,
			"SIP remote, Q.850 38",
		},
		{"CANCEL", sipcore.Ended{Reason: sipcore.EndCancelled, Status: 487}, tandem.CauseCancelled, "SIP 487"},
		{
			"CANCEL of a fork that lost",
			sipcore.Ended{Reason: sipcore.EndCancelled, Cause: sipcore.Cause{SIP: 200}},
			tandem.CauseElsewhere, "SIP cancelled",
		},
		{"busy", sipcore.Ended{Reason: sipcore.EndRejected, Status: 486}, tandem.CauseBusy, "SIP 486"},
		{
			"an exchange's 480 that means no answer",
			sipcore.Ended{Reason: sipcore.EndRejected, Status: 480, Cause: sipcore.Cause{Q850: 19}},
			tandem.CauseNoAnswer, "SIP 480, Q.850 19",
		},
		{"timer", sipcore.Ended{Reason: sipcore.EndTimeout, Status: 408}, tandem.CauseTimeout, "SIP 408"},
		{"no ACK", sipcore.Ended{Reason: sipcore.EndNoACK}, tandem.CauseTimeout, "SIP no_ack"},
		{"session timer", sipcore.Ended{Reason: sipcore.EndExpired}, tandem.CauseTimeout, "SIP expired"},
		{"transport", sipcore.Ended{Reason: sipcore.EndTransport}, tandem.CauseNetwork, "SIP transport"},
		{"unset", sipcore.Ended{}, tandem.CauseFailed, "SIP unset"},
	} {
		got, _, detail := sipbridge.EndOf(c.end)
		require.Equal(t, c.want, got, c.name)
		require.Equal(t, c.detail, detail, c.name)
	}
}

func TestCause_ForkThatLostIsNoMissedCall(t *testing.T) {
	t.Parallel()
	require.Equal(t, 200, sipbridge.ReasonFor(tandem.CauseElsewhere).SIP, "RFC 3326 section 2")
	require.Equal(t, 17, sipbridge.ReasonFor(tandem.CauseBusy).Q850)
}
