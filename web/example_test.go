package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/tandem-cc/tandem/web"
)

// A host mounts the server at the root of a site. The centre, the journal and the account store are its own; here they are in memory.
func Example() {
	people, journal := newPeople(), newTape()
	centre := newCentre(journal)
	server, err := web.New(web.Config{
		Accounts: people, Sessions: people, Floor: centre, Desk: centre, Handset: centre, Journal: journal,
		Pauses: []string{"Break"}, Dispositions: []web.Disposition{{ID: "sold", Name: "Sold"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a program: go server.Run(ctx), and http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}.
	site := httptest.NewServer(server)
	defer site.Close()
	for _, path := range []string{"/livez", "/api/v1/board"} {
		resp, err := http.Get(site.URL + path) //nolint:noctx // an example
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(path, resp.StatusCode, strings.TrimSpace(string(body)), err)
	}
	// Output:
	// /livez 200 ok <nil>
	// /api/v1/board 401 {"title":"Unauthorized","status":401,"detail":"Please log in."} <nil>
}
