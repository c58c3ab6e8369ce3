package crm_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

// A host that keeps its customers in its own code looks them up with a function and opens its own page on ring.
func Example() {
	customers := map[tandem.Number]crm.Contact{"+34911234567": {ID: "7", Name: "Ann Lee"}}
	directory, err := crm.NewDirectory(crm.DirectoryConfig{
		Lookup: crm.LookupFunc(func(_ context.Context, q crm.Query) (crm.Contact, error) {
			contact, ok := customers[q.Number]
			if !ok {
				return crm.Contact{}, tandem.ErrNotFound
			}
			return contact, nil
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := crm.NewScreenPop("https://crm.example/customers/{contact.id}?call={call}")
	if err != nil {
		fmt.Println(err)
		return
	}
	query := crm.Query{Number: "+34911234567", Call: "c1"}
	contact := directory.Contact(context.Background(), query)
	fmt.Println(contact.Name, page.URL(crm.Pop{Query: query, Agent: "bob", Contact: contact}))
	// Output: Ann Lee https://crm.example/customers/7?call=c1
}

// A host whose customers are behind a web service names its address.
func ExampleHTTPLookup() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id": 7, "name": "Ann Lee", "phone": %q}`, r.URL.Query().Get("phone"))
	}))
	defer service.Close()
	lookup, err := crm.NewHTTPLookup(crm.HTTPLookupConfig{URL: service.URL + "/customers?phone={number}"})
	if err != nil {
		fmt.Println(err)
		return
	}
	contact, err := lookup.Lookup(context.Background(), crm.Query{Number: "+34911234567"})
	fmt.Println(contact.ID, contact.Name, contact.Fields["phone"], err)
	// Output: 7 Ann Lee +34911234567 <nil>
}
