package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/web"
)

// BenchmarkBoard is what one listener's board costs: 20 queues with 10 callers each and 200 agents, through the API.
func BenchmarkBoard(b *testing.B) {
	s := newSite(b, func(c *web.Config) { c.RequestRate = 1e9 })
	s.centre.alter(func(x *acd.Snapshot) {
		for i := range 20 {
			q := acd.QueueStatus{ID: tandem.QueueID(fmt.Sprintf("q%d", i)), Name: "Queue"}
			for j := range 10 {
				q.Waiting = append(q.Waiting, acd.WaitingCall{Call: tandem.CallID(fmt.Sprintf("c%d-%d", i, j)), Position: j + 1, Since: time.Now(), From: tandem.CallerID{Number: "+34911234567"}})
			}
			x.Queues = append(x.Queues, q)
		}
		for i := range 200 {
			x.Agents = append(x.Agents, acd.AgentStatus{ID: tandem.AgentID(fmt.Sprintf("a%d", i)), Name: "Agent", State: tandem.AgentReady, Since: time.Now()})
		}
	})
	secret := "tdm_benchmark"
	require.NoError(b, s.people.SaveSession(b.Context(), web.Session{Key: web.SessionKey(secret), Login: "sue", Seen: time.Now(), Expires: time.Now().Add(time.Hour)}))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/board", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body.String())
		}
	}
}

// BenchmarkFeed_Tell is what one record costs with 500 open streams that take nothing of it.
func BenchmarkFeed_Tell(b *testing.B) {
	feed := web.NewFeedOf(b, 500)
	r := []tandem.Record{{Seq: 1, At: time.Now(), Event: tandem.NodeAlive{Node: "n"}}}
	b.ReportAllocs()
	for b.Loop() {
		feed(r)
	}
}
