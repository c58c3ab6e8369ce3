package tandem

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
)

// The identifiers of the nouns. Each is an opaque text without meaning, unique among its kind in one centre; the
// empty text means "none". Agents, queues, trunks, campaigns, skills and dispositions are named by the operator;
// calls, legs, leads and attempts by an IDSource.
type (
	// CallID names a call.
	CallID string
	// LegID names a leg. Whoever brings the leg about chooses it: the switch for an incoming one, the dialling
	// engine for a dialled one, so that events may arrive before the command has returned.
	LegID string
	// AgentID names an agent.
	AgentID string
	// QueueID names a queue.
	QueueID string
	// TrunkID names a trunk.
	TrunkID string
	// SkillID names a skill.
	SkillID string
	// CampaignID names a campaign.
	CampaignID string
	// LeadID names a contact of a campaign's list.
	LeadID string
	// AttemptID names one dialling of one number of a lead.
	AttemptID string
	// DispositionID names what an agent says came of a call.
	DispositionID string
	// NodeID names one running process of the centre.
	NodeID string
)

// IDSource returns a new identifier at each call. It may be called concurrently.
type IDSource func() string

// RandomIDs returns a source of identifiers that are unique across processes and sort by the millisecond in which
// they were made: 48 bits of time and 80 random bits in lower-case base 32, 26 characters.
func RandomIDs() IDSource {
	enc := base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	return func() string {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
		// crypto/rand.Read never returns an error: it ends the process when the system has no randomness.
		_, _ = rand.Read(b[6:])
		return enc.EncodeToString(b[:])
	}
}

// SequentialIDs returns a source of prefix1, prefix2 and so on, for tests and simulations whose every byte must be
// the same in each run.
func SequentialIDs(prefix string) IDSource {
	var n atomic.Uint64
	return func() string { return fmt.Sprintf("%s%d", prefix, n.Add(1)) }
}
