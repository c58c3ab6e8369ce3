package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

func TestCRM_KnowsTheCallerAndIsToldTheEnd(t *testing.T) {
	requireServers(t)
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	type delivery struct {
		header http.Header
		body   []byte
	}
	got := make(chan delivery, 8)
	refusals := 1 // the first attempt is refused: the webhook must come again
	mux := http.NewServeMux()
	mux.HandleFunc("GET /contact", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("phone") != "15550100" || r.Header.Get("Authorization") != "Bearer crm-token" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"id":"C7","name":"Grace Hopper","city":"Arlington"}`)
	})
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if refusals > 0 {
			refusals--
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		got <- delivery{r.Header.Clone(), b}
	})
	far := httptest.NewServer(mux)
	t.Cleanup(far.Close)
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	s := serve(t, t.TempDir(), centre(caller.port, fmt.Sprintf(`
crm:
  lookup: %s/contact?phone={number}
  lookup_token: crm-token
  pop: %s/card?id={contact.id}&call={call}
  webhook: %s/hook
  webhook_secret: %s
`, far.URL, far.URL, far.URL, secret)))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	ann := s.login(t, "ann", "open-sesame-1")
	ann.ready()
	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	ring, err := desk.nextRing(ctx)
	require.NoError(t, err)

	var call struct {
		Call struct {
			ID string `json:"id"`
		} `json:"call"`
		Pop     string `json:"pop"`
		Contact struct {
			ID     string            `json:"id"`
			Name   string            `json:"name"`
			Fields map[string]string `json:"fields"`
		} `json:"contact"`
	}
	require.Eventually(t, func() bool {
		ann.get("/api/v1/agent/call", &call)
		return call.Contact.Name != ""
	}, 5*time.Second, 50*time.Millisecond, "the contact is known while it rings")
	require.Equal(t, "Grace Hopper", call.Contact.Name)
	require.Equal(t, "Arlington", call.Contact.Fields["city"])
	require.Equal(t, far.URL+"/card?id=C7&call="+call.Call.ID, call.Pop)

	_, err = ring.answer(agentTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
	require.NoError(t, customer.hang(ctx))
	select {
	case d := <-got:
		wh, err := webhooks.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, wh.Verify(d.body, d.header), "signed by the Standard Webhooks scheme")
		var m struct {
			Type string
			Data struct {
				Call     string
				Number   string
				Answered bool
				Agents   []string
			}
		}
		require.NoError(t, json.Unmarshal(d.body, &m), "%s", d.body)
		require.Equal(t, "call.ended", m.Type)
		require.Equal(t, call.Call.ID, m.Data.Call)
		require.Equal(t, "15550100", m.Data.Number)
		require.True(t, m.Data.Answered)
		require.Equal(t, []string{"ann"}, m.Data.Agents)
	case <-time.After(30 * time.Second):
		t.Fatal("no webhook came")
	}
	require.NotContains(t, s.err.String(), secret)
	require.NotContains(t, s.err.String(), "crm-token")
	require.NotContains(t, s.err.String(), "15550100")
}
