package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tandem-cc/tandem"
)

// Import says how to read a contact list and what to do with it. The zero value guesses the columns by their headings.
type Import struct {
	// Mapping says which column is what.
	Mapping Mapping
	// Duplicates says what becomes of a contact that is on the list already.
	Duplicates Duplicates
	// DryRun reads and checks everything and changes nothing.
	DryRun bool
	// Limits bound what is read.
	Limits Limits
	// Number brings a phone number as it stands in the file into the form in which it is dialled and blocked, or says
	// why it is none. Nil means PlainNumber.
	Number func(text string) (tandem.Number, error)
	// Progress, if it is set, is called after each batch with how many rows were read.
	Progress func(rows int)
}

// Mapping names the columns by their headings, without regard to case and surrounding space. Whatever is not named is
// kept in Lead.Fields.
type Mapping struct {
	// Phones are the columns with numbers, in the order in which to try them. Empty: every column whose heading is, or begins with, "phone",
	// "mobile", "tel" or "number".
	Phones []string
	// Name is the column with the person's name. Empty: "name", or nothing if there is no such column.
	Name string
	// ExternalID is the column with the contact's ID elsewhere; two rows with the same one are the same contact. Empty:
	// "external_id" or "id", or else a contact is told by its first number.
	ExternalID string
}

// Limits bound an import; zero values mean the defaults.
type Limits struct {
	Bytes   int64 // 256 MiB
	Rows    int   // 1,000,000
	Columns int   // 100
	Field   int   // bytes of one field: 4,096
	Errors  int   // bad rows that are reported one by one: 1,000; all are counted
}

func (l Limits) withDefaults() Limits {
	l.Bytes = cmp.Or(l.Bytes, 256<<20)
	l.Rows = cmp.Or(l.Rows, 1_000_000)
	l.Columns = cmp.Or(l.Columns, 100)
	l.Field = cmp.Or(l.Field, 4096)
	l.Errors = cmp.Or(l.Errors, 1000)
	return l
}

// Report is what came of an import.
type Report struct {
	Rows    int  `json:"rows"` // rows with something in them, the heading not counted
	Good    int  `json:"good"`
	Bad     int  `json:"bad"`
	DryRun  bool `json:"dry_run,omitempty"`
	Written ImportCounts
	// Errors are the bad rows, up to Limits.Errors.
	Errors []RowError `json:"errors,omitempty"`
	// Columns says what each column was taken for: "phone", "name", "external_id" or "field".
	Columns []Column `json:"columns"`
}

// Column is a column of a list.
type Column struct {
	Heading string `json:"heading"`
	Use     string `json:"use"`
}

// RowError says what is wrong with one row. It never holds a number.
type RowError struct {
	Line   int    `json:"line"` // where the row begins in the file, from 1
	Column string `json:"column,omitempty"`
	What   string `json:"what"`
}

// Error says where and what.
func (e RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.What)
	}
	return fmt.Sprintf("line %d, column %s: %s", e.Line, e.Column, e.What)
}

// batchSize is how many leads go to the store in one transaction.
const batchSize = 1000

// ImportCSV reads a list of contacts and adds its good rows to the campaign's list, a thousand at a time. The file is UTF-8 with or without a
// byte order mark, its first row the headings, its columns divided by commas, semicolons or tabs, as its first row is. A bad row is
// reported and passed over. The error is tandem.ErrInvalid for a file that is no list at all or exceeds a limit, or the
// store's; the Report then says how far it came: what was written stays.
func ImportCSV(ctx context.Context, list io.Reader, to Lists, campaign tandem.CampaignID, im Import) (Report, error) {
	im.Limits = im.Limits.withDefaults()
	if im.Number == nil {
		im.Number = PlainNumber
	}
	run := importing{
		Import: im, to: to, campaign: campaign, ids: tandem.RandomIDs(),
		rep: Report{DryRun: im.DryRun}, seen: make(map[string]struct{}),
	}
	rd, err := newListReader(list, im)
	if err != nil {
		return run.rep, err
	}
	run.rep.Columns = rd.columns()
	err = run.readAll(ctx, rd)
	if e := run.flush(ctx, rd); err == nil {
		err = e
	}
	return run.rep, err
}

// importing is one import under way.
type importing struct {
	Import
	to       Lists
	campaign tandem.CampaignID
	ids      tandem.IDSource
	rep      Report
	batch    []NewLead
	seen     map[string]struct{} // a dry run's contacts, by their keys
}

// readAll reads the rows and writes whole batches.
func (im *importing) readAll(ctx context.Context, rd *listReader) error {
	for ctx.Err() == nil {
		lead, bad, err := rd.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if im.rep.Rows == im.Limits.Rows {
			return limitError("rows", im.Limits.Rows)
		}
		im.rep.Rows++
		if bad != nil {
			im.rep.Bad++
			if len(im.rep.Errors) < im.Limits.Errors {
				im.rep.Errors = append(im.rep.Errors, *bad)
			}
			continue
		}
		im.rep.Good++
		if im.DryRun {
			countDry(&im.rep, im.seen, lead, im.Duplicates)
			continue
		}
		lead.Lead.ID, lead.Lead.Campaign = tandem.LeadID(im.ids()), im.campaign
		im.batch = append(im.batch, lead)
		if len(im.batch) == batchSize {
			if err := im.flush(ctx, rd); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// flush writes the batch.
func (im *importing) flush(ctx context.Context, rd *listReader) error {
	if len(im.batch) == 0 {
		return nil
	}
	n, err := im.to.Import(ctx, im.campaign, im.Duplicates, im.batch)
	im.batch = nil
	if err != nil {
		return fmt.Errorf("campaign: import: rows up to line %d: %w", rd.line(), err)
	}
	im.rep.Written.Added += n.Added
	im.rep.Written.Updated += n.Updated
	im.rep.Written.Skipped += n.Skipped
	if im.Progress != nil {
		im.Progress(im.rep.Rows)
	}
	return nil
}

// countDry counts what a dry run would write, as far as the file alone tells.
func countDry(rep *Report, seen map[string]struct{}, lead NewLead, d Duplicates) {
	_, dup := seen[lead.Key]
	switch {
	case !dup || lead.Key == "" || d == AddAll:
		rep.Written.Added++
	case d == UpdateFirst:
		rep.Written.Updated++
	default:
		rep.Written.Skipped++
	}
	seen[lead.Key] = struct{}{}
}

func limitError(what string, limit any) error {
	return fmt.Errorf("campaign: import: the list has more than %v %s: %w", limit, what, tandem.ErrInvalid)
}

// PlainNumber takes a number of 3 to 20 digits with an optional + before the first of them and any spaces, dots, hyphens, slashes and
// brackets between them, and leaves the digits and the +. Anything else is tandem.ErrInvalid.
func PlainNumber(text string) (tandem.Number, error) {
	var b strings.Builder
	for _, r := range strings.TrimSpace(text) {
		switch {
		case r >= '0' && r <= '9', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" .-/()\u00a0", r):
		default:
			return "", fmt.Errorf("holds %q, which is not part of a phone number: %w", r, tandem.ErrInvalid)
		}
	}
	n := b.String()
	if digits := len(strings.TrimPrefix(n, "+")); digits < 3 || digits > 20 {
		return "", fmt.Errorf("has %d digits, not 3 to 20: %w", digits, tandem.ErrInvalid)
	}
	return tandem.Number(n), nil
}
