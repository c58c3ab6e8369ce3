package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/dialer"
	"github.com/tandem-cc/tandem/loopback"
	"github.com/tandem-cc/tandem/store/memstore"
)

//go:embed list.csv
var list string

func main() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	leads := memstore.NewLeads()
	report, err := campaign.ImportCSV(ctx, strings.NewReader(list), leads, "spring", campaign.Import{})
	check(err)
	fmt.Printf("imported %d of %d rows\n", report.Written.Added, report.Rows)
	for _, e := range report.Errors {
		fmt.Println(" ", e)
	}
	check(leads.Block(ctx, "spring", "+34910000007"))

	ended := &outcomes{done: make(chan struct{}), want: 4} // the fifth number is blocked: no attempt is made
	centre, run, sw := compose(leads, ended)
	var all sync.WaitGroup
	all.Go(func() { _ = sw.Run(ctx, tandem.Handlers{centre, run}) })
	all.Go(func() { _ = centre.Run(ctx) })
	all.Go(func() { _ = run.Run(ctx) })
	check(centre.Login(ctx, "olga"))
	check(centre.Login(ctx, "paul"))
	check(run.Start(ctx, "spring begins"))
	select {
	case <-ended.done:
	case <-ctx.Done():
		check(ctx.Err())
	}
	show(ctx, leads)
	stop()
	all.Wait()
}

// compose builds the centre: a switch in memory with its people, the routing engine, and the campaign.
func compose(leads *memstore.Leads, ended *outcomes) (*acd.Center, *campaign.Runner, *loopback.Switch) {
	answers := loopback.Script{Ring: 30 * time.Millisecond, Talk: 100 * time.Millisecond}
	sw, err := loopback.New(loopback.Config{
		Agents: []loopback.Agent{{ID: "olga"}, {ID: "paul"}},
		Trunks: []loopback.Trunk{{ID: "carrier"}},
		Dialled: func(d tandem.Dial) loopback.Script {
			if d.To.Number == "+34910000002" {
				return loopback.Script{Reaction: loopback.Refuse} // busy
			}
			return answers
		},
	})
	check(err)
	var run *campaign.Runner // it hears of the engine's records, and the engine is made first
	centre, err := acd.New(acd.Config{
		Switch: sw,
		Events: tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error { return run.Handle(ctx, rs...) }),
		Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "sales"}, WrapUp: -1}},
		Agents: []acd.AgentConfig{
			{Agent: tandem.Agent{ID: "olga"}, Queues: []acd.Seat{{Queue: "sales"}}},
			{Agent: tandem.Agent{ID: "paul"}, Queues: []acd.Seat{{Queue: "sales"}}},
		},
	})
	check(err)
	run, err = campaign.New(campaign.Config{
		ID: "spring", Queue: "sales", Switch: sw, Store: leads, Agents: staffed{centre}, Events: ended,
		Trunk: campaign.Trunk{ID: "carrier", Channels: 10, PerSecond: 20}, From: tandem.CallerID{Number: "+34910000000"},
		Pacer: dialer.Progressive{},
	})
	check(err)
	return centre, run, sw
}

// staffed shows the routing engine to the campaign.
type staffed struct{ *acd.Center }

// Staff returns the queue's agents who are at work, and how many calls wait.
func (s staffed) Staff(ctx context.Context, queue tandem.QueueID) (campaign.Staff, error) {
	now, err := s.Snapshot(ctx)
	if err != nil {
		return campaign.Staff{}, err
	}
	var out campaign.Staff
	for _, a := range now.Agents {
		if a.State != tandem.AgentLoggedOut && slices.Contains(a.Queues, queue) {
			out.Agents = append(out.Agents, dialer.Agent{State: a.State, Age: now.At.Sub(a.Since)})
		}
	}
	for _, q := range now.Queues {
		for _, w := range q.Waiting {
			if q.ID == queue && w.Agent == "" {
				out.Waiting++
			}
		}
	}
	return out, nil
}

// outcomes counts the attempts that have ended.
type outcomes struct {
	mu   sync.Mutex
	want int
	done chan struct{}
}

// Handle implements tandem.Handler.
func (o *outcomes) Handle(_ context.Context, rs ...tandem.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range rs {
		if _, ok := r.Event.(tandem.AttemptEnded); ok {
			if o.want--; o.want == 0 {
				close(o.done)
			}
		}
	}
	return nil
}

// show prints what came of each contact.
func show(ctx context.Context, leads *memstore.Leads) {
	entries, err := leads.Leads(ctx, "spring", "", 100)
	check(err)
	for _, e := range entries {
		fmt.Printf("%-7s %s", e.Lead.Name, e.Progress.Last)
		if e.Progress.State == campaign.LeadWaiting {
			fmt.Printf(", again in %s", time.Until(e.Progress.NextAt).Round(time.Minute))
		}
		fmt.Println()
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
