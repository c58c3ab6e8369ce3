package web_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/web"
)

// What a call and an agent are told to wait for.

func (c *centre) Why(_ context.Context, call tandem.CallID) (acd.WhyCall, error) {
	if err := c.command("why " + string(call)); err != nil {
		return acd.WhyCall{}, err
	}
	now := time.Now()
	return acd.WhyCall{
		At: now, Call: call, Queue: "sales", State: "waiting", Waited: 90 * time.Second, Place: 1, Level: -1, Rule: "no_agent_free",
		Needs: []tandem.Requirement{{Skill: "es", Min: 50}}, EasesAt: now.Add(30 * time.Second), LeavesAt: now.Add(4 * time.Minute),
		Skipped: map[string]int{"wrap_up": 1, "skill": 1, "on_call": 1, "paused": 1},
		Agents: []acd.Obstacle{
			{Agent: "ann", Skip: "wrap_up", Change: "finish_wrap_up", Until: now.Add(20 * time.Second)},
			{Agent: "bob", Skip: "skill", Change: "learn_skill", Skill: tandem.Requirement{Skill: "es", Min: 50}},
			{Agent: "x0", Skip: "on_call", Change: "hang_up"},
			{Agent: "x2", Skip: "paused", Change: "end_pause"},
		},
	}, nil
}

func (c *centre) WhyAgent(_ context.Context, id tandem.AgentID) (acd.WhyAgent, error) {
	if err := c.command("why agent " + string(id)); err != nil {
		return acd.WhyAgent{}, err
	}
	return acd.WhyAgent{
		At: time.Now(), Agent: id, State: c.state(id), Since: time.Now().Add(-time.Minute), Rule: "no_call_fits",
		Queues: []acd.QueueObstacle{{Queue: "sales", Wanting: 2, Skip: map[string]int{"skill": 2}}, {Queue: "support"}},
	}, nil
}

func (c *centre) Move(_ context.Context, call tandem.CallID, to tandem.QueueID) error {
	return c.command("move " + string(call) + " " + string(to))
}

func (c *centre) SetPriority(_ context.Context, call tandem.CallID, priority int) error {
	return c.command(fmt.Sprintf("priority %s %d", call, priority))
}

func (c *centre) Pick(_ context.Context, call tandem.CallID, agent tandem.AgentID) error {
	return c.command("pick " + string(call) + " " + string(agent))
}

func (c *centre) Force(_ context.Context, id tandem.AgentID, to tandem.AgentState, reason string) error {
	err := c.command(strings.TrimSpace("force " + string(id) + " " + to.String() + " " + reason))
	if err == nil {
		c.agent(id, to, func(a *acd.AgentStatus) { a.Reason = reason })
	}
	return err
}

func (c *centre) Drain(_ context.Context, queue tandem.QueueID) error {
	return c.setDraining("drain", queue, true)
}

func (c *centre) Reopen(_ context.Context, queue tandem.QueueID) error {
	return c.setDraining("reopen", queue, false)
}

func (c *centre) setDraining(verb string, queue tandem.QueueID, draining bool) error {
	if err := c.command(verb + " " + string(queue)); err != nil {
		return err
	}
	c.alter(func(s *acd.Snapshot) {
		for i := range s.Queues {
			if s.Queues[i].ID == queue {
				s.Queues[i].Draining = draining
			}
		}
	})
	return nil
}

// onlySnapshots is a floor that can do nothing else.
type onlySnapshots struct{ web.Floor }

// scribe is a log that may be read while it is written.
type scribe struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *scribe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *scribe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// request is a supervisor's request, the command that the centre should get, and what the log should say.
type request struct {
	method, path string
	body         any
	want         int
	command, log string
}

func supervisorsRequests() []request {
	return []request{
		{"GET", "/api/v1/calls/w1/why", nil, 200, "why w1", ""},
		{"GET", "/api/v1/agents/bob/why", nil, 200, "why agent bob", ""},
		{"POST", "/api/v1/calls/w1/move", map[string]string{"queue": "support"}, 204, "move w1 support", "call_id=w1 queue=support command=move by=sue done=true"},
		{"PUT", "/api/v1/calls/w1/priority", map[string]int{"priority": 7}, 204, "priority w1 7", "call_id=w1 priority=7 command=set_priority by=sue done=true"},
		{"POST", "/api/v1/calls/w1/pick", map[string]string{"agent": "ann"}, 204, "pick w1 ann", "call_id=w1 agent=ann command=pick by=sue done=true"},
		{"PUT", "/api/v1/agents/bob/state", map[string]string{"state": "paused", "reason": "ask +34911"}, 200, "force bob paused ask +34911", "agent=bob state=paused command=force by=sue done=true"},
		{"POST", "/api/v1/queues/sales/drain", nil, 204, "drain sales", "queue=sales command=drain by=sue done=true"},
		{"POST", "/api/v1/queues/sales/reopen", nil, 204, "reopen sales", "queue=sales command=reopen by=sue done=true"},
	}
}

func TestSupervisor_CommandsReachTheCentreAndTheLog(t *testing.T) {
	t.Parallel()
	log := &scribe{}
	s := newSite(t, func(c *web.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	sue := s.serve(t)
	sue.logIn("sue")
	var want []string
	for _, r := range supervisorsRequests() {
		a := sue.do(r.method, r.path, r.body)
		require.Equal(t, r.want, a.status, "%s %s: %s", r.method, r.path, a.body)
		require.Contains(t, log.String(), r.log, "%s %s", r.method, r.path)
		want = append(want, r.command)
	}
	require.Equal(t, want, s.centre.commands())
	require.NotContains(t, log.String(), "+34911", "what people say stays out of the log")
	require.Equal(t, tandem.AgentPaused, s.centre.state("bob"))

	var why web.CallReasons
	sue.do("GET", "/api/v1/calls/w1/why", nil).decode(t, &why)
	require.InDelta(t, 90, why.Waited, 0.001, "seconds")
	require.Equal(t, "no_agent_free", why.Rule)
	require.Len(t, why.Agents, 4)
	require.Contains(t, sue.do("GET", "/api/v1/session", nil).body, `"explain":true,"supervise":true`)
}

func TestSupervisor_CommandsAreForSupervisorsAndAnAgentAsksAboutTheOwnWorkOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	ann := s.serve(t)
	ann.logIn("ann")
	for _, r := range supervisorsRequests() {
		require.Equal(t, http.StatusForbidden, ann.do(r.method, r.path, r.body).status, "%s %s", r.method, r.path)
	}
	require.Empty(t, s.centre.commands())
	require.Equal(t, http.StatusOK, ann.do("GET", "/api/v1/agents/ann/why", nil).status)
	require.Equal(t, http.StatusForbidden, ann.do("PUT", "/api/v1/agents/ann/state", map[string]string{"state": "ready"}).status)
}

func TestSupervisor_FaultsAreAnsweredLikeEverywhere(t *testing.T) {
	t.Parallel()
	log := &scribe{}
	s := newSite(t, func(c *web.Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	sue := s.serve(t)
	sue.logIn("sue")
	for err, want := range map[error]int{tandem.ErrNotFound: 404, tandem.ErrState: 409, tandem.ErrInvalid: 422, tandem.ErrFull: 503, tandem.ErrClosed: 503} {
		s.centre.mu.Lock()
		s.centre.fail = fmt.Errorf("acd: x: %w", err)
		s.centre.mu.Unlock()
		for _, r := range supervisorsRequests() {
			require.Equal(t, want, sue.do(r.method, r.path, r.body).status, "%s %s: %v", r.method, r.path, err)
		}
	}
	require.Contains(t, log.String(), "command=pick by=sue done=false")
	before := len(s.centre.commands())
	for _, r := range []request{
		{method: "POST", path: "/api/v1/calls/w1/move", body: map[string]string{"queue": ""}},
		{method: "PUT", path: "/api/v1/calls/w1/priority", body: map[string]int{"priority": 1001}},
		{method: "PUT", path: "/api/v1/calls/w1/priority", body: map[string]string{}},
		{method: "POST", path: "/api/v1/calls/w1/pick", body: map[string]string{"agent": strings.Repeat("x", 65)}},
		{method: "PUT", path: "/api/v1/agents/bob/state", body: map[string]string{"state": "on_call"}},
		{method: "POST", path: "/api/v1/queues/" + strings.Repeat("x", 65) + "/drain"},
	} {
		require.Equal(t, http.StatusUnprocessableEntity, sue.do(r.method, r.path, r.body).status, "%s %s %v", r.method, r.path, r.body)
	}
	require.Len(t, s.centre.commands(), before, "what is wrong does not reach the centre")
}

func TestSupervisor_AFloorThatOnlyShowsAnswers501(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Floor = onlySnapshots{c.Floor} })
	sue := s.serve(t)
	sue.logIn("sue")
	for _, r := range supervisorsRequests() {
		require.Equal(t, http.StatusNotImplemented, sue.do(r.method, r.path, r.body).status, "%s %s", r.method, r.path)
	}
	require.Contains(t, sue.do("GET", "/api/v1/session", nil).body, `"explain":false,"supervise":false`)
}

func TestSupervisor_ACentreIsOne(t *testing.T) {
	t.Parallel()
	var floor web.Floor = (*acd.Center)(nil)
	_, explains := floor.(web.Explainer)
	_, supervises := floor.(web.Supervisor)
	require.True(t, explains, "explains")
	require.True(t, supervises, "takes commands")
}
