package sipbridge

import (
	"sync/atomic"

	tandem "github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/registrar"
)

// Stats are the figures of a Bridge. Counts are totals since the start.
type Stats struct {
	// Legs, Bridged and Phones are present numbers: legs alive, legs in a bridge, connected browser phones.
	Legs, Bridged, Phones int
	// Channels is the present number of calls per trunk, by the trunk's ID.
	Channels map[tandem.TrunkID]int
	// Waiting is how many events wait for the Handler.
	Waiting int
	// Incoming and Dialled count the legs taken; Answered those that were answered, Failed those that ended before.
	Incoming, Dialled, Answered, Failed uint64
	// Strangers counts INVITEs from nobody we know, BadPassword those refused for their credentials, Refused those refused for
	// limits, BadSDP those whose description could not be used.
	Strangers, BadPassword, Refused, BadSDP uint64
	// MediaFailed counts legs that ended because their sound failed or stopped.
	MediaFailed uint64
	// DigitsDropped counts key presses dropped because the Handler was too slow.
	DigitsDropped uint64
	// PhoneFaults counts browser phones disconnected for malformed, too large or too many messages.
	PhoneFaults uint64
	// Media and Registrar are the figures of the layers below.
	Media     media.PlaneStats
	Registrar registrar.Counters
}

// counters are the totals of Stats that are counted as they happen.
type counters struct {
	incoming, dialled, answered, failed     atomic.Uint64
	strangers, badPassword, refused, badSDP atomic.Uint64
	mediaFailed, digitsDropped, phoneFaults atomic.Uint64
}

// Stats returns the figures of this moment.
func (b *Bridge) Stats() Stats {
	s := Stats{
		Incoming: b.count.incoming.Load(), Dialled: b.count.dialled.Load(), Answered: b.count.answered.Load(),
		Failed: b.count.failed.Load(), Strangers: b.count.strangers.Load(), BadPassword: b.count.badPassword.Load(),
		Refused: b.count.refused.Load(), BadSDP: b.count.badSDP.Load(), MediaFailed: b.count.mediaFailed.Load(),
		DigitsDropped: b.count.digitsDropped.Load(), PhoneFaults: b.count.phoneFaults.Load(),
		Media: b.plane.Stats(), Channels: map[tandem.TrunkID]int{},
	}
	if b.phones != nil {
		s.Registrar = b.phones.Counters()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Legs, s.Waiting = len(b.legs), len(b.outbox)
	for _, l := range b.legs {
		if l.peer != nil {
			s.Bridged++
		}
	}
	for _, d := range b.devices {
		if d.phone != nil {
			s.Phones++
		}
	}
	for id, t := range b.trunks {
		s.Channels[id] = t.channels
	}
	return s
}
