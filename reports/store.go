package reports

import (
	"context"
	"time"

	"github.com/tandem-cc/tandem"
)

// Store keeps a journal. One Journal at a time appends to it; any number of readers read. All methods may be called
// concurrently. Package store/storetest holds this contract as a suite.
type Store interface {
	// Append adds records to the end of the journal, all of them or none, durably, in the order given. It sets
	// their Seq to consecutive numbers after the last record's (from 1, without gaps), whatever it was before, and
	// keeps no reference to rs. ErrInvalid says that a record cannot be kept (no event, no time, not encodable).
	// After any other error the records may or may not be there: Last tells.
	Append(ctx context.Context, rs []tandem.Record) error
	// Read returns the records from Seq from on, in order, at most limit of them (at least 1, otherwise ErrInvalid).
	// Fewer than limit only where the journal ends; an empty answer is no error. From 0 is the same as from 1.
	Read(ctx context.Context, from uint64, limit int) ([]tandem.Record, error)
	// Last returns the Seq of the last record, 0 for an empty journal.
	Last(ctx context.Context) (uint64, error)
}

// Archive keeps what was folded from the journal. One Archivist at a time saves to it; any number of readers read.
// All methods may be called concurrently. Package store/storetest holds this contract as a suite.
type Archive interface {
	// Save stores changes and the new checkpoint in one transaction. Records replace those with the same call, and
	// activities those with the same Seq. ErrConflict says that the checkpoint kept is not at c.Since: someone else
	// saves here; nothing is stored then.
	Save(ctx context.Context, c Changes) error
	// Checkpoint returns the checkpoint saved last, the zero value when nothing was saved yet.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// Call returns one call's record, or ErrNotFound.
	Call(ctx context.Context, id tandem.CallID) (CallRecord, error)
	// Calls returns a page of records, ordered by the time when the call started and then by its ID.
	Calls(ctx context.Context, q CallQuery) ([]CallRecord, error)
	// Activities returns a page of agents' activities, ordered by Seq.
	Activities(ctx context.Context, q ActivityQuery) ([]Activity, error)
}

// Checkpoint says how far the archive has come.
type Checkpoint struct {
	Seq   uint64 // the last record folded; 0: none
	State []byte // the Folder's open state after it, as Folder.MarshalJSON writes it; nil with Seq 0
}

// Changes is what a stretch of the journal changed in the archive.
type Changes struct {
	Since      uint64       // the checkpoint that the changes build on
	Checkpoint Checkpoint   // where they end
	Calls      []CallRecord // new or changed, also of calls that are still up
	Activities []Activity   // new or changed
	// Rebuild empties the archive first and takes no notice of Since.
	Rebuild bool
}

// MaxPage is the largest page that a query may ask for.
const MaxPage = 1000

// CallQuery selects call records. The zero value of a filter means "any".
type CallQuery struct {
	From, To  time.Time         // calls that started in [From, To)
	Direction tandem.Direction  // which way
	Queue     tandem.QueueID    // calls that were in this queue
	Agent     tandem.AgentID    // calls that this agent was offered
	Campaign  tandem.CampaignID // calls of this campaign
	Customer  tandem.Number     // the customer's number, exactly
	After     *CallCursor       // the record that ended the page before; nil: the first page
	Newest    bool              // newest first; otherwise oldest first
	Limit     int               // records in a page, 1 to MaxPage; 0 means 100
}

// CallCursor is a place in the order of call records.
type CallCursor struct {
	Started time.Time     `json:"started"`
	Call    tandem.CallID `json:"call"`
}

// DefaultPage is the page size of a query with Limit 0.
const DefaultPage = 100

// Page returns the page size that the query asks for, or ErrInvalid.
func (q CallQuery) Page() (int, error) { return page(q.Limit) }

// ActivityQuery selects agents' activities. The zero value of a filter means "any".
type ActivityQuery struct {
	From, To time.Time      // activities that overlap [From, To)
	Agent    tandem.AgentID // of this agent
	After    uint64         // the Seq of the activity that ended the page before; 0: the first page
	Limit    int            // activities in a page, 1 to MaxPage; 0 means 100
}

// Page returns the page size that the query asks for, or ErrInvalid.
func (q ActivityQuery) Page() (int, error) { return page(q.Limit) }

func page(limit int) (int, error) {
	switch {
	case limit == 0:
		return DefaultPage, nil
	case limit < 0 || limit > MaxPage:
		return 0, &tandem.ConfigError{Where: "query.limit", What: "is not between 1 and 1000"}
	}
	return limit, nil
}
