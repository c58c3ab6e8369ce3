package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tandem-cc/tandem/dialer"
	"github.com/tandem-cc/tandem/dialer/sim"
)

const usage = `dialsim plays outbound shifts in a moment and says what a pacer is worth.

  dialsim run  [flags]   one case: utilisation, abandoned share, and the greatest share of any single run
  dialsim grid [flags]   the reference cases as a table, or as CSV with every run
  dialsim days [flags]   days on which things change: answer rates, staff, handle times, the carrier
  dialsim help           this text

Utilisation is talk and wrap-up as a percentage of the time logged in. abandon_share is the percentage of answered calls that no agent took
within the patience; max_run_abandon_share is that of the worst single run. Pacers: tandem (predictive), bound (tandem that
knows when each agent will be ready), progressive, ratio, vicidial. "dialsim run -h" lists the flags of run.
`

func main() {
	if err := command(os.Args[1:], os.Stdout); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "dialsim:", err)
		os.Exit(1)
	}
}

func command(args []string, out io.Writer) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch args[0] {
	case "run":
		return run(args[1:], out)
	case "grid":
		return grid(args[1:], out)
	case "days":
		return days(args[1:], out)
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	}
	return fmt.Errorf("%q is not run, grid, days or help", args[0])
}

// report is what run prints. Shares and utilisation are in percent.
type report struct {
	Pacer        string       `json:"pacer"`
	Agents       int          `json:"agents"`
	Answer       float64      `json:"answer"`
	Handle       string       `json:"handle"`
	Hours        float64      `json:"hours"`
	Limit        float64      `json:"limit"`
	Seeds        int          `json:"seeds"`
	Utilisation  float64      `json:"utilisation"`
	UtilCI       float64      `json:"utilisation_ci95"`
	AbandonShare float64      `json:"abandon_share"`
	MaxRun       float64      `json:"max_run_abandon_share"`
	PerHour      float64      `json:"connected_per_agent_hour"`
	MaxLines     int          `json:"max_lines"`
	Seconds      float64      `json:"seconds_taken"`
	Runs         []sim.Result `json:"runs"`
}

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("dialsim run", flag.ContinueOnError)
	agents := fs.Int("agents", 20, "agents logged in")
	answer := fs.Float64("answer", 0.2, "probability that a person answers, 0 to 1")
	handle := fs.Duration("handle", 3*time.Minute, "mean of talk and wrap-up")
	pacer := fs.String("pacer", "tandem", "tandem, bound, progressive, ratio or vicidial")
	lines := fs.Float64("lines", 2, "lines per ready agent, for ratio")
	limit := fs.Float64("limit", 3, "greatest share of abandoned calls, percent")
	hours := fs.Float64("hours", 8, "length of the shift")
	seeds := fs.Int("seeds", 5, "independent runs")
	asJSON := fs.Bool("json", false, "print one JSON object")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", fs.Arg(0))
	}
	if *seeds < 1 || *seeds > 10_000 {
		return errors.New("--seeds is not from 1 to 10000")
	}
	s := sim.Day(*agents, *answer, *handle)
	if !(*limit >= 0 && *limit < 100) || !(*hours > 0 && *hours <= 24*31) {
		return errors.New("--limit is not from 0 to below 100, or --hours not above 0 and up to a month")
	}
	s.Limit, s.Length = dialer.Percent(*limit), time.Duration(*hours*float64(time.Hour))
	p, err := sim.Named(*pacer, *lines)
	if err != nil {
		return err
	}
	begun := time.Now()
	sum, err := sim.RunAll(s, p, *seeds)
	if err != nil {
		return err
	}
	r := report{
		Pacer: p.Name, Agents: *agents, Answer: *answer, Handle: handle.String(), Hours: *hours, Limit: *limit, Seeds: *seeds,
		Utilisation: sum.Utilisation, UtilCI: sum.UtilCI, AbandonShare: sum.Abandoned, MaxRun: sum.MaxRun, PerHour: sum.PerHour,
		MaxLines: sum.MaxLines, Seconds: time.Since(begun).Seconds(), Runs: sum.Runs,
	}
	if *asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err = fmt.Fprintf(out, "%s, %s: utilisation %.2f ± %.2f %%, abandoned %.2f %% (worst run %.2f %%), %.2f conversations per agent and hour, %d runs\n",
		p.Name, s.Name, r.Utilisation, r.UtilCI, r.AbandonShare, r.MaxRun, r.PerHour, r.Seeds)
	return err
}

// row is one line of a table.
type row struct {
	scenario sim.Scenario
	key      []string // the columns that name it
	seeds    int
	known    string // the best that was known before
}

// cases are the seven of the table that the product is judged by.
func cases() []row {
	var out []row
	for _, c := range []struct {
		agents int
		answer float64
		handle time.Duration
		seeds  int
		known  string
	}{
		{5, 0.2, 180 * time.Second, 20, "78.2"},
		{10, 0.2, 180 * time.Second, 20, "83.8"},
		{20, 0.2, 180 * time.Second, 12, "88.7"},
		{20, 0.1, 60 * time.Second, 8, "84.2"},
		{50, 0.35, 300 * time.Second, 8, "94.9"},
		{200, 0.2, 60 * time.Second, 3, "98.2"},
		{1000, 0.2, 180 * time.Second, 2, "99.5"},
	} {
		out = append(out, caseOf(c.agents, c.answer, c.handle, c.seeds, c.known))
	}
	return out
}

func caseOf(agents int, answer float64, handle time.Duration, seeds int, known string) row {
	return row{
		scenario: sim.Day(agents, answer, handle), seeds: seeds, known: known,
		key: []string{strconv.Itoa(agents), strconv.FormatFloat(answer, 'f', 2, 64), strconv.Itoa(int(handle.Seconds()))},
	}
}

// fullGrid is all 72 points of the reference.
func fullGrid() []row {
	var out []row
	for _, n := range []struct{ agents, seeds int }{{5, 10}, {10, 10}, {20, 10}, {50, 4}, {200, 2}, {1000, 1}} {
		for _, p := range []float64{0.1, 0.2, 0.35, 0.5} {
			for _, h := range []time.Duration{time.Minute, 3 * time.Minute, 5 * time.Minute} {
				out = append(out, caseOf(n.agents, p, h, n.seeds, ""))
			}
		}
	}
	return out
}

func grid(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("dialsim grid", flag.ContinueOnError)
	full := fs.Bool("full", false, "all 72 points of the reference grid instead of the seven cases")
	opts := tableFlags(fs)
	if err := fs.Parse(args); err != nil {
		return err
	}
	rows := cases()
	if *full {
		rows = fullGrid()
	}
	return opts.table(out, []string{"agents", "answer", "handle_s"}, rows)
}

func days(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("dialsim days", flag.ContinueOnError)
	agents := fs.Int("agents", 20, "agents logged in at most")
	opts := tableFlags(fs)
	if err := fs.Parse(args); err != nil {
		return err
	}
	var rows []row
	for _, s := range sim.Changing(*agents) {
		rows = append(rows, row{scenario: s, key: []string{s.Name}, seeds: 6})
	}
	return opts.table(out, []string{"day"}, rows)
}

// tableOptions is how a table is made.
type tableOptions struct {
	pacers *string
	seeds  *int
	csv    *string
}

func tableFlags(fs *flag.FlagSet) tableOptions {
	return tableOptions{
		pacers: fs.String("pacers", "tandem,bound", "pacers, with commas between"),
		seeds:  fs.Int("seeds", 0, "independent runs of each row; 0: as the row has it"),
		csv:    fs.String("csv", "", "also write every single run to this file"),
	}
}

func (o tableOptions) table(out io.Writer, names []string, rows []row) (err error) {
	var runs *csv.Writer
	if *o.csv != "" {
		f, err := os.Create(*o.csv)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		runs = csv.NewWriter(f)
		head := append(append([]string{}, names...), "pacer", "seed", "utilisation", "abandon_share", "worst_window", "placed", "answered", "abandoned", "max_lines")
		if err := runs.Write(head); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(out, 2, 1, 1, ' ', 0)
	columns := append(append([]string{}, names...), "pacer", "runs", "utilisation %", "± 95 %", "best known", "abandoned %", "worst run %", "worst window %", "max lines", "s per run")
	_, _ = fmt.Fprintf(w, "| %s\t|\n|%s\n", strings.Join(columns, "\t| "), strings.Repeat("---\t|", len(columns))) // Flush reports what fails
	for _, r := range rows {
		for name := range strings.SplitSeq(*o.pacers, ",") {
			if err := o.row(w, runs, r, name); err != nil {
				return err
			}
		}
	}
	if runs != nil {
		runs.Flush()
		if err := runs.Error(); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (o tableOptions) row(w io.Writer, runs *csv.Writer, r row, name string) error {
	p, err := sim.Named(name, 2)
	if err != nil {
		return err
	}
	seeds := r.seeds
	if *o.seeds > 0 {
		seeds = *o.seeds
	}
	begun := time.Now()
	sum, err := sim.RunAll(r.scenario, p, seeds)
	if err != nil {
		return err
	}
	known := r.known
	if name != "tandem" {
		known = ""
	}
	_, _ = fmt.Fprintf(w, "| %s\t| %s\t| %d\t| %.2f\t| %.2f\t| %s\t| %.2f\t| %.2f\t| %.2f\t| %d\t| %.1f\t|\n", strings.Join(r.key, "\t| "), name, seeds,
		sum.Utilisation, sum.UtilCI, known, sum.Abandoned, sum.MaxRun, sum.MaxWindow, sum.MaxLines, time.Since(begun).Seconds()/float64(seeds)) // Flush reports what fails
	if runs == nil {
		return nil
	}
	for _, x := range sum.Runs {
		f := func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
		line := append(append([]string{}, r.key...), name, strconv.FormatUint(x.Seed, 10), f(x.Utilisation), f(x.Abandoned), f(x.Worst),
			strconv.Itoa(x.Placed), strconv.Itoa(x.Answered), strconv.Itoa(x.Lost), strconv.Itoa(x.MaxLines))
		if err := runs.Write(line); err != nil {
			return err
		}
	}
	return nil
}
