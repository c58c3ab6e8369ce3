package reports

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// csvTime is RFC 3339 in UTC with milliseconds.
const csvTime = "2006-01-02T15:04:05.000Z"

// CSVHeader returns the columns of an export of call records, in order. Columns are only ever added, at the end.
// Times are RFC 3339 in UTC with milliseconds; columns that end with _s are seconds with three decimals; several
// queues or agents are separated by a space and a semicolon.
func CSVHeader() []string {
	return []string{
		"call", "direction", "trunk", "from", "to", "customer", "queues", "agents", "campaign", "attempt", "lead",
		"started", "answered", "connected", "ended",
		"waited_s", "rang_s", "talked_s", "held_s", "wrap_up_s",
		"result", "cause", "ended_by", "outcome", "disposition", "note",
	}
}

// CSVWriter writes call records as CSV (RFC 4180: commas, CRLF, quotes where needed), one at a time, so that an export
// of any length needs little memory. A cell that a spreadsheet would take for a formula gets an apostrophe before it. A
// CSVWriter has one owner.
type CSVWriter struct {
	w      *csv.Writer
	cells  []string
	headed bool
}

// NewCSVWriter returns a CSVWriter that writes to w. Nothing is written before the first Write or Flush.
func NewCSVWriter(w io.Writer) *CSVWriter {
	c := &CSVWriter{w: csv.NewWriter(w), cells: make([]string, 0, len(CSVHeader()))}
	c.w.UseCRLF = true
	return c
}

// Write writes one record.
func (w *CSVWriter) Write(c *CallRecord) error {
	if err := w.head(); err != nil {
		return err
	}
	cells := append(w.cells[:0],
		string(c.Call.ID), c.Call.Direction.String(), string(c.Call.Trunk), string(c.Call.From.Number), string(c.Call.To),
		string(c.Call.CustomerNumber()), list(c.Queues()), list(c.Agents()), string(c.Call.Campaign), string(c.Call.Attempt),
		string(c.Call.Lead),
		moment(c.Started), moment(c.Answered), moment(c.Connected), moment(c.Ended),
		seconds(c.Waited), seconds(c.Rang), seconds(c.Talked), seconds(c.Held), seconds(c.WrapUp),
		c.Result.String(), c.Cause.String(), c.EndedBy.String(), c.Outcome.String(), string(c.Disposition), c.Note,
	)
	for i := range cells {
		cells[i] = harmless(cells[i])
	}
	w.cells = cells
	if err := w.w.Write(cells); err != nil {
		return fmt.Errorf("reports: csv: call %s: %w", c.Call.ID, err)
	}
	return nil
}

// Flush writes what is buffered, the header at least, and returns the first error of all writing.
func (w *CSVWriter) Flush() error {
	if err := w.head(); err != nil {
		return err
	}
	w.w.Flush()
	if err := w.w.Error(); err != nil {
		return fmt.Errorf("reports: csv: %w", err)
	}
	return nil
}

func (w *CSVWriter) head() error {
	if w.headed {
		return nil
	}
	w.headed = true
	if err := w.w.Write(CSVHeader()); err != nil {
		return fmt.Errorf("reports: csv: header: %w", err)
	}
	return nil
}

// list joins names with a separator that spreadsheets leave alone.
func list[T ~string](names []T) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(csvTime)
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Millisecond).Seconds(), 'f', 3, 64)
}

// harmless puts an apostrophe before what a spreadsheet would run as a formula. Plain numbers, telephone numbers among
// them, are left as they are; a NUL and a lone carriage return, which break readers, are taken out.
func harmless(s string) string {
	if strings.ContainsAny(s, "\x00\r") {
		s = strings.NewReplacer("\x00", "", "\r\n", "\n", "\r", "\n").Replace(s)
	}
	if s == "" || !strings.ContainsRune("=+-@\t\n", rune(s[0])) {
		return s
	}
	if digits := s[1:]; (s[0] == '+' || s[0] == '-') && digits != "" && strings.Trim(digits, "0123456789") == "" {
		return s
	}
	return "'" + s
}

// CallLister is where an export reads call records: an Archive, or what web shows of one.
type CallLister interface {
	Calls(ctx context.Context, q CallQuery) ([]CallRecord, error)
}

// ExportCSV writes the records that q selects to w, reading page after page from where q.After says. It returns how
// many it wrote. Records that are saved meanwhile are in it or not, but none twice.
func ExportCSV(ctx context.Context, w io.Writer, from CallLister, q CallQuery) (int, error) {
	out := NewCSVWriter(w)
	if q.Limit == 0 {
		q.Limit = MaxPage / 2
	}
	n := 0
	for {
		calls, err := from.Calls(ctx, q)
		if err != nil {
			return n, fmt.Errorf("reports: export: %w", err)
		}
		for i := range calls {
			if err := out.Write(&calls[i]); err != nil {
				return n, err
			}
			n++
		}
		if err := out.Flush(); err != nil {
			return n, err
		}
		if len(calls) < q.Limit {
			return n, nil
		}
		q.After = calls[len(calls)-1].Cursor()
	}
}

var _ CallLister = Archive(nil)
