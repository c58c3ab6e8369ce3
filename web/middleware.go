package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

type snapshot = acd.Snapshot

// The names of the session's cookie. The prefix makes browsers refuse one that is not Secure, not for the whole site, or set by a
// neighbouring host.
const (
	cookieName       = "tandem"
	secureCookieName = "__Host-tandem"
)

const (
	textLogIn   = "Please log in."
	textRole    = "Your role does not allow this."
	textNoAgent = "This account does not work as an agent."
	textLater   = "It cannot be seen at this moment who you are. Please try again."
	textTooFast = "Too many requests. Please slow down."
)

// maxBody bounds what a request may carry, imports apart.
const maxBody = 64 << 10

// bodyTime is how long a request's body may take to arrive, imports apart.
const bodyTime = 10 * time.Second

// contentPolicy lets a page run and show what this server sends and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// overTLS says whether the browser's connection is encrypted.
func (s *Server) overTLS(r *http.Request) bool { return s.cfg.Secure || r.TLS != nil }

// secure sets the headers that every answer carries, and bounds the request.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), payment=(), usb=()")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.overTLS(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxImport)
		if r.ContentLength != 0 {
			// Also a body that nobody wants is waited for before the connection's next request. A writer that has no deadlines
			// has no connection either.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded puts whom a proxy of ours asks for in the proxy's place, when there is one.
func (s *Server) forwarded(next http.Handler) http.Handler {
	if !s.cfg.Proxied {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if said := r.Header.Values("X-Forwarded-For"); len(said) > 0 && isNear(sourceOf(r)) {
			// The last address is what the proxy itself saw; whoever asks may have written those before it.
			all := strings.Split(said[len(said)-1], ",")
			if a, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
				r = r.WithContext(r.Context()) // a copy: the caller's request stays as it is
				r.RemoteAddr = netip.AddrPortFrom(a.Unmap().WithZone(""), 0).String()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isNear says whether an address is one where a proxy of ours may stand: on this machine or in a private network.
func isNear(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast())
}

// observe counts requests by the pattern that serves them.
func (s *Server) observe(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		if _, route, found := strings.Cut(pattern, " "); found {
			pattern = route
		}
		start := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		method := r.Method
		switch method {
		case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
		default:
			method = "other" // a stranger chooses methods, and each would be a series
		}
		s.metrics.requests.WithLabelValues(pattern, method, strconv.Itoa(seen.status)).Inc()
		if !seen.stream {
			s.metrics.latency.WithLabelValues(pattern).Observe(time.Since(start).Seconds())
		}
	})
}

// statusWriter remembers the status. Unwrap lets http.ResponseController reach what lies below, also to take over the connection.
type statusWriter struct {
	http.ResponseWriter

	status int
	stream bool
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.stream = status == http.StatusSwitchingProtocols || strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream")
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush sends what is buffered.
func (w *statusWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a writer that cannot flush is not buffered
}

// secretOf returns the session's secret that a request presents: a bearer token, or the cookie.
func (s *Server) secretOf(r *http.Request) string {
	if bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		return bearer
	}
	name := cookieName
	if s.overTLS(r) {
		name = secureCookieName
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// userOf returns who makes a request.
func (s *Server) userOf(r *http.Request) (user, error) {
	return s.gate.find(r.Context(), s.secretOf(r))
}

// unknown says how to refuse somebody who was not found. A store that does not answer is no reason to send everybody who is at
// work to the log-in.
func (s *Server) unknown(err error) (status int, text string) {
	if errors.Is(err, tandem.ErrNotFound) {
		return http.StatusUnauthorized, textLogIn
	}
	if !errors.Is(err, context.Canceled) {
		s.cfg.Logger.Warn("session cannot be looked up", "error", err)
	}
	return http.StatusServiceUnavailable, textLater
}

// roleKey is where an operation's metadata says which role it needs; RoleUnset: none.
const roleKey = "role"

// userKey is the request context's key of the user.
type userKey struct{}

func userFrom(ctx context.Context) (user, bool) {
	u, ok := ctx.Value(userKey{}).(user)
	return u, ok
}

// requestKey is the request context's key of the request itself, for the few operations that need it.
type requestKey struct{}

// authorize lets an operation run for who may call it: by default nobody.
func (s *Server) authorize(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(hc)
		hc = huma.WithValue(hc, requestKey{}, r)
		need, declared := hc.Operation().Metadata[roleKey].(Role)
		if declared && need == RoleUnset {
			next(hc)
			return
		}
		refuse := func(status int, text string) {
			// The client that cannot be told is gone.
			_ = huma.WriteErr(api, hc, status, text)
		}
		u, err := s.userOf(r)
		switch {
		case err != nil:
			refuse(s.unknown(err))
		case !declared || !u.Role.May(need):
			refuse(http.StatusForbidden, textRole)
		case !s.pace.allow(u.session.Key):
			hc.SetHeader("Retry-After", "1")
			refuse(http.StatusTooManyRequests, textTooFast)
		default:
			next(huma.WithValue(hc, userKey{}, u))
		}
	}
}

// sameOrigin says whether a WebSocket is opened by a page of this site: browsers do not apply the same-origin rule to them.
func sameOrigin(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// mayScrape says whether a request may read the metrics; see the package comment.
func (s *Server) mayScrape(r *http.Request) bool {
	if bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found && s.cfg.MetricsToken != "" {
		if subtle.ConstantTimeCompare([]byte(bearer), []byte(s.cfg.MetricsToken)) == 1 {
			return true
		}
	}
	if isDirectLoopback(r) {
		return true
	}
	u, err := s.userOf(r)
	return err == nil && u.Role.May(RoleAdministrator)
}

// isDirectLoopback says whether a request comes from this machine and was not passed on by a proxy on it, nor made by a
// page of another site in a browser here.
func isDirectLoopback(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return false
	}
	// The name that was asked for counts too: a page elsewhere may make its own name point here (DNS rebinding).
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return isLoopback(sourceOf(r)) && (host == "localhost" || isLoopback(strings.Trim(host, "[]")))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// sourceOf returns the network address that a request comes from, without its port.
func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// pacer bounds the requests of each session.
type pacer struct {
	limit rate.Limit
	burst int

	mu     sync.Mutex // guards the field below
	limits map[string]*rate.Limiter
}

// maxPaced bounds the sessions remembered; when there are more, all start afresh.
const maxPaced = 20_000

func newPacer(perSecond float64) *pacer {
	return &pacer{limit: rate.Limit(perSecond), burst: max(int(perSecond*8), 1), limits: make(map[string]*rate.Limiter)}
}

func (p *pacer) allow(session string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.limits[session]
	if l == nil {
		if len(p.limits) >= maxPaced {
			clear(p.limits)
		}
		l = rate.NewLimiter(p.limit, p.burst)
		p.limits[session] = l
	}
	return l.Allow()
}
