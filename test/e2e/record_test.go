package e2e_test

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // reads the server's own file, without the server's own code

	"github.com/tandem-cc/tandem/reports"
)

// query reads one row out of the server's SQLite file.
func (s *server) query(ctx context.Context, t *testing.T, query string, into ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Dir, "tandem.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.QueryRowContext(ctx, query).Scan(into...), query)
}

// journal returns the first and the last number in the journal, and how many records it has.
func (s *server) journal(ctx context.Context, t *testing.T) (first, last, records int) {
	t.Helper()
	s.query(ctx, t, "SELECT min(seq), max(seq), count(*) FROM journal", &first, &last, &records)
	return first, last, records
}

// stored reads the only call's record out of the server's SQLite file.
func (s *server) stored(ctx context.Context, t *testing.T) reports.CallRecord {
	t.Helper()
	var text string
	s.query(ctx, t, "SELECT data FROM call_record", &text)
	var r reports.CallRecord
	require.NoError(t, json.Unmarshal([]byte(text), &r), text)
	return r
}

func TestRecord_SQLiteAndCSVSayWhatTheTelephonesSaw(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, desk := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann")
	s := serve(t, t.TempDir(), centre(caller.port, ""))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, desk.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))

	// A second of waiting, a second of ringing, two of talking, and one of wrap-up: each to be told from the others.
	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	pause(ctx, time.Second)
	s.login(t, "ann", "open-sesame-1").ready()
	ring, err := desk.nextRing(ctx)
	require.NoError(t, err)
	rang := time.Now()
	pause(ctx, time.Second)
	agent, err := ring.answer(agentTone)
	require.NoError(t, err)
	pause(ctx, 2*time.Second)
	require.NoError(t, customer.hang(ctx))
	hung := time.Now()
	within(ctx, t, agent.done, "the agent's leg was not hung up")

	admin := s.login(t, "admin", s.password(t, "admin"))
	admin.record()
	var r reports.CallRecord
	require.Eventually(t, func() bool { r = s.stored(ctx, t); return r.WrapUp > 0 }, 10*time.Second, 50*time.Millisecond, "the wrap-up ends")
	near := 400 * time.Millisecond // two processes on one busy machine
	kinds := []reports.SegmentKind{reports.SegmentQueued, reports.SegmentRinging, reports.SegmentTalking, reports.SegmentWrapUp}
	begins := []time.Time{customer.at, rang, agent.at, hung}
	ends := []time.Time{agent.at, agent.at, hung, hung.Add(time.Second)}
	require.Len(t, r.Segments, len(kinds))
	for i, segment := range r.Segments {
		require.Equal(t, kinds[i], segment.Kind)
		require.WithinDuration(t, begins[i], segment.From, near, "%v begins", segment.Kind)
		require.WithinDuration(t, ends[i], segment.To, near, "%v ends", segment.Kind)
	}

	_, text := admin.do(http.MethodGet, "/api/v1/calls.csv", nil)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err, text)
	require.Len(t, rows, 2, text)
	cell := map[string]string{}
	for i, name := range rows[0] {
		cell[name] = rows[1][i]
	}
	require.Equal(t, string(r.Call.ID), cell["call"])
	for name, want := range map[string]time.Time{"started": r.Started, "answered": r.Answered, "connected": r.Connected, "ended": r.Ended} {
		got, err := time.Parse(time.RFC3339, cell[name])
		require.NoError(t, err, name)
		require.WithinDuration(t, want, got, time.Millisecond, name)
	}
	for i, name := range []string{"waited_s", "rang_s", "talked_s", "wrap_up_s"} {
		got, err := strconv.ParseFloat(cell[name], 64)
		require.NoError(t, err, name)
		require.InDelta(t, r.Segments[i].To.Sub(r.Segments[i].From).Seconds(), got, 0.002, name)
	}
	require.Equal(t, []string{"answered", "normal", "customer"}, []string{cell["result"], cell["cause"], cell["ended_by"]})
}

// pause lets time pass in a call.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
