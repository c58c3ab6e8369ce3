package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tandem-cc/tandem"
)

// Server is the handler of everything over HTTP. Its methods may be called concurrently.
type Server struct {
	cfg     Config
	gate    *gate
	feed    *feed
	metrics *metrics
	pace    *pacer
	handler http.Handler
	openAPI []byte

	explainer  Explainer  // nil: the floor cannot explain
	supervisor Supervisor // nil: the floor takes no commands
}

var _ http.Handler = (*Server)(nil)

// New checks the configuration and starts nothing. Errors are a tandem.ConfigError or an internal fault.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	s.explainer, _ = cfg.Floor.(Explainer)
	s.supervisor, _ = cfg.Floor.(Supervisor)
	s.metrics = newMetrics(func() *snapshot { return s.feed.board.Load() })
	for i, c := range cfg.Collectors {
		if err := s.metrics.registry.Register(c); err != nil {
			return nil, &tandem.ConfigError{Where: fmt.Sprintf("web.collectors[%d]", i), What: err.Error()}
		}
	}
	s.feed = newFeed(&s.cfg, s.metrics)
	s.pace = newPacer(cfg.RequestRate)
	var err error
	if s.gate, err = newGate(&s.cfg); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if err := s.mountPages(mux); err != nil {
		return nil, err
	}
	if err := s.mountAPI(mux); err != nil {
		return nil, err
	}
	s.mountHealth(mux)
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "This request comes from another site.")
	}))
	s.handler = s.forwarded(s.observe(mux, s.secure(origin.Handler(mux))))
	return s, nil
}

// Run feeds the boards and event streams, and forgets expired sessions, until ctx ends or the journal does; it returns that error.
// Without it the API works and the streams are silent. It is called at most once.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.sweep(ctx) })
	err := s.feed.run(ctx)
	cancel()
	wg.Wait()
	return fmt.Errorf("web: live feed: %w", err)
}

// sweep forgets expired sessions every ten minutes.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := s.cfg.Sessions.DeleteExpired(ctx, time.Now().UTC()); err != nil && ctx.Err() == nil {
			s.cfg.Logger.WarnContext(ctx, "expired sessions cannot be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// mountPages serves the shell at each page's address, and its modules.
func (s *Server) mountPages(mux *http.ServeMux) error {
	as, err := loadAssets()
	if err != nil {
		return err
	}
	shell := as["index.html"]
	for _, page := range []string{"/{$}", "/console", "/board", "/calls", "/campaigns", "/admin"} {
		mux.Handle("GET "+page, shell)
	}
	if icon := as["icon.svg"]; icon != nil {
		mux.Handle("GET /favicon.ico", icon)
	}
	mux.HandleFunc("GET /static/{name...}", func(w http.ResponseWriter, r *http.Request) {
		a := as[r.PathValue("name")]
		if a == nil || a == shell {
			problem(w, http.StatusNotFound, "There is no such file.")
			return
		}
		a.ServeHTTP(w, r)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "There is nothing at this address.")
	})
	if s.cfg.SIP != nil {
		mux.Handle("GET /ws", s.cfg.SIP)
	}
	return nil
}

// mountAPI serves the API and the document that describes it.
func (s *Server) mountAPI(mux *http.ServeMux) error {
	hc := huma.DefaultConfig(s.cfg.Name, s.cfg.Version)
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath, hc.CreateHooks = "", "", "", nil
	hc.Info.Description = "The call centre's API. Errors are RFC 9457 problem details. Times are UTC, durations are in seconds."
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName, Description: "Set by logging in; over TLS its name is " + secureCookieName + "."},
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token."},
	}
	api := humago.New(mux, hc)
	api.UseMiddleware(s.authorize(api))
	s.registerAccount(api)
	s.registerAgent(api)
	s.registerCentre(api)
	s.registerSupervisor(api)
	s.registerStream(api)
	s.mountPhone(mux, api)
	var err error
	if s.openAPI, err = json.Marshal(api.OpenAPI()); err != nil {
		return fmt.Errorf("web: openapi: %w", err)
	}
	doc, err := newAsset(".json", s.openAPI)
	if err != nil {
		return fmt.Errorf("web: openapi: %w", err)
	}
	doc.kind = "application/json"
	mux.Handle("GET /openapi.json", doc)
	return nil
}

// mountHealth serves what machines look at.
func (s *Server) mountHealth(mux *http.ServeMux) {
	live := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // a client that is gone needs no answer
	}
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /healthz", live)
	mux.HandleFunc("GET /readyz", s.ready)
	exposition := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !s.mayScrape(r) {
			problem(w, http.StatusUnauthorized, "Metrics need the metrics token, an administrator's session, or a direct request from this machine.")
			return
		}
		exposition.ServeHTTP(w, r)
	})
}

// ready runs the checks. Which one failed is told in the log and to who is logged in.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	var failed []string
	for name, check := range s.cfg.Ready {
		if err := check(ctx); err != nil {
			failed = append(failed, name)
			s.cfg.Logger.WarnContext(ctx, "not ready", "check", name, "error", err)
		}
	}
	if len(failed) == 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // a client that is gone needs no answer
		return
	}
	detail := "Not ready."
	if _, err := s.userOf(r); err == nil {
		detail = "Not ready: " + strings.Join(failed, ", ") + "."
	}
	problem(w, http.StatusServiceUnavailable, detail)
}

// mountPhone serves the console's phone: a WebSocket, which the document describes as far as OpenAPI can.
func (s *Server) mountPhone(mux *http.ServeMux, api huma.API) {
	if s.cfg.Phone == nil {
		return
	}
	const address = "/api/v1/phone"
	mux.HandleFunc("GET "+address, func(w http.ResponseWriter, r *http.Request) {
		u, err := s.userOf(r)
		switch {
		case err != nil:
			status, text := s.unknown(err)
			problem(w, status, text)
		case !sameOrigin(r):
			problem(w, http.StatusForbidden, "The phone may be opened by this site's own pages only.")
		case u.Agent == "":
			problem(w, http.StatusForbidden, textNoAgent)
		default:
			s.servePhone(w, r, u)
		}
	})
	op := s.operation(RoleAgent, "GET", address, "open-phone", "Open the agent's phone")
	op.Description = "A WebSocket of the subprotocol tandem-phone.v1, for the console's own pages."
	op.Responses = map[string]*huma.Response{"101": {Description: "The WebSocket is open."}, "default": {Description: "An RFC 9457 problem."}}
	api.OpenAPI().AddOperation(&op)
}

// servePhone hands the phone over for as long as the session lasts. A store that does not answer ends no call.
func (s *Server) servePhone(w http.ResponseWriter, r *http.Request, u user) {
	ctx, cancel := context.WithCancel(r.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		beat := time.NewTicker(s.cfg.Heartbeat)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
			}
			now, err := s.gate.byKey(ctx, u.session.Key)
			if errors.Is(err, tandem.ErrNotFound) || err == nil && now.Agent != u.Agent {
				cancel()
				return
			}
		}
	})
	s.cfg.Phone(u.Agent).ServeHTTP(w, r.WithContext(ctx))
}

// problem answers with RFC 9457 problem details.
func problem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
	if err != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// agentOf returns the agent whose work the account does, or a problem.
func agentOf(ctx context.Context) (user, tandem.AgentID, error) {
	u, _ := userFrom(ctx)
	if u.Agent == "" {
		return u, "", huma.Error403Forbidden(textNoAgent)
	}
	return u, u.Agent, nil
}
