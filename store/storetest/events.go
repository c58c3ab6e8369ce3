package storetest

import (
	"time"

	"github.com/tandem-cc/tandem"
)

// Events returns one record of every kind of event, with every field set.
func Events() []tandem.Record {
	at := start()
	events := []tandem.Event{
		tandem.NodeStarted{Node: "n", Version: "1.2.3"},
		tandem.DeviceChanged{Agent: "ana", Reachable: true},
		tandem.TrunkChanged{Trunk: "t", Up: true, Detail: "registered"},
		tandem.AgentChanged{Agent: "ana", From: tandem.AgentLoggedOut, To: tandem.AgentReady, Reason: "r", Call: "c0"},
		tandem.LegIncoming{Leg: "l1", Trunk: "t", Agent: "x", From: tandem.CallerID{Number: "+34600000001", Name: "Eva"}, To: "900"},
		tandem.CallStarted{Call: tandem.Call{
			ID: "c1", Direction: tandem.Inbound, Customer: "l1", Trunk: "t", From: tandem.CallerID{Number: "+34600000001", Name: "Eva"},
			To: "900", Campaign: "k", Attempt: "a", Lead: "d",
		}},
		tandem.LegRinging{Leg: "l1"},
		tandem.LegAnswered{Leg: "l1"},
		tandem.CallQueued{Call: "c1", Queue: "q", Position: 2, Priority: 3},
		tandem.Decided{
			Call: "c1", Queue: "q", Agent: "ana", Strategy: "longest_idle", Rule: "longest_idle", Considered: 2,
			Candidates: []tandem.Candidate{{Agent: "ana", Level: 1, Key: 2.5}, {Agent: "bo", Skip: "paused"}},
		},
		tandem.CallOffered{Call: "c1", Queue: "q", Agent: "ana", Leg: "l2", Fence: 9, Deadline: at.Add(15 * time.Second)},
		tandem.OfferEnded{Call: "c1", Queue: "q", Agent: "ana", Leg: "l2", Fence: 9, Cause: tandem.CauseNoAnswer},
		tandem.CallConnected{Call: "c1", Queue: "q", Agent: "ana", Leg: "l3", Waited: 3 * time.Second},
		tandem.LegBridged{Leg: "l1", Peer: "l3"},
		tandem.LegUnbridged{Leg: "l1", Peer: "l3"},
		tandem.LegDigit{Leg: "l1", Digit: "#", Duration: 80 * time.Millisecond},
		tandem.LegPlayed{Leg: "l1", Sound: tandem.Sound{Kind: tandem.SoundFile, Name: "welcome", Times: 2}},
		tandem.LegHeld{Leg: "l3", Held: true, By: tandem.PartyAgent},
		tandem.CallReleased{Call: "c1", Queue: "q", Agent: "ana", Leg: "l3", By: tandem.PartyCustomer, Talked: time.Minute},
		tandem.CallLeft{Call: "c1", Queue: "q", Reason: tandem.LeaveTimeout, Position: 1, Waited: time.Minute},
		tandem.LegEnded{Leg: "l1", Cause: tandem.CauseNormal, Ours: true, Detail: "SIP 200"},
		tandem.CallEnded{Call: "c1", Cause: tandem.CauseNormal, By: tandem.PartyCustomer},
		tandem.CallDisposed{Call: "c1", Agent: "ana", Disposition: "sale", Note: "two of them"},
		tandem.CampaignChanged{Campaign: "k", From: tandem.CampaignDraft, To: tandem.CampaignActive, Reason: "begin"},
		tandem.AttemptStarted{Attempt: "a", Campaign: "k", Lead: "d", Call: "c2", Leg: "l4", Number: "+34600000002", Count: 1},
		tandem.AttemptEnded{
			Attempt: "a", Campaign: "k", Lead: "d", Outcome: tandem.OutcomeBusy, Cause: tandem.CauseBusy, RetryAt: at.Add(time.Hour),
		},
		tandem.NodeAlive{Node: "n"},
		tandem.NodeStopped{Node: "n"},
	}
	rs := make([]tandem.Record, len(events))
	for i, e := range events {
		rs[i] = tandem.Record{At: at.Add(time.Duration(i) * time.Second), Event: e}
	}
	return rs
}
