package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web"
)

// keep stores a session of ann's, used a while ago, and returns the headers that present it.
func (s *site) keep(t *testing.T, secret string, expires time.Time) []string {
	t.Helper()
	require.NoError(t, s.people.SaveSession(t.Context(), web.Session{
		Key: web.SessionKey(secret), Login: "ann", Created: expires.Add(-time.Hour), Seen: time.Now().Add(-time.Hour), Expires: expires,
	}))
	return []string{"Authorization", "Bearer " + secret}
}

func TestSession_EndsWithItsTimeAndWithItsAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := s.serve(t)
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/api/v1/session", nil, s.keep(t, "old", time.Now().Add(-time.Second))...).status)
	good := s.keep(t, "good", time.Now().Add(time.Hour))
	require.Equal(t, http.StatusOK, c.do("GET", "/api/v1/session", nil, good...).status)
	a, err := s.people.Account(t.Context(), "ann")
	require.NoError(t, err)
	a.Disabled = true
	require.NoError(t, s.people.SaveAccount(t.Context(), a))
	require.Equal(t, http.StatusUnauthorized, c.do("GET", "/api/v1/session", nil, good...).status)
	require.Equal(t, http.StatusUnauthorized, c.do("POST", "/api/v1/session", credentials{"ann", password}).status, "nor in again")
}

func TestSession_UseIsNotedAndExpiredOnesAreSwept(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := s.serve(t)
	require.Equal(t, http.StatusOK, c.do("GET", "/api/v1/session", nil, s.keep(t, "good", time.Now().Add(time.Hour))...).status)
	kept, err := s.people.Session(t.Context(), web.SessionKey("good"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), kept.Seen, 10*time.Second)
	s.keep(t, "old", time.Now().Add(-time.Second))
	s.run(t)
	require.Eventually(t, func() bool {
		_, err := s.people.Session(context.Background(), web.SessionKey("old"))
		return errors.Is(err, tandem.ErrNotFound)
	}, 5*time.Second, time.Millisecond)
}

func TestServer_TellsFaultsByKindAndKeepsTheirDetailsHere(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	c := s.serve(t)
	c.logIn("ann")
	for _, row := range []struct {
		err    error
		status int
	}{
		{errors.New("disk 7 of host db3"), http.StatusInternalServerError},
		{tandem.ErrNotFound, http.StatusNotFound},
		{tandem.ErrConflict, http.StatusConflict},
		{tandem.ErrState, http.StatusConflict},
		{tandem.ErrFull, http.StatusServiceUnavailable},
		{tandem.ErrClosed, http.StatusServiceUnavailable},
		{tandem.ErrUnsupported, http.StatusNotImplemented},
		{&tandem.ConfigError{Where: "note", What: "is too rude"}, http.StatusUnprocessableEntity},
	} {
		s.centre.mu.Lock()
		s.centre.fail = fmt.Errorf("acd: reject: %w", row.err)
		s.centre.mu.Unlock()
		a := c.do("POST", "/api/v1/agent/call/c1/reject", nil)
		require.Equal(t, row.status, a.status, "%v", row.err)
		require.NotContains(t, a.body, "db3")
		require.Contains(t, a.body, `"detail":"`)
	}
	require.Contains(t, s.centre.commands(), "reject ann c1")
}

func TestBoard_ListsQueuesAndAgentsAlone(t *testing.T) {
	t.Parallel()
	c := newSite(t, nil).serve(t)
	c.logIn("ann")
	require.Contains(t, c.do("GET", "/api/v1/queues", nil).body, `"id":"support"`)
	require.Contains(t, c.do("GET", "/api/v1/agents", nil).body, `"id":"bob"`)
}

func TestCalls_TheExportHasNoLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	start := time.Now().Add(-time.Hour)
	for i := range 2500 {
		s.archive.calls = append(s.archive.calls, record(tandem.CallID(fmt.Sprintf("c%d", i)), "ann", start.Add(time.Duration(i)*time.Second)))
	}
	c := s.serve(t)
	c.logIn("sue")
	body := c.do("GET", "/api/v1/calls.csv", nil).body
	require.Equal(t, 2501, strings.Count(body, "\n"))
	for _, id := range []string{"c0,", "c999,", "c1000,", "c2499,"} {
		require.Equal(t, 1, strings.Count(body, "\n"+id), id)
	}
}

func TestRole_KeepsItsNameAndItsRank(t *testing.T) {
	t.Parallel()
	for r := web.RoleUnset; r <= web.RoleAdministrator; r++ {
		text, err := r.MarshalText()
		require.NoError(t, err)
		var got web.Role
		require.NoError(t, got.UnmarshalText(text))
		require.Equal(t, r, got)
		require.False(t, web.RoleUnset.May(r), "nobody may do anything without a role")
	}
	require.True(t, web.RoleAdministrator.May(web.RoleAgent))
	require.False(t, web.RoleAgent.May(web.RoleSupervisor))
	var r web.Role
	require.ErrorIs(t, r.UnmarshalText([]byte("owner")), tandem.ErrInvalid)
	require.Equal(t, "role(9)", web.Role(9).String())
}
