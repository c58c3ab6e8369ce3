package reports_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
)

// A host journals what its switch and engines report, follows the journal, and exports the call records as CSV.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	store, archive := memstore.NewJournal(), memstore.NewArchive() // or sqlitestore.Open
	if _, err := reports.Recover(ctx, reports.RecoverConfig{Store: store, Archive: archive, Node: "n1", Now: time.Now()}); err != nil {
		fmt.Println(err)
		return
	}
	journal, err := reports.New(reports.Config{Store: store, Node: "n1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	archivist, err := reports.NewArchivist(reports.ArchivistConfig{Journal: journal, Archive: archive})
	if err != nil {
		fmt.Println(err)
		return
	}
	go journal.Run(ctx)
	go archivist.Run(ctx)

	// The journal is the first Handler of the switch's chain. Here a short call comes by hand.
	nine := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	call := tandem.Call{ID: "c1", Direction: tandem.Inbound, Customer: "leg1", From: tandem.CallerID{Number: "+34600000001"}, To: "900"}
	rs := []tandem.Record{
		{At: nine, Event: tandem.CallStarted{Call: call}},
		{At: nine, Event: tandem.CallQueued{Call: "c1", Queue: "sales", Position: 1}},
		{At: nine.Add(7 * time.Second), Event: tandem.CallConnected{Call: "c1", Queue: "sales", Agent: "ana", Leg: "leg2"}},
		{At: nine.Add(67 * time.Second), Event: tandem.CallReleased{Call: "c1", Queue: "sales", Agent: "ana", Leg: "leg2", By: tandem.PartyCustomer}},
		{At: nine.Add(67 * time.Second), Event: tandem.CallEnded{Call: "c1", Cause: tandem.CauseNormal, By: tandem.PartyCustomer}},
	}
	if err := journal.Handle(ctx, rs...); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("journalled as", rs[0].Seq, "to", rs[4].Seq)

	if err := archivist.Sync(ctx, rs[4].Seq); err != nil {
		fmt.Println(err)
		return
	}
	record, err := archive.Call(ctx, "c1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(record.Result, "after", record.Waited, "talked", record.Talked)

	today := reports.Tally{Target: 20 * time.Second}
	today.Add(&record, "sales", time.Now())
	level, _ := today.SL1()
	fmt.Printf("SL1 %.0f %%\n", 100*level)

	if _, err := reports.ExportCSV(ctx, io.Discard, archive, reports.CallQuery{From: nine, Queue: "sales"}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// journalled as 2 to 6
	// answered after 7s talked 1m0s
	// SL1 100 %
}
