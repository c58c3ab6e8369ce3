package campaign_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/campaign"
	"github.com/tandem-cc/tandem/store/memstore"
)

// A list is checked before it is taken: the dry run says by line what is wrong with it.
func ExampleImportCSV() {
	list := "name;phone;mobile;city\n" +
		"Ana;+34 910 000 001;;Madrid\n" +
		"Ben;none;+34 600 000 002;Vigo\n" +
		"Ana again;(+34) 910-000-001;;Madrid\n" +
		"Cleo;+34 910 000 003;+34 600 000 003;Lugo\n"
	report, err := campaign.ImportCSV(context.Background(), strings.NewReader(list), memstore.NewLeads(), "spring",
		campaign.Import{DryRun: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows, %d to be added, %d there already\n", report.Rows, report.Written.Added, report.Written.Skipped)
	for _, c := range report.Columns {
		fmt.Printf("%s is the %s\n", c.Heading, c.Use)
	}
	for _, e := range report.Errors {
		fmt.Println(e)
	}
	// Output:
	// 4 rows, 2 to be added, 1 there already
	// name is the name
	// phone is the phone
	// mobile is the phone
	// city is the field
	// line 3, column phone: holds 'n', which is not part of a phone number
}

// The rules say what becomes of a contact; the last attempt ends it.
func ExampleRetry() {
	rules := campaign.Retry{MaxAttempts: 3, Rules: campaign.DefaultRules()}
	at := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	p := campaign.Progress{State: campaign.LeadWaiting}
	for _, o := range []tandem.Outcome{tandem.OutcomeNoAnswer, tandem.OutcomeBusy, tandem.OutcomeNoAnswer} {
		p = rules.Next(2, p, o, at)
		fmt.Printf("%-9s -> %s", o, p.State)
		if p.State == campaign.LeadWaiting {
			fmt.Printf(", phone %d at %s", p.Phone+1, p.NextAt.Format("15:04"))
			at = p.NextAt
		}
		fmt.Println()
	}
	// Output:
	// no_answer -> waiting, phone 2 at 10:00
	// busy      -> waiting, phone 2 at 10:10
	// no_answer -> done
}

func ExampleWindow() {
	madrid := time.FixedZone("CET", 3600)
	w := campaign.Window{
		Zone: madrid, From: 9 * 60, To: 21 * 60,
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
	}
	saturday := time.Date(2026, 3, 7, 12, 0, 0, 0, madrid)
	fmt.Println(w.Open(saturday), w.Next(saturday).Format("Mon 15:04"))
	// Output: false Mon 09:00
}
