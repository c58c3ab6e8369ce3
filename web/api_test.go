package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/web"
)

// client is a browser without a screen.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func (s *site) serve(t *testing.T) *client {
	t.Helper()
	srv := httptest.NewServer(s.server)
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL)
}

func newClient(t *testing.T, base string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &client{t: t, base: base, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), v), a.body)
}

// do makes a request with a JSON body, if any, and headers as pairs.
func (c *client) do(method, path string, body any, headers ...string) answer {
	c.t.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(c.t, err)
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, reader)
	require.NoError(c.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

type credentials struct {
	Login    string `json:"login"`
	Password string `json:"password"`
}

func (c *client) logIn(login string) {
	c.t.Helper()
	a := c.do("POST", "/api/v1/session", credentials{login, password})
	require.Equal(c.t, http.StatusOK, a.status, a.body)
}

func TestServer_EveryRouteNeedsASessionButTheFewThatMayNot(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Phone = func(tandem.AgentID) http.Handler { return http.NotFoundHandler() } })
	c := s.serve(t)
	doc := c.do("GET", "/openapi.json", nil)
	require.Equal(t, http.StatusOK, doc.status)
	var api struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	doc.decode(t, &api)
	require.True(t, strings.HasPrefix(api.OpenAPI, "3.1"), api.OpenAPI)
	tried := 0
	for path, methods := range api.Paths {
		for method := range methods {
			if method == "post" && path == "/api/v1/session" {
				continue
			}
			concrete := strings.NewReplacer("{call}", "c1", "{agent}", "ann", "{queue}", "sales", "{campaign}", "x", "{id}", "x", "{login}", "ann").Replace(path)
			a := c.do(strings.ToUpper(method), concrete, nil)
			require.Equal(t, http.StatusUnauthorized, a.status, "%s %s: %s", method, concrete, a.body)
			require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), "%s %s", method, concrete)
			a = c.do(strings.ToUpper(method), concrete, nil, "Authorization", "Bearer tdm_WRONG")
			require.Equal(t, http.StatusUnauthorized, a.status, "%s %s with a wrong token", method, concrete)
			tried++
		}
	}
	require.GreaterOrEqual(t, tried, 33, "operations in the document")
	for path, want := range map[string]int{
		"/": 200, "/console": 200, "/board": 200, "/livez": 200, "/readyz": 200, "/healthz": 200, "/static/app.js": 200, "/static/nothing.js": 404,
		"/static/index.html": 404, "/nothing": 404, "/api/v1/nothing": 404, "/ws": 404, "/static/..%2fserver.go": 404,
	} {
		require.Equal(t, want, c.do("GET", path, nil).status, path)
	}
}

func TestServer_RolesBoundWhatMayBeDone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for login, want := range map[string][3]int{"ann": {200, 403, 403}, "sue": {200, 200, 403}, "root": {200, 200, 200}} {
		c := s.serve(t)
		c.logIn(login)
		for i, path := range []string{"/api/v1/board", "/api/v1/calls.csv", "/api/v1/accounts"} {
			require.Equal(t, want[i], c.do("GET", path, nil).status, "%s %s", login, path)
		}
	}
}

func TestLogin_WrongPasswordsLockTheAccountAndAnAdministratorUnlocksIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.FailureLimit = 3 })
	c := s.serve(t)
	for _, login := range []string{"ann", "nobody"} {
		for range 3 {
			a := c.do("POST", "/api/v1/session", credentials{login, "wrong guess"})
			require.Equal(t, http.StatusUnauthorized, a.status, a.body)
			require.Contains(t, a.body, "The login name or the password is wrong.")
		}
		a := c.do("POST", "/api/v1/session", credentials{login, password})
		require.Equal(t, http.StatusTooManyRequests, a.status, "%s with the right password is refused alike", login)
		require.Contains(t, a.body, "This account is locked after too many wrong passwords. It opens again in 15 min")
		require.Empty(t, a.header.Get("Set-Cookie"))
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	admin := newClient(t, c.base)
	admin.logIn("root")
	require.Contains(t, admin.do("GET", "/api/v1/accounts", nil).body, `"locked_until"`)
	require.Equal(t, http.StatusNoContent, admin.do("POST", "/api/v1/accounts/ann/unlock", nil).status)
	c.logIn("ann")
}

func TestLogin_TheLockEndsByItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.FailureLimit = 1; c.LockTime = time.Minute })
	c := s.serve(t)
	require.Equal(t, http.StatusUnauthorized, c.do("POST", "/api/v1/session", credentials{"ann", "wrong guess"}).status)
	require.Equal(t, http.StatusTooManyRequests, c.do("POST", "/api/v1/session", credentials{"ann", password}).status)
	a, err := s.people.Account(t.Context(), "ann")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Minute), a.LockedUntil, 10*time.Second)
	a.LockedUntil = time.Now().Add(-time.Second)
	require.NoError(t, s.people.SaveAccount(t.Context(), a))
	c.logIn("ann")
}

func TestLogin_GuessesMadeTogetherDoNotOutrunTheCount(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.FailureLimit = 3 })
	c := s.serve(t)
	answers := make(chan int, 12)
	for range cap(answers) {
		go func() {
			body := strings.NewReader(`{"login":"ann","password":"wrong guess"}`)
			resp, err := http.Post(c.base+"/api/v1/session", "application/json", body) //nolint:noctx // the server ends with the test
			if err != nil {
				answers <- 0
				return
			}
			resp.Body.Close()
			answers <- resp.StatusCode
		}()
	}
	looked := 0
	for range cap(answers) {
		if code := <-answers; code == http.StatusUnauthorized {
			looked++
		}
	}
	require.LessOrEqual(t, looked, 3, "passwords that were looked at")
}

func TestLogin_ASourceThatGoesThroughAccountsIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.SourceLimit = 3 })
	c := s.serve(t)
	for _, login := range []string{"a", "b", "c"} {
		require.Equal(t, http.StatusUnauthorized, c.do("POST", "/api/v1/session", credentials{login, "wrong guess"}).status)
	}
	a := c.do("POST", "/api/v1/session", credentials{"ann", password})
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Contains(t, a.body, "network address is locked")
}

func TestSession_CookieIsClosedToScriptsAndBoundToTheHostOverTLS(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	plain := s.serve(t).do("POST", "/api/v1/session", credentials{"ann", password}).header.Get("Set-Cookie")
	require.Regexp(t, `^tandem=[A-Z2-7]{52}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$`, plain)
	srv := httptest.NewTLSServer(s.server)
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL)
	c.http.Transport = srv.Client().Transport
	a := c.do("POST", "/api/v1/session", credentials{"ann", password})
	require.Regexp(t, `^__Host-tandem=[A-Z2-7]{52}; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict$`, a.header.Get("Set-Cookie"))
	require.NotEmpty(t, a.header.Get("Strict-Transport-Security"))
	require.Equal(t, http.StatusOK, c.do("GET", "/api/v1/session", nil).status)
	secret, _, _ := strings.Cut(strings.TrimPrefix(plain, "tandem="), ";")
	for key, x := range s.people.sessions {
		require.NotContains(t, key+x.Label, secret, "the secret must not be stored")
	}
}

func TestSession_ChangesFromAnotherSiteAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := s.serve(t)
	c.logIn("ann")
	for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		a := c.do("PUT", "/api/v1/agent/state", map[string]string{"state": "ready"}, h...)
		require.Equal(t, http.StatusForbidden, a.status, "%v: %s", h, a.body)
	}
	require.Empty(t, s.centre.commands())
	require.Equal(t, http.StatusOK, c.do("PUT", "/api/v1/agent/state", map[string]string{"state": "ready"}, "Sec-Fetch-Site", "same-origin").status)
}

func TestSession_RevokedOnesEndAtOnceAndTokensWork(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := s.serve(t)
	c.logIn("ann")
	made := c.do("POST", "/api/v1/tokens", map[string]any{"label": "script", "days": 1})
	require.Equal(t, http.StatusOK, made.status, made.body)
	var token web.NewToken
	made.decode(t, &token)
	script := newClient(t, c.base)
	auth := []string{"Authorization", "Bearer " + token.Token}
	require.Equal(t, http.StatusOK, script.do("GET", "/api/v1/board", nil, auth...).status)
	require.Equal(t, http.StatusForbidden, script.do("POST", "/api/v1/tokens", map[string]any{"label": "x", "days": 1}, auth...).status, "tokens beget none")
	require.Equal(t, 2, strings.Count(c.do("GET", "/api/v1/sessions", nil).body, `"id"`))
	other := newClient(t, c.base)
	other.logIn("sue")
	require.Equal(t, http.StatusNotFound, other.do("DELETE", "/api/v1/sessions/"+token.ID, nil).status, "not hers")
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/api/v1/sessions/"+token.ID, nil).status)
	require.Equal(t, http.StatusUnauthorized, script.do("GET", "/api/v1/board", nil, auth...).status)
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/api/v1/session", nil).status)
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/api/v1/session", nil).status)
}

func TestServer_SecurityHeadersAreOnEveryAnswer(t *testing.T) {
	t.Parallel()
	c := newSite(t, nil).serve(t)
	for _, path := range []string{"/", "/static/app.js", "/api/v1/session", "/nothing", "/livez", "/metrics"} {
		h := c.do("GET", path, nil).header
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'", path)
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Contains(t, h.Get("Permissions-Policy"), "microphone=(self)", path)
	}
	page := c.do("GET", "/", nil)
	again := c.do("GET", "/", nil, "If-None-Match", page.header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.status)
}

func TestAgent_WorksThroughACall(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) {
		pop, err := crm.NewScreenPop("https://crm.example/{contact.id}?n={number}&a={agent}")
		require.NoError(t, err)
		dir, err := crm.NewDirectory(crm.DirectoryConfig{Lookup: crm.LookupFunc(func(context.Context, crm.Query) (crm.Contact, error) {
			return crm.Contact{ID: "7", Name: "Zoe"}, nil
		})})
		require.NoError(t, err)
		c.ScreenPop, c.Contacts = pop, dir
	})
	c := s.serve(t)
	c.logIn("ann")
	require.Contains(t, c.do("PUT", "/api/v1/agent/state", map[string]string{"state": "ready"}).body, `"state":"ready"`)
	require.Equal(t, http.StatusNotFound, c.do("GET", "/api/v1/agent/call", nil).status)
	s.centre.ring("ann", "c1", "l2", tandem.CallerID{Number: "+34911234567"})
	require.JSONEq(t, `{"call":{"id":"c1","leg":"l2","number":"+34911234567"},"state":"reserved","queue":"sales","contact":{"id":"7","name":"Zoe"},"known":true,
		"pop":"https://crm.example/7?n=%2B34911234567&a=ann"}`, c.do("GET", "/api/v1/agent/call", nil).body)
	require.Equal(t, http.StatusConflict, c.do("POST", "/api/v1/agent/call/c1/hangup", nil).status, "it only rings")
	s.centre.talk("ann")
	require.Equal(t, http.StatusConflict, c.do("POST", "/api/v1/agent/call/other/hangup", nil).status, "another's call")
	require.Equal(t, http.StatusNoContent, c.do("POST", "/api/v1/agent/call/c1/hangup", nil).status)
	require.Equal(t, http.StatusUnprocessableEntity, c.do("PUT", "/api/v1/agent/call/c1/disposition", map[string]string{"disposition": "unheard"}).status)
	require.Equal(t, http.StatusNoContent, c.do("PUT", "/api/v1/agent/call/c1/disposition", map[string]string{"disposition": "sold", "note": "two"}).status)
	require.Equal(t, http.StatusNotImplemented, c.do("POST", "/api/v1/agent/wrapup/extend", map[string]int{"seconds": 30}).status)
	require.Equal(t, http.StatusNoContent, c.do("POST", "/api/v1/agent/wrapup/finish", nil).status)
	require.Equal(t, http.StatusOK, c.do("PUT", "/api/v1/agent/state", map[string]string{"state": "paused", "reason": "Lunch"}).status)
	require.Equal(t, []string{"login ann", "ready ann", "hangup c1 agent", "dispose c1 sold two", "finish ann", "login ann", "pause ann Lunch"}, s.centre.commands())
	s.centre.fail = tandem.ErrState
	require.Equal(t, http.StatusConflict, c.do("POST", "/api/v1/agent/wrapup/finish", nil).status)
	for _, bad := range []map[string]string{{"state": "flying"}, {}, {"state": "ready", "extra": "1"}} {
		require.Equal(t, http.StatusUnprocessableEntity, c.do("PUT", "/api/v1/agent/state", bad).status, "%v", bad)
	}
	sue := newClient(t, c.base)
	sue.logIn("sue")
	require.Equal(t, http.StatusForbidden, sue.do("PUT", "/api/v1/agent/state", map[string]string{"state": "ready"}).status, "no agent")
}

func TestBoard_HidesOtherPeoplesCallersFromAgents(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.centre.alter(func(x *acd.Snapshot) {
		x.Queues[0].Waiting = []acd.WaitingCall{{Call: "c9", Position: 1, Since: time.Now(), From: tandem.CallerID{Number: "+34911234567", Name: "Zoe"}}}
	})
	s.centre.ring("bob", "c2", "l9", tandem.CallerID{Number: "+34600000001"})
	c := s.serve(t)
	c.logIn("ann")
	body := c.do("GET", "/api/v1/board", nil).body
	require.NotContains(t, body, "3491123456")
	require.NotContains(t, body, "Zoe")
	require.NotContains(t, body, "34600000001")
	require.Contains(t, body, `**67"`)
	sue := newClient(t, c.base)
	sue.logIn("sue")
	body = sue.do("GET", "/api/v1/board", nil).body
	require.Contains(t, body, "+34911234567")
	require.Contains(t, body, "+34600000001")
}

func record(id tandem.CallID, agent tandem.AgentID, started time.Time) reports.CallRecord {
	return reports.CallRecord{
		Call:    tandem.Call{ID: id, Direction: tandem.Inbound, From: tandem.CallerID{Number: "+34911234567", Name: "Zoe"}, To: "900100"},
		Started: started, Connected: started.Add(5 * time.Second), Ended: started.Add(65 * time.Second), Waited: 5 * time.Second, Talked: time.Minute,
		Result: reports.ResultAnswered, Cause: tandem.CauseNormal, EndedBy: tandem.PartyCustomer, Note: "=cmd()",
		Segments: []reports.Segment{
			{Kind: reports.SegmentQueued, Queue: "sales", From: started, To: started.Add(5 * time.Second)},
			{Kind: reports.SegmentTalking, Queue: "sales", Agent: agent, From: started.Add(5 * time.Second), To: started.Add(65 * time.Second)},
		},
	}
}

func TestCalls_AgentsSeeTheirOwnAndPagesAndTheExportHoldEveryCallOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	for i := range 5 {
		agent := tandem.AgentID("ann")
		if i%2 == 1 {
			agent = "bob"
		}
		s.archive.calls = append(s.archive.calls, record(tandem.CallID("c"+string(rune('0'+i))), agent, now.Add(time.Duration(i-10)*time.Second)))
	}
	ann := s.serve(t)
	ann.logIn("ann")
	require.Equal(t, 3, strings.Count(ann.do("GET", "/api/v1/calls?agent=bob", nil).body, `"id"`), "an agent's filter for others is void")
	require.Equal(t, http.StatusNotFound, ann.do("GET", "/api/v1/calls/c1", nil).status)
	require.Equal(t, http.StatusOK, ann.do("GET", "/api/v1/calls/c0", nil).status)
	today := ann.do("GET", "/api/v1/agent/today?since="+now.Add(-time.Hour).Format(time.RFC3339), nil)
	var figures web.Today
	today.decode(t, &figures)
	require.Equal(t, 3, figures.Answered, today.body)
	require.InDelta(t, 180, figures.Talked, 0.001)
	sue := newClient(t, ann.base)
	sue.logIn("sue")
	var seen []string
	for path := "/api/v1/calls?limit=2"; ; {
		var page struct {
			Items []web.CallView `json:"items"`
			Next  string         `json:"next"`
		}
		sue.do("GET", path, nil).decode(t, &page)
		for _, v := range page.Items {
			seen = append(seen, string(v.ID))
		}
		if page.Next == "" {
			break
		}
		path = "/api/v1/calls?limit=2&cursor=" + page.Next
	}
	require.Equal(t, []string{"c4", "c3", "c2", "c1", "c0"}, seen)
	require.Equal(t, http.StatusUnprocessableEntity, sue.do("GET", "/api/v1/calls?cursor=rubbish", nil).status)
	require.Equal(t, 2, strings.Count(sue.do("GET", "/api/v1/calls?agent=bob", nil).body, `"id"`), "a supervisor's filter counts")
	export := sue.do("GET", "/api/v1/calls.csv?queue=sales", nil)
	require.Equal(t, "text/csv; charset=utf-8", export.header.Get("Content-Type"))
	lines := strings.Split(strings.TrimSpace(export.body), "\n")
	require.Len(t, lines, 6)
	require.True(t, strings.HasPrefix(lines[0], "call,direction,"), lines[0])
	require.True(t, strings.HasPrefix(lines[1], "c0,inbound,,+34911234567,900100,+34911234567,sales,ann,"), lines[1])
	require.Contains(t, lines[1], ",'=cmd()", "a note must not run in a spreadsheet")
}

func TestMetrics_AreThereAtZeroCallsAndOnlyForThoseWhoMay(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.MetricsToken = "0123456789abcdef" })
	s.run(t)
	c := s.serve(t)
	body := c.do("GET", "/metrics", nil).body
	require.Contains(t, body, `tandem_calls_total{direction="inbound",outcome="answered"} 0`)
	s.journal.add(tandem.CallStarted{Call: tandem.Call{ID: "c1", Direction: tandem.Inbound}},
		tandem.CallConnected{Call: "c1", Agent: "ann", Waited: 3 * time.Second}, tandem.CallEnded{Call: "c1", Cause: tandem.CauseNormal},
		tandem.CallStarted{Call: tandem.Call{ID: "c2", Direction: tandem.Inbound}}, tandem.CallLeft{Call: "c2", Reason: tandem.LeaveAbandoned}, tandem.CallEnded{Call: "c2"},
		tandem.CallStarted{Call: tandem.Call{ID: "c3", Direction: tandem.Outbound}}, tandem.CallEnded{Call: "c3", Cause: tandem.CauseBusy})
	require.Eventually(t, func() bool {
		body := c.do("GET", "/metrics", nil).body
		return strings.Contains(body, `tandem_calls_total{direction="inbound",outcome="answered"} 1`) &&
			strings.Contains(body, `tandem_calls_total{direction="inbound",outcome="abandoned"} 1`) &&
			strings.Contains(body, `tandem_calls_total{direction="outbound",outcome="unreached"} 1`) &&
			strings.Contains(body, `tandem_queue_waiting_calls{queue="sales"} 0`) && strings.Contains(body, `tandem_agents{state="logged_out"} 2`)
	}, 5*time.Second, 20*time.Millisecond)
	proxied := []string{"X-Forwarded-For", "203.0.113.9"}
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/metrics", nil, proxied...).status)
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/metrics", nil, "Sec-Fetch-Site", "cross-site").status)
	rebound := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://evil.example/metrics", nil)
	rebound.RemoteAddr = "127.0.0.1:5000"
	answer := httptest.NewRecorder()
	s.server.ServeHTTP(answer, rebound)
	require.Equal(t, http.StatusUnauthorized, answer.Code, "a name that was made to point here")
	require.Equal(t, http.StatusOK, c.do("GET", "/metrics", nil, append(proxied, "Authorization", "Bearer 0123456789abcdef")...).status)
	c.logIn("ann")
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/metrics", nil, proxied...).status)
	c.logIn("root")
	require.Equal(t, http.StatusOK, c.do("GET", "/metrics", nil, proxied...).status)
}

func TestReadyz_FailsWithTheCheckAndTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	var broken error
	s := newSite(t, func(c *web.Config) {
		c.Ready = map[string]web.Check{"store": func(context.Context) error { return broken }}
	})
	c := s.serve(t)
	require.Equal(t, http.StatusOK, c.do("GET", "/readyz", nil).status)
	broken = io.ErrUnexpectedEOF
	a := c.do("GET", "/readyz", nil)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.NotContains(t, a.body, "store")
	c.logIn("ann")
	require.Contains(t, c.do("GET", "/readyz", nil).body, "store")
}

func TestPhone_OpensForTheAgentsOwnPagesOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) {
		c.Phone = func(agent tandem.AgentID) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "phone of "+string(agent)) })
		}
	})
	c := s.serve(t)
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/api/v1/phone", nil, "Origin", c.base).status)
	c.logIn("ann")
	require.Equal(t, http.StatusForbidden, c.do("GET", "/api/v1/phone", nil, "Origin", "https://evil.example").status)
	require.Equal(t, http.StatusForbidden, c.do("GET", "/api/v1/phone", nil).status)
	require.Equal(t, "phone of ann", c.do("GET", "/api/v1/phone", nil, "Origin", c.base).body)
	c.logIn("sue")
	require.Equal(t, http.StatusForbidden, c.do("GET", "/api/v1/phone", nil, "Origin", c.base).status)
}

func TestServer_PacesASession(t *testing.T) {
	t.Parallel()
	c := newSite(t, func(c *web.Config) { c.RequestRate = 1 }).serve(t)
	c.logIn("ann")
	refused := 0
	for range 20 {
		if c.do("GET", "/api/v1/session", nil).status == http.StatusTooManyRequests {
			refused++
		}
	}
	require.GreaterOrEqual(t, refused, 8)
}

func TestNew_NamesTheMissingSetting(t *testing.T) {
	t.Parallel()
	_, err := web.New(web.Config{})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	require.ErrorContains(t, err, "is missing")
}

// message is one server-sent event.
type message struct{ id, event, data string }

// follow opens the event stream and hands on its messages until the test ends or the stream does.
func (c *client) follow(headers ...string) <-chan message {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+"/api/v1/events", nil)
	require.NoError(c.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req) //nolint:bodyclose // the reading goroutine closes it
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, resp.StatusCode)
	require.Equal(c.t, "text/event-stream", resp.Header.Get("Content-Type"))
	out := make(chan message, 100)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		var m message
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if m.event != "" || value == "alive" {
					out <- m
				}
				m = message{}
			}
		}
	}()
	return out
}

// next returns the next message of a kind.
func next(t *testing.T, ch <-chan message, event string) message {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case m, open := <-ch:
			require.True(t, open, "the stream ended before a %q", event)
			if m.event == event {
				return m
			}
		case <-timeout:
			require.FailNow(t, "no message", "of kind %q", event)
		}
	}
}

func TestStream_ResumesAfterTheLastIDAndTellsWhenItCannot(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Keep = 5 })
	s.run(t)
	c := s.serve(t)
	c.logIn("sue")
	live := c.follow()
	next(t, live, "board")
	for i := range 11 {
		s.journal.add(tandem.NodeAlive{Node: "n"})
		require.Equal(t, strconv.Itoa(i+1), next(t, live, "record").id)
	}
	resumed := c.follow("Last-Event-ID", "8")
	for _, want := range []string{"9", "10", "11"} {
		require.Equal(t, want, next(t, resumed, "record").id)
	}
	s.journal.add(tandem.NodeAlive{Node: "n"})
	require.Equal(t, "12", next(t, resumed, "record").id, "and goes on")
	next(t, c.follow("Last-Event-ID", "1"), "reset")
	next(t, c.follow("Last-Event-ID", "999"), "reset")
	require.Equal(t, http.StatusUnprocessableEntity, c.do("GET", "/api/v1/events", nil, "Last-Event-ID", "x").status)
}

func TestStream_BeginsNearTheEndOfALongJournalAndCountsOnlyTheNew(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Keep = 2 })
	old := time.Now().Add(-time.Hour)
	for i := range 50 {
		s.journal.rs = append(s.journal.rs, tandem.Record{Seq: uint64(i) + 1, At: old, Event: tandem.CallEnded{Call: "old"}})
	}
	s.journal.asleep.Store(true) // it does not know its length yet, as before Run
	s.run(t)
	c := s.serve(t)
	c.logIn("sue")
	require.Eventually(t, func() bool { return s.journal.followed.Load() == 2 }, 5*time.Second, time.Millisecond, "it follows twice")
	live := c.follow("Last-Event-ID", "49")
	m := next(t, live, "record")
	require.Equal(t, "50", m.id)
	s.journal.add(tandem.CallEnded{Call: "c1"})
	require.Equal(t, "51", next(t, live, "record").id)
	body := c.do("GET", "/metrics", nil).body
	require.Contains(t, body, "tandem_journal_records_total 1\n")
}

func TestStream_TellsAnAgentOnlyTheOwnAffairs(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.run(t)
	c := s.serve(t)
	c.logIn("ann")
	live := c.follow()
	next(t, live, "board")
	s.journal.add(
		tandem.CallStarted{Call: tandem.Call{ID: "c1", From: tandem.CallerID{Number: "+34911234567"}}},
		tandem.CallOffered{Call: "c1", Agent: "bob"}, tandem.AttemptStarted{Number: "+34600000001"},
		tandem.LegIncoming{From: tandem.CallerID{Number: "+34911234567"}}, tandem.CallOffered{Call: "c2", Agent: "ann"},
	)
	m := next(t, live, "record")
	require.Contains(t, m.data, `"call":"c2"`)
	require.Equal(t, "5", m.id)
	s.journal.add(tandem.CallOffered{Call: "c3", Agent: "bob"})
	require.Eventually(t, func() bool { return next(t, live, "board").id == "6" }, 5*time.Second, time.Millisecond, "the resume point passes what is not told")
}

func TestStream_EndsWhenItsSessionIsRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Heartbeat = 20 * time.Millisecond })
	s.run(t)
	c := s.serve(t)
	c.logIn("ann")
	live := c.follow()
	next(t, live, "board")
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/api/v1/session", nil).status)
	require.Eventually(t, func() bool {
		select {
		case _, open := <-live:
			return !open
		default:
			return false
		}
	}, 5*time.Second, time.Millisecond)
}

func TestStream_BoundsTheWindowsOfOneSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.run(t)
	c := s.serve(t)
	c.logIn("ann")
	for range 8 {
		next(t, c.follow(), "board")
	}
	require.Equal(t, http.StatusServiceUnavailable, c.do("GET", "/api/v1/events", nil).status)
}

func TestStream_CutsOffAListenerThatIsTooSlow(t *testing.T) {
	t.Parallel()
	require.True(t, web.CutsSlowListener(t))
}

func TestCampaigns_AreStartedPausedAndFilledBySupervisors(t *testing.T) {
	t.Parallel()
	list := &campaigns{one: web.Campaign{ID: "spring", Name: "Spring", State: tandem.CampaignPaused, Leads: 10, Done: 4}}
	c := newSite(t, func(c *web.Config) { c.Campaigns = list }).serve(t)
	c.logIn("ann")
	require.Equal(t, http.StatusForbidden, c.do("PUT", "/api/v1/campaigns/spring/state", map[string]string{"state": "active"}).status)
	c.logIn("sue")
	require.Contains(t, c.do("GET", "/api/v1/campaigns", nil).body, `"state":"paused"`)
	require.Equal(t, http.StatusNoContent, c.do("PUT", "/api/v1/campaigns/spring/state", map[string]string{"state": "active"}).status)
	require.Equal(t, http.StatusConflict, c.do("PUT", "/api/v1/campaigns/spring/state", map[string]string{"state": "active"}).status)
	require.Equal(t, http.StatusNotFound, c.do("PUT", "/api/v1/campaigns/autumn/state", map[string]string{"state": "active"}).status)
	require.Equal(t, http.StatusUnprocessableEntity, c.do("PUT", "/api/v1/campaigns/spring/state", map[string]string{"state": "archived"}).status)
	load := func(text string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/api/v1/campaigns/spring/leads", strings.NewReader(text))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "text/csv")
		resp, err := c.http.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return answer{resp.StatusCode, resp.Header, string(body)}
	}
	got := load("name,phone\nZoe,+34911234567\n,\n")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Contains(t, got.body, `{"row":3,"what":"number is missing"}`)
	require.Equal(t, "name,phone\nZoe,+34911234567\n,\n", list.text)
	require.Equal(t, http.StatusRequestEntityTooLarge, load(strings.Repeat("x", 33<<20)).status)
}

func TestServer_BoundsWhatARequestMayCarry(t *testing.T) {
	t.Parallel()
	c := newSite(t, nil).serve(t)
	c.logIn("ann")
	a := c.do("PUT", "/api/v1/agent/call/c1/disposition", map[string]string{"note": strings.Repeat("x", 100_000)})
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status, a.body)
}
