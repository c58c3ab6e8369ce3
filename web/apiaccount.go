package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandem-cc/tandem"
)

// operation returns an operation that needs a role; RoleUnset: it is open to everybody.
func (s *Server) operation(need Role, method, path, id, summary string) huma.Operation {
	op := huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, MaxBodyBytes: maxBody, BodyReadTimeout: 10 * time.Second,
		Metadata: map[string]any{roleKey: need},
		Errors:   []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	if need != RoleUnset {
		op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
		op.Description = "For the role " + need.String() + " and above."
	}
	return op
}

// answer turns an error into a problem. What is not the caller's doing is logged and told without detail.
func (s *Server) answer(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tandem.ErrNotFound):
		return huma.Error404NotFound("It does not exist, or not any more.")
	case errors.Is(err, tandem.ErrConflict):
		return huma.Error409Conflict("Somebody was first. Please look again.")
	case errors.Is(err, tandem.ErrState):
		return huma.Error409Conflict("This is not possible at the moment.")
	case errors.Is(err, tandem.ErrInvalid):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, tandem.ErrFull):
		return huma.Error503ServiceUnavailable("There is no room at the moment. Please try again.")
	case errors.Is(err, tandem.ErrUnsupported):
		return huma.Error501NotImplemented("This centre is not set up for it.")
	case errors.Is(err, tandem.ErrClosed):
		return huma.Error503ServiceUnavailable("The centre is not running.")
	case ctx.Err() != nil:
		return huma.Error503ServiceUnavailable("It took too long.")
	}
	s.cfg.Logger.ErrorContext(ctx, "request failed", "error", err)
	return huma.Error500InternalServerError("Something went wrong here. It is in the server's log.")
}

// Me is who is logged in, and what the pages need to know once.
type Me struct {
	Login        string         `json:"login"`
	Name         string         `json:"name"`
	Role         Role           `json:"role" enum:"agent,supervisor,administrator"`
	Agent        tandem.AgentID `json:"agent,omitempty" doc:"The agent whose work this account does."`
	Centre       string         `json:"centre" doc:"The centre's name."`
	Version      string         `json:"version"`
	Pauses       []string       `json:"pauses"`
	Dispositions []Disposition  `json:"dispositions"`
	Features     Features       `json:"features"`
}

// Features says what this centre is set up for.
type Features struct {
	Phone     bool `json:"phone" doc:"The console has a phone."`
	Calls     bool `json:"calls"`
	Campaigns bool `json:"campaigns"`
	Extend    bool `json:"extend" doc:"A wrap-up can be prolonged."`
	Pop       bool `json:"pop" doc:"There is a CRM page for a ringing call."`
	Explain   bool `json:"explain" doc:"The centre says why nothing happens."`
	Supervise bool `json:"supervise" doc:"The centre takes a supervisor's commands."`
}

func (s *Server) me(a Account) Me {
	_, extend := s.cfg.Desk.(WrapUpExtender)
	m := Me{
		Login: a.Login, Name: nameOr(a.Name, a.Login), Role: a.Role, Agent: a.Agent, Centre: s.cfg.Name, Version: s.cfg.Version,
		Pauses: slices.Clone(s.cfg.Pauses), Dispositions: slices.Clone(s.cfg.Dispositions),
		Features: Features{
			Phone: s.cfg.Phone != nil, Calls: s.cfg.Calls != nil, Campaigns: s.cfg.Campaigns != nil, Extend: extend, Pop: s.cfg.ScreenPop != nil,
			Explain: s.explainer != nil, Supervise: s.supervisor != nil,
		},
	}
	if m.Pauses == nil {
		m.Pauses = []string{}
	}
	if m.Dispositions == nil {
		m.Dispositions = []Disposition{}
	}
	return m
}

type (
	loginInput struct {
		UserAgent string `header:"User-Agent"`
		Body      struct {
			Login    string `json:"login" minLength:"1" maxLength:"64"`
			Password string `json:"password" minLength:"1" maxLength:"256"`
		}
	}
	loginOutput struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
		Body      Me
	}
	cookieOutput struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
	}
	// of is an answer with a body.
	of[T any] struct{ Body T }
	// list is an answer with a list; there may be more than is in it when Next is set.
	list[T any] struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty" doc:"Give it as cursor for the next page."`
	}
)

func (s *Server) registerAccount(api huma.API) {
	huma.Register(api, s.operation(RoleUnset, http.MethodPost, "/api/v1/session", "log-in", "Log in"), s.logIn)
	huma.Register(api, s.operation(RoleAgent, http.MethodDelete, "/api/v1/session", "log-out", "Log out of this browser"), s.logOut)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/session", "show-session", "Show who is logged in"),
		func(ctx context.Context, _ *struct{}) (*of[Me], error) {
			u, _ := userFrom(ctx)
			return &of[Me]{s.me(u.Account)}, nil
		})
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/sessions", "list-sessions", "List the own sessions and tokens; of everybody with all=true"), s.listSessions)
	huma.Register(api, s.operation(RoleAgent, http.MethodDelete, "/api/v1/sessions/{id}", "revoke-session", "End a session or token"), s.revokeSession)
	huma.Register(api, s.operation(RoleAgent, http.MethodPost, "/api/v1/tokens", "create-token", "Make an API token with the own role"), s.createToken)
	huma.Register(api, s.operation(RoleAdministrator, http.MethodGet, "/api/v1/accounts", "list-accounts", "List the accounts"), s.listAccounts)
	huma.Register(api, s.operation(RoleAdministrator, http.MethodPost, "/api/v1/accounts/{login}/unlock", "unlock-account", "Open a locked account"), s.unlockAccount)
}

func (s *Server) cookie(r *http.Request, value string, age time.Duration) http.Cookie {
	c := http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if s.overTLS(r) {
		c.Name, c.Secure = secureCookieName, true
	}
	return c
}

func (s *Server) logIn(ctx context.Context, in *loginInput) (*loginOutput, error) {
	r, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok {
		return nil, s.answer(ctx, errors.New("web: log-in without a request"))
	}
	a, err := s.gate.login(ctx, in.Body.Login, in.Body.Password, sourceOf(r))
	var locked *lockedError
	switch {
	case errors.As(err, &locked):
		s.metrics.logins.WithLabelValues(loginLocked).Inc()
		s.cfg.Logger.WarnContext(ctx, "log-in refused, locked", "source", sourceOf(r))
		wait := strconv.Itoa(max(int(time.Until(locked.until).Seconds()), 1))
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(locked.Error()), http.Header{"Retry-After": {wait}})
	case errors.Is(err, errWrongPassword):
		s.metrics.logins.WithLabelValues(loginWrong).Inc()
		// The name is not logged: people type their password there.
		s.cfg.Logger.WarnContext(ctx, "log-in refused, wrong name or password", "source", sourceOf(r))
		return nil, huma.Error401Unauthorized(err.Error())
	case errors.Is(err, errBusy):
		return nil, huma.Error503ServiceUnavailable(err.Error())
	case err != nil:
		return nil, s.answer(ctx, err)
	}
	secret, _, err := s.gate.open(ctx, Session{Login: a.Login, Label: label(in.UserAgent), Expires: time.Now().UTC().Add(s.cfg.SessionTime)})
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	s.metrics.logins.WithLabelValues(loginDone).Inc()
	s.cfg.Logger.InfoContext(ctx, "logged in", "login", a.Login, "role", a.Role.String(), "source", sourceOf(r))
	return &loginOutput{SetCookie: s.cookie(r, secret, s.cfg.SessionTime), Body: s.me(a)}, nil
}

// label names a browser for the list of sessions.
func label(agent string) string {
	for _, b := range []struct{ mark, name string }{{"Edg/", "Edge"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}} {
		if strings.Contains(agent, b.mark) {
			return b.name
		}
	}
	return "Program"
}

func (s *Server) logOut(ctx context.Context, _ *struct{}) (*cookieOutput, error) {
	u, _ := userFrom(ctx)
	if err := s.gate.revoke(ctx, u.session.Key); err != nil {
		return nil, s.answer(ctx, err)
	}
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	c := s.cookie(r, "", 0)
	c.MaxAge = -1
	return &cookieOutput{SetCookie: c}, nil
}

// SessionView is a session as its owner and administrators see it.
type SessionView struct {
	ID      string    `json:"id"`
	Login   string    `json:"login"`
	Label   string    `json:"label"`
	Token   bool      `json:"token"`
	Current bool      `json:"current"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
}

func (s *Server) listSessions(ctx context.Context, in *struct {
	All bool `query:"all" doc:"Everybody's: for administrators."`
},
) (*of[list[SessionView]], error) {
	u, _ := userFrom(ctx)
	login := u.Login
	if in.All {
		if !u.Role.May(RoleAdministrator) {
			return nil, huma.Error403Forbidden(textRole)
		}
		login = ""
	}
	sessions, err := s.cfg.Sessions.ListSessions(ctx, login)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	out := list[SessionView]{Items: []SessionView{}}
	for _, x := range sessions {
		if time.Now().Before(x.Expires) {
			out.Items = append(out.Items, SessionView{ID: x.Key, Login: x.Login, Label: x.Label, Token: x.Token, Current: x.Key == u.session.Key, Created: x.Created, Seen: x.Seen, Expires: x.Expires})
		}
	}
	return &of[list[SessionView]]{out}, nil
}

func (s *Server) revokeSession(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
},
) (*struct{}, error) {
	u, _ := userFrom(ctx)
	x, err := s.cfg.Sessions.Session(ctx, in.ID)
	if err == nil && x.Login != u.Login && !u.Role.May(RoleAdministrator) {
		err = tandem.ErrNotFound // whose sessions there are is nobody else's business
	}
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return nil, s.answer(ctx, s.gate.revoke(ctx, in.ID))
}

// NewToken is a fresh API token. It is shown this once.
type NewToken struct {
	ID      string    `json:"id"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

func (s *Server) createToken(ctx context.Context, in *struct {
	Body struct {
		Label string `json:"label" minLength:"1" maxLength:"64"`
		Days  int    `json:"days" minimum:"1" maximum:"366"`
	}
},
) (*of[NewToken], error) {
	u, _ := userFrom(ctx)
	if u.session.Token {
		return nil, huma.Error403Forbidden("A token cannot make tokens.")
	}
	secret, x, err := s.gate.open(ctx, Session{Login: u.Login, Label: in.Body.Label, Token: true, Expires: time.Now().UTC().AddDate(0, 0, in.Body.Days)})
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return &of[NewToken]{NewToken{ID: x.Key, Token: secret, Expires: x.Expires}}, nil
}

// AccountView is an account as administrators see it.
type AccountView struct {
	Login       string         `json:"login"`
	Name        string         `json:"name"`
	Role        Role           `json:"role" enum:",agent,supervisor,administrator"`
	Agent       tandem.AgentID `json:"agent,omitempty"`
	Disabled    bool           `json:"disabled"`
	Failures    int            `json:"failures"`
	LockedUntil time.Time      `json:"locked_until,omitzero"`
}

func (s *Server) listAccounts(ctx context.Context, _ *struct{}) (*of[list[AccountView]], error) {
	accounts, err := s.cfg.Accounts.ListAccounts(ctx)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	out := list[AccountView]{Items: []AccountView{}}
	for _, a := range accounts {
		v := AccountView{Login: a.Login, Name: nameOr(a.Name, a.Login), Role: a.Role, Agent: a.Agent, Disabled: a.Disabled, Failures: a.Failures}
		if time.Now().Before(a.LockedUntil) {
			v.LockedUntil = a.LockedUntil
		}
		out.Items = append(out.Items, v)
	}
	return &of[list[AccountView]]{out}, nil
}

func (s *Server) unlockAccount(ctx context.Context, in *struct {
	Login string `path:"login" maxLength:"64"`
},
) (*struct{}, error) {
	if _, err := s.cfg.Accounts.Account(ctx, in.Login); err != nil {
		return nil, s.answer(ctx, err)
	}
	_, err := s.gate.change(ctx, in.Login, func(a *Account) error {
		a.Failures, a.LockedUntil = 0, time.Time{}
		return nil
	})
	u, _ := userFrom(ctx)
	s.cfg.Logger.InfoContext(ctx, "account unlocked", "login", in.Login, "by", u.Login)
	return nil, s.answer(ctx, err)
}
