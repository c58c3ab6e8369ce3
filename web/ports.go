package web

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
)

// Floor shows the centre as it is now. An acd.Center is one.
type Floor interface {
	Snapshot(ctx context.Context) (acd.Snapshot, error)
}

// Desk is how an agent says what to do next. An acd.Center is one, and says what the errors mean.
type Desk interface {
	Login(ctx context.Context, agent tandem.AgentID) error
	Logout(ctx context.Context, agent tandem.AgentID) error
	Ready(ctx context.Context, agent tandem.AgentID) error
	Pause(ctx context.Context, agent tandem.AgentID, reason string) error
	FinishWrapUp(ctx context.Context, agent tandem.AgentID) error
}

// Handset is what an agent does with a call. An acd.Center is one.
type Handset interface {
	Reject(ctx context.Context, agent tandem.AgentID, call tandem.CallID) error
	Hangup(ctx context.Context, call tandem.CallID, by tandem.Party) error
	Dispose(ctx context.Context, d tandem.CallDisposed) error
}

// WrapUpExtender is what a Desk may also be able to do: prolong a wrap-up by d. The console shows the button when it is there.
type WrapUpExtender interface {
	ExtendWrapUp(ctx context.Context, agent tandem.AgentID, d time.Duration) error
}

// Explainer is what a Floor may also be able to do: say why nothing happens. An acd.Center is one. Without it its addresses answer 501.
type Explainer interface {
	Why(ctx context.Context, call tandem.CallID) (acd.WhyCall, error)
	WhyAgent(ctx context.Context, agent tandem.AgentID) (acd.WhyAgent, error)
}

// Supervisor is what a Floor may also be able to do: take a supervisor's commands. An acd.Center is one, and says what the errors mean.
// Without it its addresses answer 501 and the board only shows.
type Supervisor interface {
	Move(ctx context.Context, call tandem.CallID, to tandem.QueueID) error
	SetPriority(ctx context.Context, call tandem.CallID, priority int) error
	Pick(ctx context.Context, call tandem.CallID, agent tandem.AgentID) error
	Force(ctx context.Context, agent tandem.AgentID, to tandem.AgentState, reason string) error
	Drain(ctx context.Context, queue tandem.QueueID) error
	Reopen(ctx context.Context, queue tandem.QueueID) error
}

// Journal is what happened and happens. A reports.Journal is one.
type Journal interface {
	// Last returns the number of the last record.
	Last() uint64
	// Follow calls fn with every record from number from on, in order, until ctx ends or fn returns an error.
	Follow(ctx context.Context, from uint64, fn func(rs []tandem.Record) error) error
}

// Calls are the records of calls. A reports.Archive is one.
type Calls interface {
	Call(ctx context.Context, id tandem.CallID) (reports.CallRecord, error)
	Calls(ctx context.Context, q reports.CallQuery) ([]reports.CallRecord, error)
}

// Contacts says who calls; it always answers. A crm.Directory is one.
type Contacts interface {
	Contact(ctx context.Context, q crm.Query) crm.Contact
}

// Campaigns are the outbound campaigns.
type Campaigns interface {
	// List returns the campaigns by name.
	List(ctx context.Context) ([]Campaign, error)
	// SetState starts or pauses one. ErrState: its state does not allow it; ErrNotFound: there is none.
	SetState(ctx context.Context, id tandem.CampaignID, state tandem.CampaignState) error
	// Import adds the contacts of a CSV list. Rows that are wrong are named in the result and not taken.
	Import(ctx context.Context, id tandem.CampaignID, list io.Reader) (ImportResult, error)
}

// Campaign is a campaign as the pages show it.
type Campaign struct {
	ID        tandem.CampaignID    `json:"id"`
	Name      string               `json:"name"`
	State     tandem.CampaignState `json:"state"`
	Queue     tandem.QueueID       `json:"queue,omitempty" doc:"Whose agents take the answered calls."`
	Leads     int                  `json:"leads" doc:"Contacts in the list."`
	Done      int                  `json:"done" doc:"Contacts that will not be dialled again."`
	Attempts  int                  `json:"attempts"`
	Connected int                  `json:"connected" doc:"Attempts in which a person talked with an agent."`
	Dialling  int                  `json:"dialling" doc:"Attempts under way now."`
}

// ImportResult is what became of a list.
type ImportResult struct {
	Added    int        `json:"added"`
	Repeated int        `json:"repeated" doc:"Contacts that were in the campaign already."`
	Errors   []RowError `json:"errors,omitempty" maxItems:"100" doc:"The first rows that were not taken."`
	Refused  int        `json:"refused" doc:"Rows that were not taken in all."`
}

// RowError says what is wrong with a row of a list.
type RowError struct {
	Row  int    `json:"row" doc:"Line of the file, from 1."`
	What string `json:"what"`
}

// Disposition is what an agent may say came of a call.
type Disposition struct {
	ID   tandem.DispositionID `json:"id"`
	Name string               `json:"name,omitempty" doc:"For people to read; empty means the ID."`
}

// PhoneFunc returns the handler of one agent's phone. The request that it gets is authenticated and of the same origin.
type PhoneFunc func(agent tandem.AgentID) http.Handler

// Check says whether something that the server needs works: nil, or what is wrong.
type Check func(ctx context.Context) error
