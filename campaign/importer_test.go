package campaign_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
)

// lists keeps imported leads as they come.
type lists struct {
	leads []campaign.NewLead
	calls int
	err   error
}

var _ campaign.Lists = (*lists)(nil)

func (l *lists) Import(_ context.Context, _ tandem.CampaignID, d campaign.Duplicates, leads []campaign.NewLead) (campaign.ImportCounts, error) {
	l.calls++
	if l.err != nil {
		return campaign.ImportCounts{}, l.err
	}
	var n campaign.ImportCounts
	for _, lead := range leads {
		dup := false
		for _, have := range l.leads {
			dup = dup || d != campaign.AddAll && lead.Key != "" && have.Key == lead.Key
		}
		if dup {
			n.Skipped++
			continue
		}
		n.Added++
		l.leads = append(l.leads, lead)
	}
	return n, nil
}

func (l *lists) Counts(context.Context, tandem.CampaignID) (campaign.Counts, error) {
	return campaign.Counts{}, nil
}

func (l *lists) Leads(context.Context, tandem.CampaignID, tandem.LeadID, int) ([]campaign.Entry, error) {
	return nil, nil
}

func imported(t *testing.T, text string, im campaign.Import) (*lists, campaign.Report) {
	t.Helper()
	to := &lists{}
	rep, err := campaign.ImportCSV(t.Context(), strings.NewReader(text), to, "spring", im)
	require.NoError(t, err)
	require.Equal(t, rep.Rows, rep.Good+rep.Bad)
	return to, rep
}

func TestImportCSV_MapsColumnsAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"commas":        "id,Name,Phone,phone 2,City\n7,\"Díaz, Ana\",+34 600 11-22-33,(91) 123.456,Madrid\n",
		"semicolons":    "id;Name;Phone;phone 2;City\r\n7;Díaz, Ana;+34 600 11-22-33;(91) 123.456;Madrid\r\n",
		"tabs":          "id\tName\tPhone\tphone 2\tCity\n7\tDíaz, Ana\t+34 600 11-22-33\t(91) 123.456\tMadrid",
		"with mark":     "\ufeffid,Name,Phone,phone 2,City\n7,\"Díaz, Ana\",+34 600 11-22-33,(91) 123.456,Madrid\n",
		"spaced":        "id , Name, Phone ,phone 2 ,City\n 7 , \"Díaz, Ana\" , +34 600 11-22-33 ,(91) 123.456, Madrid \n",
		"quoted header": "\"id\";\"Name\";\"Phone\";\"phone 2\";\"City\"\n\"7\";\"Díaz, Ana\";\"+34 600 11-22-33\";\"(91) 123.456\";\"Madrid\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, rep := imported(t, text, campaign.Import{})
			require.Equal(t, 1, rep.Good, "%+v", rep.Errors)
			require.Len(t, to.leads, 1)
			got := to.leads[0]
			require.NotEmpty(t, got.Lead.ID)
			require.Equal(t, tandem.CampaignID("spring"), got.Lead.Campaign)
			require.Equal(t, "id:7", got.Key)
			require.Equal(t, "Díaz, Ana", got.Lead.Name)
			require.Equal(t, []tandem.Number{"+34600112233", "91123456"}, got.Lead.Phones)
			require.Equal(t, map[string]string{"City": "Madrid"}, got.Lead.Fields)
			require.Equal(t, campaign.Column{Heading: "phone 2", Use: "phone"}, rep.Columns[3])
		})
	}
}

func TestImportCSV_MappingByName(t *testing.T) {
	t.Parallel()
	text := "ref,who,home,work\nA1,Bo,111111,222222\n"
	to, _ := imported(t, text, campaign.Import{Mapping: campaign.Mapping{Phones: []string{"WORK", " home "}, Name: "who", ExternalID: "ref"}})
	require.Equal(t, []tandem.Number{"222222", "111111"}, to.leads[0].Lead.Phones, "in the mapping's order")
	require.Equal(t, "id:A1", to.leads[0].Key)
	require.Equal(t, "Bo", to.leads[0].Lead.Name)
}

func TestImportCSV_BadRowsAreReportedByLineAndGoodOnesKept(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		"name,phone,note",            // 1
		"Ana,600111222,ok",           // 2
		"Ben,6001x1222,letters",      // 3
		"Cy,,nobody",                 // 4
		"Di,600111223",               // 5
		"Ed,600111224,too,many",      // 6
		"",                           // 7: blank, passed over
		"\"Fay\"x,600111225,quote",   // 8
		"Gil,600111226,\"never shut", // 9
		"Hal,12,short",               // 10
		"Ivo,600111227,\"two",        // 11
		"lines\"",                    // 12
		"Jo,600111228,bad \xff byte", // 13
		"Kai,600111229,last",         // 14
	}, "\n")
	to, rep := imported(t, text, campaign.Import{})
	var names []string
	for _, l := range to.leads {
		names = append(names, l.Lead.Name)
	}
	// Line 9's open quotation mark is closed by line 11's: those rows cannot be told apart, and what is left of them is bad.
	require.Subset(t, names, []string{"Ana", "Kai"})
	lines := make(map[int]string)
	for _, e := range rep.Errors {
		lines[e.Line] = e.Column + ": " + e.What
		require.NotContains(t, e.Error(), "60011", "a number in an error")
	}
	require.Contains(t, lines[3], `phone: holds 'x', which is not part of a phone number`)
	require.Contains(t, lines[4], "has no phone number")
	require.Contains(t, lines[5], "has 2 columns, the headings 3")
	require.Contains(t, lines[6], "has 4 columns, the headings 3")
	require.Contains(t, lines[8], "out of place")
	require.Contains(t, lines[13], "is not UTF-8")
	require.NotContains(t, lines, 2)
	require.NotContains(t, lines, 14)
}

func TestImportCSV_UnclosedQuoteCostsOneLine(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("name,phone\n\"Ana,600000000\n")
	for i := range 500 {
		fmt.Fprintf(&b, "n%d,6000%05d\n", i, i)
	}
	to, rep := imported(t, b.String(), campaign.Import{})
	require.Equal(t, []campaign.RowError{{Line: 2, What: "a quotation mark is never closed"}}, rep.Errors)
	require.Len(t, to.leads, 500)
}

func TestImportCSV_TextOverSeveralLines(t *testing.T) {
	t.Parallel()
	to, rep := imported(t, "name,phone,note\nAna,600111222,\"one\ntwo \"\"2\"\"\nthree\"\nBen,600111223,x\nCy,bad,x\n", campaign.Import{})
	require.Equal(t, "one\ntwo \"2\"\nthree", to.leads[0].Lead.Fields["note"])
	require.Equal(t, 6, rep.Errors[0].Line, "lines count as an editor counts them")
}

func TestImportCSV_DuplicatesAndDryRun(t *testing.T) {
	t.Parallel()
	text := "name,phone\nAna,600111222\nAna again,600 111 222\nBen,600111223\n"
	to, rep := imported(t, text, campaign.Import{})
	require.Equal(t, campaign.ImportCounts{Added: 2, Skipped: 1}, rep.Written)
	require.Len(t, to.leads, 2)
	_, rep = imported(t, text, campaign.Import{Duplicates: campaign.AddAll})
	require.Equal(t, campaign.ImportCounts{Added: 3}, rep.Written)
	to, rep = imported(t, text, campaign.Import{DryRun: true})
	require.Equal(t, campaign.ImportCounts{Added: 2, Skipped: 1}, rep.Written)
	require.Zero(t, to.calls, "a dry run writes nothing")
}

func TestImportCSV_RefusesWhatIsNoList(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		text string
		im   campaign.Import
		says string
	}{
		"empty":            {"", campaign.Import{}, "is empty"},
		"UTF-16":           {"\xff\xfen\x00a\x00", campaign.Import{}, "not UTF-8"},
		"binary":           {"PK\x03\x04\x00\x00", campaign.Import{}, "not UTF-8"},
		"latin heading":    {"tel\xe9fono,phone\n", campaign.Import{}, "heading 1 is not UTF-8"},
		"no phones":        {"name,city\nAna,Madrid\n", campaign.Import{}, "no column"},
		"unknown phones":   {"name,phone\n", campaign.Import{Mapping: campaign.Mapping{Phones: []string{"cell"}}}, `no column "cell"`},
		"unknown name":     {"name,phone\n", campaign.Import{Mapping: campaign.Mapping{Name: "who"}}, `no column "who"`},
		"heading twice":    {"phone,Phone\n", campaign.Import{}, "there twice"},
		"too many columns": {strings.Repeat("a,", 200) + "phone\n", campaign.Import{}, "more than 100 columns"},
		"too many rows":    {"phone\n600001\n600002\n600003\n", campaign.Import{Limits: campaign.Limits{Rows: 2}}, "more than 2 rows"},
		"too many bytes":   {"phone\n600001\n600002\n600003\n", campaign.Import{Limits: campaign.Limits{Bytes: 20}}, "longer than the limit"},
		"broken headings":  {"\"phone\"x,name\n600001,a\n", campaign.Import{}, "line 1"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := campaign.ImportCSV(t.Context(), strings.NewReader(row.text), &lists{}, "spring", row.im)
			require.ErrorIs(t, err, tandem.ErrInvalid)
			require.ErrorContains(t, err, row.says)
		})
	}
}

func TestImportCSV_LimitsKeepWhatWasRead(t *testing.T) {
	t.Parallel()
	to := &lists{}
	rep, err := campaign.ImportCSV(t.Context(), strings.NewReader("phone\n600001\n600002\n600003\n"), to, "spring",
		campaign.Import{Limits: campaign.Limits{Rows: 2}})
	require.ErrorIs(t, err, tandem.ErrInvalid)
	require.Equal(t, 2, rep.Written.Added)
	require.Len(t, to.leads, 2)
}

func TestImportCSV_ReadAndStoreErrorsComeBack(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	_, err := campaign.ImportCSV(t.Context(), iotest.ErrReader(boom), &lists{}, "spring", campaign.Import{})
	require.ErrorIs(t, err, boom)
	_, err = campaign.ImportCSV(t.Context(), strings.NewReader("phone\n600001\n"), &lists{err: boom}, "spring", campaign.Import{})
	require.ErrorIs(t, err, boom)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = campaign.ImportCSV(ctx, strings.NewReader("phone\n600001\n"), &lists{}, "spring", campaign.Import{})
	require.ErrorIs(t, err, context.Canceled)
}

// TestImportCSV_ReadsWhatOthersWrite lets the standard library's writer make lists of any text.
func TestImportCSV_ReadsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var buf bytes.Buffer
		w := csv.NewWriter(&buf)
		w.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(rt, "comma")
		require.NoError(rt, w.Write([]string{"phone", "note"}))
		var want []string
		for i := range rapid.IntRange(1, 20).Draw(rt, "rows") {
			note := rapid.StringMatching(`([a-zé",;\t\n' ]{0,12})?`).Draw(rt, "note")
			want = append(want, strings.TrimSpace(note))
			require.NoError(rt, w.Write([]string{fmt.Sprintf("6000%04d", i), note}))
		}
		w.Flush()
		to := &lists{}
		rep, err := campaign.ImportCSV(context.Background(), &buf, to, "spring", campaign.Import{})
		require.NoError(rt, err)
		require.Empty(rt, rep.Errors)
		for i, lead := range to.leads {
			require.Equal(rt, want[i], lead.Lead.Fields["note"])
		}
		require.Len(rt, to.leads, len(want))
	})
}

func FuzzImportCSV(f *testing.F) {
	f.Add("id,name,phone\n1,Ana,600111222\n")
	f.Add("\ufeffphone;note\r\n600111222;\"a\r\nb\"\r\n\"x\n")
	f.Add("phone\tname\n\t\n\"\"\"\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		to := &lists{}
		rep, err := campaign.ImportCSV(t.Context(), strings.NewReader(text), to, "c", campaign.Import{Duplicates: campaign.AddAll})
		if err != nil {
			require.ErrorIs(t, err, tandem.ErrInvalid)
			return
		}
		require.Equal(t, rep.Rows, rep.Good+rep.Bad)
		require.Equal(t, rep.Good, rep.Written.Added)
		require.LessOrEqual(t, rep.Rows, strings.Count(text, "\n"))
		last := 1
		for _, e := range rep.Errors {
			require.Greater(t, e.Line, last, "lines go up")
			last = e.Line
		}
		for _, l := range to.leads {
			require.NotEmpty(t, l.Lead.Phones)
			for _, n := range l.Lead.Phones {
				again, err := campaign.PlainNumber(string(n))
				require.NoError(t, err)
				require.Equal(t, n, again)
			}
		}
	})
}

func BenchmarkImportCSV(b *testing.B) {
	var buf bytes.Buffer
	buf.WriteString("id,name,phone,phone 2,city,note\n")
	for i := range 10_000 {
		fmt.Fprintf(&buf, "%d,\"Person, %d\",+34 600 %06d,91%07d,Madrid,called before\n", i, i, i, i)
	}
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	for b.Loop() {
		rep, err := campaign.ImportCSV(b.Context(), bytes.NewReader(buf.Bytes()), nil, "c", campaign.Import{DryRun: true})
		require.NoError(b, err)
		require.Equal(b, 10_000, rep.Good)
	}
}
