package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"text/tabwriter"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

func main() {
	calls := flag.Float64("calls", 200, "calls per hour")
	talk := flag.Duration("talk", 3*time.Minute, "average conversation")
	patience := flag.Duration("patience", 4*time.Minute, "how long callers wait on average before they hang up")
	hours := flag.Int("hours", 100, "how many such hours to play")
	from := flag.Int("from", 9, "fewest agents to try")
	to := flag.Int("to", 15, "most agents to try")
	flag.Parse()
	hour := plan{calls: *calls, talk: *talk, patience: *patience, hours: *hours}
	if err := hour.table(os.Stdout, *from, *to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// plan is the hour to be staffed.
type plan struct {
	calls          float64 // per hour
	talk, patience time.Duration
	hours          int
}

// table plays the plan with each number of agents.
func (p plan) table(w io.Writer, from, to int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "agents\tin 20 s\tgave up\tlongest wait\t")
	for n := from; n <= to; n++ {
		q, longest, err := p.play(n)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(t, "%d\t%.1f %%\t%.1f %%\t%s\t\n",
			n, 100*q.ServiceLevel, 100*float64(q.Left)/float64(q.Offered), longest.Round(time.Second))
	}
	return t.Flush()
}

// play plays the plan with n agents and returns the queue's counters and the longest wait before an answer.
func (p plan) play(n int) (acd.QueueStatus, time.Duration, error) {
	cfg := acd.EngineConfig{Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "line"}, WrapUp: -1}}}
	for i := range n {
		cfg.Agents = append(cfg.Agents, acd.AgentConfig{
			Agent: tandem.Agent{ID: tandem.AgentID(fmt.Sprint("agent", i))}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: "line"}},
		})
	}
	engine, err := acd.NewEngine(cfg)
	if err != nil {
		return acd.QueueStatus{}, 0, err
	}
	d := day{plan: p, engine: engine, rnd: rand.New(rand.NewPCG(1, 2)), now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	d.end = d.now.Add(time.Duration(p.hours) * time.Hour)
	for _, a := range cfg.Agents {
		if err := engine.Login(d.now, a.ID); err != nil {
			return acd.QueueStatus{}, 0, err
		}
	}
	d.after(0, d.arrive)
	for d.step() {
	}
	return engine.Snapshot(d.now).Queues[0], d.longest, nil
}
