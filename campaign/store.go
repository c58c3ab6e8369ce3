package campaign

import (
	"context"
	"errors"
	"time"

	"github.com/tandem-cc/tandem"
)

// ErrDoNotCall says that a number is on the do-not-call list. Store.Begin returns it and records nothing.
var ErrDoNotCall = errors.New("on the do-not-call list")

// Store keeps the leads and attempts of campaigns for the Runner. What it promises is what makes a campaign safe: no lead is
// in two hands, and no number rings before its attempt is on record. Each method is one transaction: it happens
// wholly and durably, or not at all. A Store may be used concurrently, also by several processes. Package
// store/storetest holds this contract as a suite. The Store never reads a clock: every time that it needs is in the request.
//
// A stranger among the names (campaign, lead, attempt) is tandem.ErrNotFound.
type Store interface {
	// Load returns what a Runner begins with: the campaign's stored state (tandem.CampaignUnset when none was ever stored, which is no
	// error) and the attempts that were begun by the node and are not settled, oldest first. An empty node means all nodes.
	Load(ctx context.Context, campaign tandem.CampaignID, node tandem.NodeID) (Loaded, error)
	// SetState stores a campaign's state. The stored one must be from, otherwise it is tandem.ErrConflict; from is
	// tandem.CampaignUnset for a campaign that was never stored. Which changes make sense is the caller's business.
	SetState(ctx context.Context, campaign tandem.CampaignID, from, to tandem.CampaignState) error
	// Lease hands out up to Max waiting leads that are due (NextAt not after Now) and not leased to anybody beyond Now: those that were
	// tried before first, the longest due first; then those never tried, in the order of their import. Each gets a new fencing number, greater
	// than any that this lead had before. Two calls at a time never hand out the same lead. Fewer leads than Max, or none, is no error.
	Lease(ctx context.Context, r LeaseRequest) (Batch, error)
	// Begin records an attempt before it is dialled, and makes its lead dialing: from then until Settle the lead is leased to nobody,
	// however long it takes. In the same transaction it checks, in this order:
	//   - the lead is waiting and its fencing number is a.Fence (the lease itself may have run out as long as nobody took the lead since),
	//     a.ID is new, and a.Count is the lead's Attempts plus one: otherwise tandem.ErrConflict;
	//   - the campaign's stored state is tandem.CampaignActive: otherwise tandem.ErrState;
	//   - a.Number is not blocked, neither for the campaign nor for all: otherwise ErrDoNotCall.
	// After an error nothing is recorded. The lead's Attempts grows by one.
	Begin(ctx context.Context, a Attempt) error
	// Settle records what came of an attempt and where its lead goes, and ends the lead's lease. Without an attempt (s.Attempt is empty) it gives a
	// waiting lead back: unused, or moved on because its number must not be called. tandem.ErrConflict says that the
	// fencing number has moved on, that the attempt is settled already, or (without an attempt) that the lead is not waiting.
	// s.Next replaces the lead's progress, but for Attempts, which only Begin changes.
	Settle(ctx context.Context, s Settlement) error
}

// Lists keeps the contact lists of campaigns: the import's and the screens' side of a Store.
type Lists interface {
	// Import adds leads to a campaign's list in the given order, all of them or (on an error) none. A lead whose Key is in the
	// campaign already, or earlier among leads, is a duplicate and is treated as policy says. Added leads are waiting and due at once.
	// A Lead.ID that is taken is tandem.ErrConflict.
	Import(ctx context.Context, campaign tandem.CampaignID, policy Duplicates, leads []NewLead) (ImportCounts, error)
	// Counts tells how far a campaign is. A campaign without leads has all counts zero; that is no error.
	Counts(ctx context.Context, campaign tandem.CampaignID) (Counts, error)
	// Leads returns up to limit leads of a campaign in the order of their import, beginning behind the lead after; an empty
	// after means from the first. limit is from 1 to 1,000, otherwise tandem.ErrInvalid.
	Leads(ctx context.Context, campaign tandem.CampaignID, after tandem.LeadID, limit int) ([]Entry, error)
}

// DoNotCall keeps the numbers that must not be called. A number is compared as the text that it is: whoever adds
// one and whoever dials it write it the same way. An empty campaign means: by no campaign.
type DoNotCall interface {
	// Block adds numbers; one that is blocked already stays so.
	Block(ctx context.Context, campaign tandem.CampaignID, numbers ...tandem.Number) error
	// Unblock takes numbers off; one that is not on the list is passed over.
	Unblock(ctx context.Context, campaign tandem.CampaignID, numbers ...tandem.Number) error
	// Blocked says whether a campaign must not call a number: because it is blocked for it, or for all.
	Blocked(ctx context.Context, campaign tandem.CampaignID, number tandem.Number) (bool, error)
}

// Loaded is what Store.Load returns.
type Loaded struct {
	State      tandem.CampaignState
	Unfinished []Attempt // begun and not settled, oldest first
}

// LeaseRequest asks a Store for leads to dial.
type LeaseRequest struct {
	Campaign tandem.CampaignID
	Node     tandem.NodeID // who asks
	Max      int           // at most so many; at least 1
	Now      time.Time
	TTL      time.Duration // how long the leads are held for the node if it does not begin or settle; positive
}

// Batch is what Store.Lease returns.
type Batch struct {
	Leads []Leased
	// NextDue, when Leads is empty, is the first moment after Now at which a waiting lead falls due or its lease
	// runs out; zero when no lead is waiting.
	NextDue time.Time
	// Exhausted, when Leads is empty, says that no lead of the campaign is waiting or dialing: the list is done.
	Exhausted bool
}

// Leased is a lead in a node's hands.
type Leased struct {
	Lead     tandem.Lead
	Progress Progress
	Fence    uint64 // the lease's fencing number, at least 1
}

// Progress is how far the dialling of a lead has come. Only State, NextAt and Attempts matter to a Store; the rest it
// keeps as it is given (as JSON, say).
type Progress struct {
	State    LeadState `json:"state"`
	NextAt   time.Time `json:"next_at,omitzero"` // when the lead is due; zero: at once
	Attempts int       `json:"attempts"`         // how many were begun in all
	Phone    int       `json:"phone,omitempty"`  // which of Lead.Phones is dialled next, from 0
	// Last is what came of the last attempt; Tries counts the attempts by what came of them.
	Last  tandem.Outcome         `json:"last,omitempty"`
	Tries map[tandem.Outcome]int `json:"tries,omitempty"`
	// Dead are the phones that are not to be dialled any more, by their place in Lead.Phones.
	Dead []int `json:"dead,omitempty"`
}

// Attempt is one dialling of one number of a lead, as Store.Begin records it.
type Attempt struct {
	ID       tandem.AttemptID  `json:"id"`
	Campaign tandem.CampaignID `json:"campaign"`
	Lead     tandem.LeadID     `json:"lead"`
	Fence    uint64            `json:"fence"` // of the lease under which it was begun
	Node     tandem.NodeID     `json:"node"`  // who dials
	Call     tandem.CallID     `json:"call"`
	Leg      tandem.LegID      `json:"leg"`
	Number   tandem.Number     `json:"number"`
	Phone    int               `json:"phone"` // which of Lead.Phones the number is, from 0
	Count    int               `json:"count"` // which attempt at this lead, from 1
	At       time.Time         `json:"at"`    // when it was recorded
	// Phones is how many phones the lead has, and Before its progress as it was leased, so that a restart can apply the retry
	// rules without reading the lead. A Store keeps them with the attempt (as JSON, say) and gives them back from Load.
	Phones int      `json:"phones"`
	Before Progress `json:"before"`
}

// Settlement is what Store.Settle records.
type Settlement struct {
	Campaign tandem.CampaignID
	Lead     tandem.LeadID
	Fence    uint64           // of the lease, or of the attempt
	Attempt  tandem.AttemptID // empty: no attempt was begun, the lead is given back
	Outcome  tandem.Outcome   // what came of it; unset for a lead given back unused
	Cause    tandem.Cause     // why the customer's leg ended, where known
	At       time.Time        // when
	Next     Progress         // where the lead goes; its State is LeadWaiting or LeadDone
}

// NewLead is a lead to be imported.
type NewLead struct {
	Lead tandem.Lead // ID and at least one of Phones are required; Campaign is the import's
	// Key is what makes it the same contact as another one in the same campaign: the external ID with a mark, or the
	// first number. Empty: it is the same as nobody.
	Key string
}

// ImportCounts is what came of an import's leads; the three add up to how many were given.
type ImportCounts struct {
	Added   int `json:"added"`
	Updated int `json:"updated"`
	Skipped int `json:"skipped"` // duplicates that were left as they were
}

// Counts is how far a campaign is.
type Counts struct {
	Waiting int `json:"waiting"`
	Dialing int `json:"dialing"`
	Done    int `json:"done"`
	// Outcomes counts the settled attempts by what came of them.
	Outcomes map[tandem.Outcome]int `json:"outcomes,omitempty"`
}

// Total is how many leads there are.
func (c Counts) Total() int { return c.Waiting + c.Dialing + c.Done }

// Entry is a lead of a list and where it stands.
type Entry struct {
	Lead     tandem.Lead `json:"lead"`
	Key      string      `json:"key,omitempty"`
	Progress Progress    `json:"progress"`
}

// Duplicates is what an import does with a contact that is on the list already.
type Duplicates uint8

// The policies; the zero value is KeepFirst.
const (
	// KeepFirst leaves the one on the list as it is.
	KeepFirst Duplicates = iota
	// UpdateFirst gives the one on the list the new name, phones and fields; its progress stays, but for a phone
	// index beyond the new phones, which becomes 0. (A lead that is dialing is updated too: its attempt has its number.)
	UpdateFirst
	// AddAll adds the new one beside it.
	AddAll
)
