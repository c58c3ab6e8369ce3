package reports_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
)

// write returns records as CSV.
func write(tb testing.TB, calls ...reports.CallRecord) string {
	tb.Helper()
	var b bytes.Buffer
	w := reports.NewCSVWriter(&b)
	for i := range calls {
		require.NoError(tb, w.Write(&calls[i]))
	}
	require.NoError(tb, w.Flush())
	return b.String()
}

func TestCSVWriter_WritesEveryColumn(t *testing.T) {
	t.Parallel()
	c := foldOne(t, answered()...)
	c.Note = "says \"two, please\"\nand thanks"
	got := write(t, c)
	want := "call,direction,trunk,from,to,customer,queues,agents,campaign,attempt,lead,started,answered,connected,ended," +
		"waited_s,rang_s,talked_s,held_s,wrap_up_s,result,cause,ended_by,outcome,disposition,note\r\n" +
		"c1,inbound,,+34600000001,900,+34600000001,sales,ana; bo,,,," +
		"2026-05-04T09:00:01.000Z,2026-05-04T09:00:01.500Z,2026-05-04T09:00:10.000Z,2026-05-04T09:00:40.000Z," +
		"8.000,7.000,25.000,5.000,7.000,answered,normal,customer,,refund,\"says \"\"two, please\"\"\r\nand thanks\"\r\n"
	assert.Equal(t, want, got)
}

func TestCSVWriter_OfNothingHasItsHeader(t *testing.T) {
	t.Parallel()
	assert.Equal(t, strings.Join(reports.CSVHeader(), ",")+"\r\n", write(t))
}

func TestCSVWriter_LeavesNoFormula(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		`=HYPERLINK("http://evil","x")`: `'=HYPERLINK("http://evil","x")`,
		"+34600000001":                  "+34600000001",
		"-5":                            "-5",
		"+cmd|' /C calc'!A0":            "'+cmd|' /C calc'!A0",
		"@SUM(A1)":                      "'@SUM(A1)",
		"\t=1+1":                        "'\t=1+1",
		"\r=1+1":                        "'\n=1+1",
		"+":                             "'+",
		"plain = text":                  "plain = text",
		"\x00=1":                        "'=1",
	} {
		rows := parse(t, write(t, reports.CallRecord{Note: give}))
		assert.Equal(t, want, rows[1][len(rows[1])-1], "cell %q", give)
	}
}

func parse(tb testing.TB, text string) [][]string {
	tb.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(tb, err)
	return rows
}

func FuzzCSVWriter_CanBeReadAndHasNoFormula(f *testing.F) {
	f.Add("=1+1", "+34600", "a,b\r\nc\"d")
	f.Fuzz(func(t *testing.T, name, number, note string) {
		rows := parse(t, write(t, reports.CallRecord{
			Call: tandem.Call{ID: tandem.CallID(name), Direction: tandem.Inbound, From: tandem.CallerID{Number: tandem.Number(number)}}, Note: note,
		}))
		if len(rows) != 2 || len(rows[1]) != len(reports.CSVHeader()) {
			t.Fatalf("got %d rows", len(rows))
		}
		for i, cell := range rows[1] {
			first, _ := utf8.DecodeRuneInString(cell)
			if strings.ContainsRune("=@\t\n\r", first) && cell != "" {
				t.Fatalf("cell %d is a formula: %q", i, cell)
			}
			if (first == '+' || first == '-') && strings.Trim(cell[1:], "0123456789") != "" {
				t.Fatalf("cell %d is a formula: %q", i, cell)
			}
		}
	})
}

func TestExportCSV_ReadsPageAfterPage(t *testing.T) {
	t.Parallel()
	a := memstore.NewArchive()
	var calls []reports.CallRecord
	for i := range 25 {
		calls = append(calls, reports.CallRecord{Call: tandem.Call{ID: tandem.CallID(fmt.Sprintf("c%02d", i))}, Started: at(float64(i))})
	}
	require.NoError(t, a.Save(t.Context(), reports.Changes{Checkpoint: reports.Checkpoint{Seq: 1}, Calls: calls}))
	var b bytes.Buffer
	n, err := reports.ExportCSV(t.Context(), &b, a, reports.CallQuery{From: at(3), Limit: 4})
	require.NoError(t, err)
	assert.Equal(t, 22, n)
	rows := parse(t, b.String())
	require.Len(t, rows, 23)
	assert.Equal(t, "c03", rows[1][0])
	assert.Equal(t, "c24", rows[22][0])

	_, err = reports.ExportCSV(t.Context(), refusing{}, a, reports.CallQuery{})
	require.ErrorIs(t, err, errFull, "a reader who has gone ends the export")
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errFull }

func TestTally_CountsByName(t *testing.T) {
	t.Parallel()
	visit := func(wait float64, agent tandem.AgentID, why tandem.LeaveReason) reports.Visit {
		return reports.Visit{Queue: "sales", Joined: at(0), Left: at(wait), Agent: agent, Reason: why, Talked: time.Minute, WrapUp: 10 * time.Second, Finished: true}
	}
	tally := reports.Tally{Target: 20 * time.Second, Short: 5 * time.Second}
	for _, v := range []reports.Visit{
		visit(10, "ana", 0), visit(20, "bo", 0), visit(60, "ana", 0), // two of three within the target
		visit(2, "", tandem.LeaveAbandoned), visit(15, "", tandem.LeaveAbandoned), visit(70, "", tandem.LeaveAbandoned),
		visit(90, "", tandem.LeaveTimeout), visit(30, "", tandem.LeaveCallback), visit(9, "", tandem.LeaveOverflow), visit(9, "", tandem.LeaveKey),
		visit(9, "", tandem.LeaveFailed), visit(9, "", tandem.LeaveEmpty),
		visit(0, "", tandem.LeaveFull), visit(0, "", tandem.LeaveEmpty), // refused at the door
		{Queue: "sales", Joined: at(0)}, // waits still
	} {
		tally.AddVisit(v, at(100))
	}
	assert.Equal(t, 13, tally.Offered)
	assert.Equal(t, 2, tally.Refused)
	assert.Equal(t, 1, tally.Waiting)
	assert.Equal(t, 100*time.Second, tally.LongestWait, "of who waits still")
	assert.True(t, tally.Conserved())
	for name, c := range map[string]struct {
		figure func() (float64, bool)
		want   float64
	}{
		"SL1: answered in target of answered":                           {tally.SL1, 2.0 / 3},
		"SL2: answered or abandoned in target of answered or abandoned": {tally.SL2, 4.0 / 6},
		"SL-offered: answered in target of offered":                     {tally.SLOffered, 2.0 / 12},
		"SL-late-abandon: short of those abandoned in target":           {tally.SLLateAbandon, 2.0 / 4},
		"abandon rate: without the short one and the callback":          {tally.AbandonRate, 2.0 / 10},
	} {
		got, ok := c.figure()
		assert.True(t, ok, name)
		assert.InDelta(t, c.want, got, 1e-9, name)
	}
	asa, ok := tally.ASA()
	assert.True(t, ok)
	assert.Equal(t, 30*time.Second, asa)
	aht, ok := tally.AHT()
	assert.True(t, ok)
	assert.Equal(t, 70*time.Second, aht)
	abandon, ok := tally.AverageAbandon()
	assert.True(t, ok)
	assert.Equal(t, 29*time.Second, abandon)
}

func TestTally_OfNothingHasNoFigures(t *testing.T) {
	t.Parallel()
	var tally reports.Tally
	for name, figure := range map[string]func() (float64, bool){
		"SL1": tally.SL1, "SL2": tally.SL2, "SLOffered": tally.SLOffered, "SLLateAbandon": tally.SLLateAbandon, "AbandonRate": tally.AbandonRate,
	} {
		_, ok := figure()
		assert.False(t, ok, name)
	}
	_, ok := tally.ASA()
	assert.False(t, ok, "ASA")
	_, ok = tally.AHT()
	assert.False(t, ok, "AHT")
	assert.True(t, tally.Conserved())
}

func TestTally_AddsTheVisitsOfOneQueue(t *testing.T) {
	t.Parallel()
	c := foldOne(t, answered()...)
	tally := reports.Tally{Target: 20 * time.Second}
	tally.Add(&c, "help", at(100))
	assert.Zero(t, tally.Offered, "it was not in that queue")
	tally.Add(&c, "sales", at(100))
	assert.Equal(t, reports.Tally{
		Target: 20 * time.Second, Offered: 1, Answered: 1, AnsweredInTarget: 1, Handled: 1, WaitAnswered: 8 * time.Second,
		LongestWait: 8 * time.Second, Talked: 25 * time.Second, Held: 5 * time.Second, WrapUp: 7 * time.Second,
	}, tally)
}

func TestWorkday_CutsActivitiesAtItsEdges(t *testing.T) {
	t.Parallel()
	var w reports.Workday
	for _, a := range []reports.Activity{
		{State: tandem.AgentPaused, From: at(-100), To: at(10)},
		{State: tandem.AgentReady, From: at(10), To: at(40)},
		{State: tandem.AgentReserved, From: at(40), To: at(45)},
		{State: tandem.AgentOnCall, From: at(45), To: at(70)},
		{State: tandem.AgentWrapUp, From: at(70)}, // goes on
		{State: tandem.AgentReady, From: at(200), To: at(300)},
	} {
		w.Add(a, at(0), at(100))
	}
	assert.Equal(t, 100*time.Second, w.LoggedIn())
	occupancy, ok := w.Occupancy()
	assert.True(t, ok)
	assert.InDelta(t, 60.0/90, occupancy, 1e-9)
	used, ok := w.Utilisation()
	assert.True(t, ok)
	assert.InDelta(t, 0.9, used, 1e-9)
	_, ok = (&reports.Workday{}).Occupancy()
	assert.False(t, ok)
}
