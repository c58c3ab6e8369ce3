package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web"
	"github.com/tandem-cc/tandem/web/account"
)

func TestPhone_EndsWithItsSession(t *testing.T) {
	t.Parallel()
	opened, closed := make(chan struct{}, 1), make(chan struct{})
	s := newSite(t, func(c *web.Config) {
		c.Heartbeat = 5 * time.Millisecond
		c.Phone = func(tandem.AgentID) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				opened <- struct{}{}
				<-r.Context().Done()
				close(closed)
			})
		}
	})
	c := s.serve(t)
	c.logIn("ann")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/api/v1/phone", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Origin", c.base)
	go func() {
		if res, err := c.http.Do(req); err == nil {
			_ = res.Body.Close() // the phone's own answer does not matter
		}
	}()
	<-opened
	require.Equal(t, http.StatusNoContent, c.do("DELETE", "/api/v1/session", nil).status)
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Fatal("the phone of a session that was revoked stays open")
	}
}

// deadlines is an answer on a connection that notes until when the request may take to arrive.
type deadlines struct {
	*httptest.ResponseRecorder

	read time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = t
	return nil
}

func TestServer_GivesABodySomeTimeAndNoMore(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, address := range []string{"/nothing", "/livez", "/api/v1/agent/state", "/static/none"} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		s.server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("slow")))
		require.WithinDuration(t, time.Now().Add(10*time.Second), w.read, 5*time.Second, address)
	}
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s.server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", http.NoBody))
	require.True(t, w.read.IsZero(), "a stream without a body may be listened to for ever")
}

func TestLogin_CountsBehindAProxyWhoIsMeant(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		proxied bool
		from    string
		said    func(i int) string
		want    int
	}{
		"others are not locked out":      {true, "127.0.0.1:5", func(int) string { return "203.0.113.9" }, http.StatusOK},
		"nor by what a client says":      {true, "127.0.0.1:5", func(int) string { return "198.51.100.7, 203.0.113.9" }, http.StatusOK},
		"the same client is":             {true, "127.0.0.1:5", func(int) string { return "198.51.100.7" }, http.StatusTooManyRequests},
		"a stranger is no proxy":         {true, "192.0.2.4:5", func(i int) string { return "203.0.113." + string(rune('1'+i)) }, http.StatusTooManyRequests},
		"without a proxy nobody is told": {false, "127.0.0.1:5", func(i int) string { return "203.0.113." + string(rune('1'+i)) }, http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *web.Config) { c.Proxied, c.SourceLimit = row.proxied, 3 })
			try := func(login, secret, said string) int {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/session", strings.NewReader(`{"login":"`+login+`","password":"`+secret+`"}`))
				r.RemoteAddr = row.from
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Forwarded-For", said)
				w := httptest.NewRecorder()
				s.server.ServeHTTP(w, r)
				return w.Code
			}
			for i := range 3 {
				require.Equal(t, http.StatusUnauthorized, try("nobody", "guess", row.said(i)))
			}
			require.Equal(t, row.want, try("ann", password, "198.51.100.7"))
		})
	}
}

// away is a store of sessions that may stop to answer.
type away struct {
	web.Sessions

	gone atomic.Bool
}

func (a *away) Session(ctx context.Context, key string) (account.Session, error) {
	if a.gone.Load() {
		return account.Session{}, errors.New("connection refused")
	}
	return a.Sessions.Session(ctx, key)
}

func TestSession_OutlivesAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	store := &away{}
	s := newSite(t, func(c *web.Config) {
		store.Sessions, c.Sessions = c.Sessions, store
		c.Phone = func(tandem.AgentID) http.Handler { return http.NotFoundHandler() }
	})
	c := s.serve(t)
	c.logIn("ann")
	store.gone.Store(true)
	for _, address := range []string{"/api/v1/session", "/api/v1/board", "/api/v1/phone"} {
		a := c.do("GET", address, nil)
		require.Equal(t, http.StatusServiceUnavailable, a.status, "%s: not a reason to log in again", address)
		require.NotContains(t, a.body, "refused")
	}
	store.gone.Store(false)
	require.Equal(t, http.StatusOK, c.do("GET", "/api/v1/session", nil).status)
}
