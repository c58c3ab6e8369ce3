package campaign

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tandem-cc/tandem"
)

// listReader reads contacts from a CSV file, row by row.
type listReader struct {
	im      Import
	rows    *csvRows
	input   *limitedReader
	heading []string
	phones  []int // columns, in the order of trying
	name    int   // -1: none
	id      int   // -1: none
}

// newListReader reads the headings.
func newListReader(r io.Reader, im Import) (*listReader, error) {
	in := &limitedReader{r: r, left: im.Limits.Bytes}
	br := bufio.NewReaderSize(in, 64<<10)
	if mark, err := br.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = br.Discard(3) // it was just peeked at
	}
	head, err := br.Peek(br.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, in.explain(err)
	}
	if len(head) == 0 {
		return nil, fmt.Errorf("campaign: import: the list is empty: %w", tandem.ErrInvalid)
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.IndexByte(head, 0) >= 0 {
		return nil, fmt.Errorf("campaign: import: the list is not UTF-8 text: save it as \"CSV UTF-8\": %w", tandem.ErrInvalid)
	}
	l := &listReader{im: im, input: in, rows: &csvRows{r: br, comma: delimiter(head)}, name: -1, id: -1}
	row, fault, err := l.rows.next()
	switch {
	case err != nil:
		return nil, in.explain(err)
	case fault != "":
		return nil, fmt.Errorf("campaign: import: line 1, the headings: %s: %w", fault, tandem.ErrInvalid)
	}
	return l, l.assign(row)
}

// delimiter guesses what divides the columns: whichever of comma, semicolon and tab comes most often in the first line.
func delimiter(head []byte) byte {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := byte(','), 0
	for _, d := range []byte{',', ';', '\t'} {
		quoted, n := false, 0
		for _, b := range line {
			switch {
			case b == '"':
				quoted = !quoted
			case b == d && !quoted:
				n++
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}

// assign decides what each column is.
func (l *listReader) assign(row []string) error {
	if len(row) > l.im.Limits.Columns {
		return limitError("columns", l.im.Limits.Columns)
	}
	for i, h := range row {
		h = strings.TrimSpace(h)
		if !utf8.ValidString(h) {
			return fmt.Errorf("campaign: import: heading %d is not UTF-8: save the list as \"CSV UTF-8\": %w", i+1, tandem.ErrInvalid)
		}
		if len(h) > l.im.Limits.Field {
			return limitError("bytes in a heading", l.im.Limits.Field)
		}
		if h == "" {
			h = fmt.Sprintf("column %d", i+1)
		}
		if l.column(h) >= 0 {
			return fmt.Errorf("campaign: import: heading %q is there twice: %w", h, tandem.ErrInvalid)
		}
		l.heading = append(l.heading, h)
	}
	m := l.im.Mapping
	for _, p := range m.Phones {
		i := l.column(p)
		if i < 0 {
			return fmt.Errorf("campaign: import: there is no column %q for phones, only %q: %w", p, l.heading, tandem.ErrInvalid)
		}
		l.phones = append(l.phones, i)
	}
	if len(m.Phones) == 0 {
		l.phones = l.guessPhones()
	}
	if len(l.phones) == 0 {
		return fmt.Errorf("campaign: import: no column of %q is for phones: say which in the mapping: %w", l.heading, tandem.ErrInvalid)
	}
	var err error
	if l.name, err = l.find(m.Name, "name"); err != nil {
		return err
	}
	l.id, err = l.find(m.ExternalID, "external_id", "id")
	return err
}

// column returns the place of a heading, -1 for none.
func (l *listReader) column(heading string) int {
	return slices.IndexFunc(l.heading, func(h string) bool { return strings.EqualFold(h, strings.TrimSpace(heading)) })
}

func (l *listReader) guessPhones() []int {
	var out []int
	for i, h := range l.heading {
		h = strings.ToLower(h)
		if slices.ContainsFunc([]string{"phone", "mobile", "tel", "number"}, func(p string) bool { return strings.HasPrefix(h, p) }) {
			out = append(out, i)
		}
	}
	return out
}

// find returns the column that is named, or the first of the usual ones that is there.
func (l *listReader) find(named string, usual ...string) (int, error) {
	if named != "" {
		i := l.column(named)
		if i < 0 {
			return i, fmt.Errorf("campaign: import: there is no column %q, only %q: %w", named, l.heading, tandem.ErrInvalid)
		}
		return i, nil
	}
	for _, u := range usual {
		if i := l.column(u); i >= 0 && !slices.Contains(l.phones, i) {
			return i, nil
		}
	}
	return -1, nil
}

func (l *listReader) columns() []Column {
	out := make([]Column, len(l.heading))
	for i, h := range l.heading {
		use := "field"
		switch {
		case slices.Contains(l.phones, i):
			use = "phone"
		case i == l.name:
			use = "name"
		case i == l.id:
			use = "external_id"
		}
		out[i] = Column{Heading: h, Use: use}
	}
	return out
}

// line is where the last row begins.
func (l *listReader) line() int { return l.rows.line }

// next returns the next contact, or what is wrong with its row, or io.EOF, or why the list cannot be read on.
func (l *listReader) next() (NewLead, *RowError, error) {
	for {
		row, fault, err := l.rows.next()
		switch {
		case err != nil && errors.Is(err, io.EOF) && l.input.err == nil:
			return NewLead{}, nil, io.EOF
		case err != nil:
			return NewLead{}, nil, l.input.explain(err)
		case fault != "":
			return NewLead{}, &RowError{Line: l.line(), What: fault}, nil
		case blank(row):
			continue
		}
		lead, bad := l.contact(row)
		return lead, bad, nil
	}
}

func blank(row []string) bool {
	return !slices.ContainsFunc(row, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// contact makes a lead of a row, or says what is wrong with it.
func (l *listReader) contact(row []string) (NewLead, *RowError) {
	if len(row) != len(l.heading) {
		return NewLead{}, &RowError{Line: l.line(), What: fmt.Sprintf("has %d columns, the headings %d", len(row), len(l.heading))}
	}
	var lead NewLead
	for i, v := range row {
		v = strings.TrimSpace(v)
		switch {
		case !utf8.ValidString(v):
			return lead, &RowError{Line: l.line(), Column: l.heading[i], What: "is not UTF-8"}
		case len(v) > l.im.Limits.Field:
			return lead, &RowError{Line: l.line(), Column: l.heading[i], What: fmt.Sprintf("is longer than %d bytes", l.im.Limits.Field)}
		case strings.IndexByte(v, 0) >= 0:
			return lead, &RowError{Line: l.line(), Column: l.heading[i], What: "holds a zero byte"}
		case slices.Contains(l.phones, i):
		case i == l.name:
			lead.Lead.Name = strings.Clone(v)
		case i == l.id:
			if v != "" {
				lead.Key = "id:" + v
			}
		case v != "":
			if lead.Lead.Fields == nil {
				lead.Lead.Fields = make(map[string]string)
			}
			lead.Lead.Fields[l.heading[i]] = strings.Clone(v)
		}
	}
	return l.numbers(lead, row)
}

// maxPhones is how many phones a contact may have.
const maxPhones = 16

// numbers adds the phones of a row to its lead.
func (l *listReader) numbers(lead NewLead, row []string) (NewLead, *RowError) {
	for _, i := range l.phones {
		text := strings.TrimSpace(row[i])
		if text == "" {
			continue
		}
		n, err := l.im.Number(text)
		if err != nil {
			what := strings.TrimSuffix(err.Error(), ": "+tandem.ErrInvalid.Error())
			return lead, &RowError{Line: l.line(), Column: l.heading[i], What: what}
		}
		if !slices.Contains(lead.Lead.Phones, n) {
			lead.Lead.Phones = append(lead.Lead.Phones, n)
		}
	}
	switch {
	case len(lead.Lead.Phones) == 0:
		return lead, &RowError{Line: l.line(), What: "has no phone number"}
	case len(lead.Lead.Phones) > maxPhones:
		return lead, &RowError{Line: l.line(), What: fmt.Sprintf("has more than %d phone numbers", maxPhones)}
	case lead.Key == "":
		lead.Key = "phone:" + string(lead.Lead.Phones[0])
	}
	return lead, nil
}

// limitedReader stops with an error behind a number of bytes.
type limitedReader struct {
	r    io.Reader
	left int64
	err  error // why reading stopped, but for the end of the file
}

// errTooLong says that a list exceeds Limits.Bytes.
var errTooLong = errors.New("too long")

// Read implements io.Reader.
func (r *limitedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		// One byte more tells a list that is too long from one that just fits.
		n, err := r.r.Read(make([]byte, 1))
		if n == 0 {
			return 0, err
		}
		r.err = errTooLong
		return 0, r.err
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// explain says why the list cannot be read on.
func (r *limitedReader) explain(err error) error {
	if errors.Is(r.err, errTooLong) {
		return fmt.Errorf("campaign: import: the list is longer than the limit: %w", tandem.ErrInvalid)
	}
	if r.err != nil {
		return fmt.Errorf("campaign: import: read the list: %w", r.err)
	}
	return fmt.Errorf("campaign: import: read the list: %w", err)
}
