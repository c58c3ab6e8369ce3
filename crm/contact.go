package crm

import (
	"context"
	"log/slog"

	"github.com/tandem-cc/tandem"
)

// Query is what is known about a caller when the contact is looked up.
type Query struct {
	Number   tandem.Number     // the customer's number; empty when withheld
	Call     tandem.CallID     // the call
	Queue    tandem.QueueID    // the queue, when there is one
	DID      tandem.Number     // inbound: the number dialled
	Campaign tandem.CampaignID // outbound: the campaign
	Lead     tandem.LeadID     // outbound: the lead
}

// Contact is whom the host's system knows by a number. The zero value is the unknown contact.
type Contact struct {
	ID     string            `json:"id,omitempty"`     // the host's own key; empty means unknown
	Name   string            `json:"name,omitempty"`   // for people to read
	URL    string            `json:"url,omitempty"`    // the contact's page, http or https only
	Fields map[string]string `json:"fields,omitempty"` // what else an agent should see, by heading
}

// Known says whether anybody was found.
func (c Contact) Known() bool { return c.ID != "" || c.Name != "" }

// LogValue shows the contact's key only.
func (c Contact) LogValue() slog.Value { return slog.StringValue(c.ID) }

// Lookup finds the contact behind a number. ErrNotFound says that nobody is known by it; any other error that it could not be
// found out. It may be called concurrently and ends with ctx. The contact returned is shared: nobody changes it.
type Lookup interface {
	Lookup(ctx context.Context, q Query) (Contact, error)
}

// LookupFunc makes a function a Lookup.
type LookupFunc func(ctx context.Context, q Query) (Contact, error)

// Lookup calls f.
func (f LookupFunc) Lookup(ctx context.Context, q Query) (Contact, error) { return f(ctx, q) }
