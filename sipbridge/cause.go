package sipbridge

import (
	"fmt"
	"net/http"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// The SIP statuses that net/http does not know (RFC 3261 section 21).
const (
	statusRinging       = 180
	statusBadExtension  = 420
	statusUnavailable   = 480 // Temporarily Unavailable
	statusLoop          = 482
	statusTooManyHops   = 483
	statusIncomplete    = 484 // Address Incomplete
	statusAmbiguous     = 485
	statusBusy          = 486 // Busy Here
	statusTerminated    = 487 // Request Terminated
	statusNotAcceptable = 488 // Not Acceptable Here
	statusSpam          = 607 // Unwanted (RFC 8197)
	statusBusyAll       = 600 // Busy Everywhere
	statusDecline       = 603
	statusNowhere       = 604 // Does Not Exist Anywhere
	statusNotAnywhere   = 606 // Not Acceptable
)

// statusFor returns the SIP status by which an incoming call is refused for a cause (RFC 3398 section 8.2.6.1).
func statusFor(c tandem.Cause) int {
	switch c {
	case tandem.CauseBusy:
		return statusBusy
	case tandem.CauseRejected:
		return statusDecline
	case tandem.CauseUnallocated:
		return http.StatusNotFound
	case tandem.CauseInvalidNumber:
		return statusIncomplete
	case tandem.CauseForbidden:
		return http.StatusForbidden
	case tandem.CauseIncompatible:
		return statusNotAcceptable
	case tandem.CauseCongestion, tandem.CauseQueueFull, tandem.CauseInterrupted:
		return http.StatusServiceUnavailable
	case tandem.CauseNetwork:
		return http.StatusBadGateway
	case tandem.CauseFailed:
		return http.StatusInternalServerError
	case tandem.CauseTimeout:
		return http.StatusGatewayTimeout
	case tandem.CauseUnset, tandem.CauseNormal, tandem.CauseNoAnswer, tandem.CauseCancelled, tandem.CauseElsewhere,
		tandem.CauseUnavailable, tandem.CauseMachine:
		return statusUnavailable
	default:
		return statusUnavailable
	}
}

// causeOf returns the cause that a SIP status means when it refuses a call (RFC 3398 section 7.2.4.1).
func causeOf(status int) tandem.Cause {
	switch status {
	case statusBusy, statusBusyAll:
		return tandem.CauseBusy
	case statusDecline, statusSpam, http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusForbidden:
		return refusalCause(status)
	case http.StatusNotFound, http.StatusGone, statusNowhere, statusAmbiguous:
		return tandem.CauseUnallocated
	case statusIncomplete:
		return tandem.CauseInvalidNumber
	case statusUnavailable:
		return tandem.CauseUnavailable
	case http.StatusRequestTimeout:
		return tandem.CauseTimeout
	case statusTerminated:
		return tandem.CauseCancelled
	case http.StatusNotAcceptable, http.StatusUnsupportedMediaType, statusNotAcceptable, statusNotAnywhere:
		return tandem.CauseIncompatible
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return tandem.CauseCongestion
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return tandem.CauseNetwork
	}
	return tandem.CauseFailed
}

// refusalCause tells a person's refusal from an exchange's.
func refusalCause(status int) tandem.Cause {
	if status == statusDecline || status == statusSpam {
		return tandem.CauseRejected
	}
	return tandem.CauseForbidden
}

// reasonFor returns the Reason header field for a leg that we end (RFC 3326).
func reasonFor(c tandem.Cause) sipcore.Cause {
	r := sipcore.Cause{Q850: c.Q850()}
	if c == tandem.CauseElsewhere {
		// RFC 3326 section 2: the phones that lost do not show a missed call.
		return sipcore.Cause{SIP: http.StatusOK, Text: "Call completed elsewhere"}
	}
	return r
}

// endOf says why a leg ended whose call did. A Q.850 cause tells more than the status that an exchange had to squeeze it
// into, except where the status is a person's own.
func endOf(e sipcore.Ended) ending {
	end := ending{detail: detailOf(e)}
	switch e.Reason {
	case sipcore.EndRemote:
		end.cause = tandem.CauseNormal
		if c := tandem.CauseFromQ850(e.Cause.Q850); c != tandem.CauseUnset {
			end.cause = c
		}
	case sipcore.EndCancelled:
		end.cause = tandem.CauseCancelled
		if e.Cause.SIP == http.StatusOK || e.Cause.Q850 == tandem.CauseElsewhere.Q850() {
			end.cause = tandem.CauseElsewhere
		}
	case sipcore.EndRejected:
		end.cause = causeOf(e.Status)
		if c := tandem.CauseFromQ850(e.Cause.Q850); c != tandem.CauseUnset && c != tandem.CauseNormal {
			end.cause = c
		}
	case sipcore.EndTimeout, sipcore.EndNoACK, sipcore.EndExpired:
		end.cause = tandem.CauseTimeout
	case sipcore.EndTransport:
		end.cause = tandem.CauseNetwork
	case sipcore.EndLocal:
		end.cause, end.ours = tandem.CauseNormal, true
	case 0:
		end.cause = tandem.CauseFailed
	}
	return end
}

// detailOf is what SIP said, for an operator.
func detailOf(e sipcore.Ended) string {
	text := "SIP " + e.Reason.String()
	if e.Status != 0 {
		text = fmt.Sprintf("SIP %d", e.Status)
	}
	if e.Cause.Q850 != 0 {
		text += fmt.Sprintf(", Q.850 %d", e.Cause.Q850)
	}
	return text
}
