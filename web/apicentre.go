package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// maxImport bounds an imported list; it is the largest request body there is.
const maxImport = 32 << 20

func (s *Server) registerCentre(api huma.API) {
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/board", "show-board", "Show queues and agents as they are now"), s.showBoard)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/queues", "list-queues", "List the queues as they are now"), s.listQueues)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/agents", "list-agents", "List the agents as they are now"), s.listAgents)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/calls", "list-calls", "List calls; an agent's are the own ones"), s.listCalls)
	export := s.operation(RoleSupervisor, http.MethodGet, "/api/v1/calls.csv", "export-calls", "Export calls as CSV")
	export.Responses = map[string]*huma.Response{"200": {Description: "The list.", Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	huma.Register(api, export, s.exportCalls)
	huma.Register(api, s.operation(RoleAgent, http.MethodGet, "/api/v1/calls/{call}", "show-call-record", "Show one call"), s.showCallRecord)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodGet, "/api/v1/campaigns", "list-campaigns", "List the campaigns"), s.listCampaigns)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPut, "/api/v1/campaigns/{campaign}/state", "set-campaign-state", "Start or pause a campaign"), s.setCampaignState)
	load := s.operation(RoleSupervisor, http.MethodPost, "/api/v1/campaigns/{campaign}/leads", "import-leads", "Add the contacts of a CSV list")
	load.MaxBodyBytes, load.BodyReadTimeout = maxImport, 2*time.Minute
	huma.Register(api, load, s.importLeads)
}

func (s *Server) board(ctx context.Context) (*Board, error) {
	snap, err := s.cfg.Floor.Snapshot(ctx)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	u, _ := userFrom(ctx)
	b := boardFor(u, &snap)
	return &b, nil
}

func (s *Server) showBoard(ctx context.Context, _ *struct{}) (*of[Board], error) {
	b, err := s.board(ctx)
	if err != nil {
		return nil, err
	}
	return &of[Board]{*b}, nil
}

func (s *Server) listQueues(ctx context.Context, _ *struct{}) (*of[list[QueueView]], error) {
	b, err := s.board(ctx)
	if err != nil {
		return nil, err
	}
	return &of[list[QueueView]]{list[QueueView]{Items: b.Queues}}, nil
}

func (s *Server) listAgents(ctx context.Context, _ *struct{}) (*of[list[AgentView]], error) {
	b, err := s.board(ctx)
	if err != nil {
		return nil, err
	}
	return &of[list[AgentView]]{list[AgentView]{Items: b.Agents}}, nil
}

// CallFilter selects calls.
type CallFilter struct {
	From      time.Time         `query:"from" doc:"Calls that started at or after it."`
	To        time.Time         `query:"to" doc:"Calls that started before it."`
	Direction string            `query:"direction" enum:"inbound,outbound"`
	Queue     tandem.QueueID    `query:"queue" maxLength:"64"`
	Agent     tandem.AgentID    `query:"agent" maxLength:"64" doc:"Calls that this agent was offered. An agent may see the own calls only."`
	Campaign  tandem.CampaignID `query:"campaign" maxLength:"64"`
	Number    tandem.Number     `query:"number" maxLength:"64" doc:"The customer's, exactly."`
}

// query turns the filter into a query for what the user may see.
func (f CallFilter) query(u user) (reports.CallQuery, error) {
	q := reports.CallQuery{From: f.From.UTC(), To: f.To.UTC(), Queue: f.Queue, Agent: f.Agent, Campaign: f.Campaign, Customer: f.Number, Newest: true}
	if f.From.IsZero() {
		q.From = time.Time{}
	}
	if f.To.IsZero() {
		q.To = time.Time{}
	}
	if err := q.Direction.UnmarshalText([]byte(f.Direction)); err != nil {
		return q, huma.Error422UnprocessableEntity(err.Error())
	}
	if !u.Role.May(RoleSupervisor) {
		if u.Agent == "" {
			return q, huma.Error403Forbidden(textNoAgent)
		}
		q.Agent = u.Agent
	}
	return q, nil
}

func (s *Server) listCalls(ctx context.Context, in *struct {
	CallFilter

	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" maxLength:"512" doc:"What the page before gave as next."`
},
) (*of[list[CallView]], error) {
	if s.cfg.Calls == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	u, _ := userFrom(ctx)
	q, err := in.query(u)
	if err != nil {
		return nil, err
	}
	if in.Cursor != "" {
		text, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		q.After = &reports.CallCursor{}
		if err != nil || json.Unmarshal(text, q.After) != nil {
			return nil, huma.Error422UnprocessableEntity("The cursor is not one that this address gave.")
		}
	}
	q.Limit = in.Limit
	page, err := s.cfg.Calls.Calls(ctx, q)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	out := list[CallView]{Items: make([]CallView, len(page))}
	for i := range page {
		out.Items[i] = callView(&page[i])
	}
	if len(page) == q.Limit {
		cursor, err := json.Marshal(page[len(page)-1].Cursor())
		if err != nil {
			return nil, s.answer(ctx, err)
		}
		out.Next = base64.RawURLEncoding.EncodeToString(cursor)
	}
	return &of[list[CallView]]{out}, nil
}

func (s *Server) showCallRecord(ctx context.Context, in *callInput) (*of[CallDetail], error) {
	if s.cfg.Calls == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	c, err := s.cfg.Calls.Call(ctx, in.Call)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	u, _ := userFrom(ctx)
	if !u.Role.May(RoleSupervisor) {
		mine := false
		for _, a := range c.Agents() {
			mine = mine || (u.Agent != "" && a == u.Agent)
		}
		if !mine {
			return nil, s.answer(ctx, tandem.ErrNotFound)
		}
	}
	return &of[CallDetail]{callDetail(&c)}, nil
}

func (s *Server) exportCalls(ctx context.Context, in *CallFilter) (*huma.StreamResponse, error) {
	if s.cfg.Calls == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	u, _ := userFrom(ctx)
	q, err := in.query(u)
	if err != nil {
		return nil, err
	}
	q.Newest, q.Limit = false, reports.MaxPage
	// The first page is read before the answer begins: a fault is then a proper answer.
	first, err := s.cfg.Calls.Calls(ctx, q)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
		hc.SetHeader("Content-Disposition", `attachment; filename="calls.csv"`)
		hc.SetStatus(http.StatusOK)
		if err := writeCalls(ctx, hc.BodyWriter(), s.cfg.Calls, q, first); err != nil && ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "export of calls was cut off", "error", err)
		}
	}}, nil
}

func (s *Server) listCampaigns(ctx context.Context, _ *struct{}) (*of[list[Campaign]], error) {
	if s.cfg.Campaigns == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	campaigns, err := s.cfg.Campaigns.List(ctx)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	if campaigns == nil {
		campaigns = []Campaign{}
	}
	return &of[list[Campaign]]{list[Campaign]{Items: campaigns}}, nil
}

func (s *Server) setCampaignState(ctx context.Context, in *struct {
	Campaign tandem.CampaignID `path:"campaign" maxLength:"64"`
	Body     struct {
		State string `json:"state" enum:"active,paused"`
	}
},
) (*struct{}, error) {
	if s.cfg.Campaigns == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	var state tandem.CampaignState
	if err := state.UnmarshalText([]byte(in.Body.State)); err != nil {
		return nil, s.answer(ctx, err)
	}
	u, _ := userFrom(ctx)
	s.cfg.Logger.InfoContext(ctx, "campaign state asked for", "campaign", in.Campaign, "state", state.String(), "by", u.Login)
	return nil, s.answer(ctx, s.cfg.Campaigns.SetState(ctx, in.Campaign, state))
}

func (s *Server) importLeads(ctx context.Context, in *struct {
	Campaign tandem.CampaignID `path:"campaign" maxLength:"64"`
	RawBody  []byte            `contentType:"text/csv"`
},
) (*of[ImportResult], error) {
	if s.cfg.Campaigns == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	result, err := s.cfg.Campaigns.Import(ctx, in.Campaign, bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return &of[ImportResult]{result}, nil
}
