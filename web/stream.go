package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandem-cc/tandem"
)

// streamInput is what opens an event stream.
type streamInput struct {
	LastEventID string `header:"Last-Event-ID" doc:"The last id received: the stream resumes after it." maxLength:"20"`
	After       uint64 `query:"after" doc:"The same, for clients that cannot set headers."`
}

// writeTimeout is how long one piece of a stream may take to be taken by the client.
const writeTimeout = 20 * time.Second

// registerStream adds the live feed.
func (s *Server) registerStream(api huma.API) {
	op := s.operation(RoleAgent, http.MethodGet, "/api/v1/events", "stream-events", "Follow what happens")
	op.Description = "Server-sent events: `record` (a journal record, its number as the id), `board` (the whole Board; its id is the last record passed over), `reset` (records were lost " +
		"between the given id and now: read the state afresh). A comment is sent when nothing happens. An agent gets the records about " +
		"the own work, a supervisor all."
	op.Responses = map[string]*huma.Response{"200": {Description: "The stream.", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	huma.Register(api, op, func(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
		after := in.After
		if in.LastEventID != "" {
			n, err := strconv.ParseUint(in.LastEventID, 10, 64)
			if err != nil {
				return nil, huma.Error422UnprocessableEntity("Last-Event-ID is not a number.")
			}
			after = n
		}
		u, _ := userFrom(ctx)
		l, missed, whole, err := s.feed.listen(u.session.Key, after)
		if err != nil {
			return nil, s.answer(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer s.feed.leave(l)
			hc.SetHeader("Content-Type", "text/event-stream")
			hc.SetHeader("X-Accel-Buffering", "no")
			hc.SetStatus(http.StatusOK)
			w, ok := hc.BodyWriter().(http.ResponseWriter)
			if !ok {
				return
			}
			st := &stream{server: s, user: u, w: w, control: http.NewResponseController(w)}
			// The client is gone, or its session is: either way there is nobody to tell.
			_ = st.serve(ctx, l, missed, whole)
		}}, nil
	})
}

// stream writes one event stream.
type stream struct {
	server  *Server
	user    user
	w       io.Writer
	control *http.ResponseController
	seen    uint64 // the last record, told or not: where the client resumes
}

var errStreamOver = errors.New("stream over")

// serve writes until the client or the session is gone, or the feed cuts the stream off.
func (st *stream) serve(ctx context.Context, l *listener, missed []tandem.Record, whole bool) error { //nolint:revive // whole is a fact, see feed.listen
	if err := st.write("retry: 1500\n\n"); err != nil {
		return err
	}
	if !whole {
		if err := st.write("event: reset\ndata: {}\n\n"); err != nil {
			return err
		}
	}
	for _, r := range missed {
		if err := st.record(r); err != nil {
			return err
		}
	}
	beat := time.NewTicker(st.server.cfg.Heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r, open := <-l.records:
			if !open {
				return errStreamOver
			}
			err = st.record(r)
		case <-l.board:
			err = st.board()
		case <-beat.C:
			err = st.beat(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// beat says that the stream is alive, after a look whether its session still is.
func (st *stream) beat(ctx context.Context) error {
	u, err := st.server.gate.byKey(ctx, st.user.session.Key)
	switch {
	case err == nil:
		st.user = u
	case errors.Is(err, tandem.ErrNotFound):
		return err
	default:
		// A store that does not answer says nothing about the session: the next beat asks again.
	}
	return st.write(": alive\n" + st.position() + "\n")
}

// position is the line that moves the client's resume point past records that it may not see.
func (st *stream) position() string {
	if st.seen == 0 {
		return ""
	}
	return fmt.Sprintf("id: %d\n", st.seen)
}

func (st *stream) record(r tandem.Record) error {
	st.seen = r.Seq
	if !st.user.Role.May(RoleSupervisor) && !concerns(r.Event, st.user.Agent) {
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return st.write(fmt.Sprintf("id: %d\nevent: record\ndata: %s\n\n", r.Seq, text))
}

func (st *stream) board() error {
	s := st.server.feed.board.Load()
	if s == nil {
		return nil
	}
	text, err := json.Marshal(boardFor(st.user, s))
	if err != nil {
		return err
	}
	return st.write(st.position() + "event: board\ndata: " + string(text) + "\n\n")
}

func (st *stream) write(text string) error {
	// A client that takes nothing for this long is as good as gone.
	if err := st.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(st.w, text); err != nil {
		return err
	}
	return st.control.Flush()
}
