package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

func (s *Server) registerSupervisor(api huma.API) {
	huma.Register(api, s.operation(RoleSupervisor, http.MethodGet, "/api/v1/calls/{call}/why", "explain-call", "Say why a call still waits"), s.explainCall)
	why := s.operation(RoleAgent, http.MethodGet, "/api/v1/agents/{agent}/why", "explain-agent", "Say why an agent has no call")
	why.Description += " An agent may ask about the own work only."
	huma.Register(api, why, s.explainAgent)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPost, "/api/v1/calls/{call}/move", "move-call", "Move a waiting call to another queue"), s.moveCall)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPut, "/api/v1/calls/{call}/priority", "set-call-priority", "Change a waiting call's priority"), s.setCallPriority)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPost, "/api/v1/calls/{call}/pick", "pick-call", "Offer a waiting call to one agent now"), s.pickCall)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPut, "/api/v1/agents/{agent}/state", "force-state", "Make an agent ready or paused, or log the agent out"), s.forceState)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPost, "/api/v1/queues/{queue}/drain", "drain-queue", "Let no more calls into a queue"), s.drainQueue)
	huma.Register(api, s.operation(RoleSupervisor, http.MethodPost, "/api/v1/queues/{queue}/reopen", "reopen-queue", "Let calls into a queue again"), s.reopenQueue)
}

// CallReasons says why a call still waits.
type CallReasons struct {
	At        time.Time            `json:"at"`
	Call      tandem.CallID        `json:"call"`
	Queue     tandem.QueueID       `json:"queue,omitempty"`
	State     string               `json:"state"`
	Waited    float64              `json:"waited" doc:"Seconds in this queue."`
	Position  int                  `json:"position" doc:"From 1; 0: it does not wait."`
	Agent     tandem.AgentID       `json:"agent,omitempty" doc:"At whom it rings first, or who has it."`
	Rings     int                  `json:"rings" doc:"At how many agents."`
	Keeper    tandem.AgentID       `json:"keeper,omitempty" doc:"Whom it is meant for, or kept for until kept_until."`
	Level     int                  `json:"level" doc:"The highest level of agents that is asked; -1: all."`
	Needs     []tandem.Requirement `json:"needs,omitempty" doc:"What it asks of its agents now."`
	Rule      string               `json:"rule" doc:"The answer in one word: not_waiting, rings, direct, kept, no_agent, no_agent_fits, no_agent_free."`
	KeptUntil time.Time            `json:"kept_until,omitzero"`
	EasesAt   time.Time            `json:"eases_at,omitzero" doc:"When it asks for less."`
	LeavesAt  time.Time            `json:"leaves_at,omitzero" doc:"When it leaves the queue."`
	Skipped   map[string]int       `json:"skipped,omitempty" doc:"How many agents are out of the question, by reason."`
	Agents    []acd.Obstacle       `json:"agents,omitempty" doc:"Why not this one, and what would have to change; at most 200."`
}

func callReasons(w *acd.WhyCall) CallReasons {
	return CallReasons{
		At: w.At.UTC(), Call: w.Call, Queue: w.Queue, State: w.State, Waited: w.Waited.Seconds(), Position: w.Place, Agent: w.Agent, Rings: w.Rings,
		Keeper: w.Keeper, Level: w.Level, Needs: w.Needs, Rule: w.Rule, KeptUntil: w.KeptUntil, EasesAt: w.EasesAt, LeavesAt: w.LeavesAt,
		Skipped: w.Skipped, Agents: w.Agents,
	}
}

func (s *Server) explainCall(ctx context.Context, in *callInput) (*of[CallReasons], error) {
	if s.explainer == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	w, err := s.explainer.Why(ctx, in.Call)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return &of[CallReasons]{callReasons(&w)}, nil
}

func (s *Server) explainAgent(ctx context.Context, in *struct {
	Agent tandem.AgentID `path:"agent" maxLength:"64"`
},
) (*of[acd.WhyAgent], error) {
	u, _ := userFrom(ctx)
	if !u.Role.May(RoleSupervisor) && (u.Agent == "" || u.Agent != in.Agent) {
		return nil, huma.Error403Forbidden(textRole)
	}
	if s.explainer == nil {
		return nil, s.answer(ctx, tandem.ErrUnsupported)
	}
	w, err := s.explainer.WhyAgent(ctx, in.Agent)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	return &of[acd.WhyAgent]{w}, nil
}

// supervise does what a supervisor asked for and writes down who asked for what, and whether it was done.
func (s *Server) supervise(ctx context.Context, command string, do func(Supervisor) error, about ...slog.Attr) error {
	if s.supervisor == nil {
		return s.answer(ctx, tandem.ErrUnsupported)
	}
	err := do(s.supervisor)
	u, _ := userFrom(ctx)
	about = append(about, slog.String("command", command), slog.String("by", u.Login), slog.Bool("done", err == nil))
	s.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "supervisor's command", about...)
	return s.answer(ctx, err)
}

func (s *Server) moveCall(ctx context.Context, in *struct {
	Call tandem.CallID `path:"call" maxLength:"64"`
	Body struct {
		Queue tandem.QueueID `json:"queue" minLength:"1" maxLength:"64"`
	}
},
) (*struct{}, error) {
	return nil, s.supervise(ctx, "move", func(p Supervisor) error { return p.Move(ctx, in.Call, in.Body.Queue) },
		slog.String("call_id", string(in.Call)), slog.String("queue", string(in.Body.Queue)))
}

func (s *Server) setCallPriority(ctx context.Context, in *struct {
	Call tandem.CallID `path:"call" maxLength:"64"`
	Body struct {
		Priority int `json:"priority" minimum:"-1000" maximum:"1000" doc:"Higher is served first; 0 is normal."`
	}
},
) (*struct{}, error) {
	return nil, s.supervise(ctx, "set_priority", func(p Supervisor) error { return p.SetPriority(ctx, in.Call, in.Body.Priority) },
		slog.String("call_id", string(in.Call)), slog.Int("priority", in.Body.Priority))
}

func (s *Server) pickCall(ctx context.Context, in *struct {
	Call tandem.CallID `path:"call" maxLength:"64"`
	Body struct {
		Agent tandem.AgentID `json:"agent" minLength:"1" maxLength:"64"`
	}
},
) (*struct{}, error) {
	return nil, s.supervise(ctx, "pick", func(p Supervisor) error { return p.Pick(ctx, in.Call, in.Body.Agent) },
		slog.String("call_id", string(in.Call)), slog.String("agent", string(in.Body.Agent)))
}

func (s *Server) forceState(ctx context.Context, in *struct {
	Agent tandem.AgentID `path:"agent" maxLength:"64"`
	Body  struct {
		State  string `json:"state" enum:"ready,paused,logged_out"`
		Reason string `json:"reason,omitempty" maxLength:"100" doc:"Of a pause."`
	}
},
) (*of[AgentView], error) {
	var to tandem.AgentState
	if err := to.UnmarshalText([]byte(in.Body.State)); err != nil {
		return nil, s.answer(ctx, err)
	}
	// The reason is a person's words and stays out of the log.
	err := s.supervise(ctx, "force", func(p Supervisor) error { return p.Force(ctx, in.Agent, to, in.Body.Reason) },
		slog.String("agent", string(in.Agent)), slog.String("state", to.String()))
	if err != nil {
		return nil, err
	}
	a, err := s.status(ctx, in.Agent)
	if err != nil {
		return nil, err
	}
	return &of[AgentView]{agentView(a)}, nil
}

type queueInput struct {
	Queue tandem.QueueID `path:"queue" maxLength:"64"`
}

func (s *Server) drainQueue(ctx context.Context, in *queueInput) (*struct{}, error) {
	return nil, s.supervise(ctx, "drain", func(p Supervisor) error { return p.Drain(ctx, in.Queue) }, slog.String("queue", string(in.Queue)))
}

func (s *Server) reopenQueue(ctx context.Context, in *queueInput) (*struct{}, error) {
	return nil, s.supervise(ctx, "reopen", func(p Supervisor) error { return p.Reopen(ctx, in.Queue) }, slog.String("queue", string(in.Queue)))
}
