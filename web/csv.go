package web

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem/reports"
)

// writeCalls writes the calls that q selects, page by page from the first one.
func writeCalls(ctx context.Context, w io.Writer, calls Calls, q reports.CallQuery, page []reports.CallRecord) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeading()); err != nil {
		return err
	}
	for {
		for i := range page {
			if err := out.Write(csvRow(callView(&page[i]))); err != nil {
				return err
			}
		}
		out.Flush()
		if err := out.Error(); err != nil {
			return err
		}
		if len(page) < q.Limit {
			return nil
		}
		q.After = page[len(page)-1].Cursor()
		var err error
		if page, err = calls.Calls(ctx, q); err != nil {
			return err
		}
	}
}

func csvHeading() []string {
	return []string{
		"call", "direction", "number", "did", "queues", "agents", "campaign", "started", "connected", "ended", "waited_s", "talked_s", "wrap_up_s",
		"result", "cause", "ended_by", "outcome", "disposition", "note",
	}
}

func csvRow(v CallView) []string {
	return []string{
		string(v.ID), v.Direction.String(), plainCell(string(v.Number)), plainCell(string(v.DID)), joined(v.Queues), joined(v.Agents), string(v.Campaign),
		stamp(v.Started), stamp(v.Connected), stamp(v.Ended), seconds(v.Waited), seconds(v.Talked), seconds(v.WrapUp),
		v.Result.String(), v.Cause.String(), v.EndedBy.String(), v.Outcome.String(), string(v.Disposition), plainCell(v.Note),
	}
}

func joined[T ~string](items []T) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	return strings.Join(texts, " ")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }

// plainCell keeps a spreadsheet from running a text that came from outside: one that begins like a formula gets an
// apostrophe in front. A telephone number with its plus is none.
func plainCell(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if s[0] == '+' && len(s) > 1 && strings.Trim(s[1:], "0123456789") == "" {
		return s
	}
	return "'" + s
}
