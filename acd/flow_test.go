package acd_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

var update = flag.Bool("update", false, "write the golden call flows anew")

// TestFlow_GivesTheseRecords compares whole call flows, as the journal would hold them, with testdata/flows: what readers of the
// journal rely on does not change unnoticed. Run with -update to accept a change.
func TestFlow_GivesTheseRecords(t *testing.T) {
	t.Parallel()
	music := acd.QueueConfig{Queue: tandem.Queue{Name: "Support"}, Sound: tandem.Sound{Kind: tandem.SoundMusic}, MaxWait: 2 * time.Minute, MaxWaiting: 2}
	for name, play := range map[string]func(r *rig){
		"answered": func(r *rig) {
			r.login("ann")
			r.arrive(acd.Route{}, "c1")
			r.pass(4 * time.Second)
			r.answer("ann", "c1")
			r.pass(time.Minute)
			r.hangUp(in("c1"))
			r.obey()
			r.ok(r.e.Dispose(r.now, tandem.CallDisposed{Agent: "ann", Call: "c1", Disposition: "solved", Note: "as always"}))
			r.pass(time.Minute)
		},
		"abandoned": func(r *rig) {
			r.arrive(acd.Route{Priority: 3}, "c1")
			r.pass(21 * time.Second)
			r.hangUp(in("c1"))
		},
		"no_answer_then_next": func(r *rig) {
			r.login("ann", "bob")
			r.arrive(acd.Route{}, "c1")
			r.pass(15 * time.Second)
			r.obey()
			r.pass(2 * time.Second)
			r.answer("bob", "c1")
			r.pass(30 * time.Second)
			r.hangUp(r.leg("bob"))
			r.obey()
		},
		"timeout": func(r *rig) {
			r.arrive(acd.Route{}, "c1")
			r.pass(2 * time.Minute)
			r.obey()
		},
		"full": func(r *rig) {
			r.arrive(acd.Route{}, "c1", "c2", "c3")
			r.obey()
		},
		"refused": func(r *rig) {
			r.ok(r.e.Incoming(r.now, "c1", tandem.LegIncoming{Leg: in("c1"), Trunk: "carrier", To: "999"}))
			r.ok(r.e.Routed(r.now, "c1", acd.Route{}))
			r.obey()
		},
		"outbound": func(r *rig) {
			r.login("ann")
			r.ok(r.e.Enqueue(r.now, tandem.Arrival{
				Call:  tandem.Call{ID: "c1", Direction: tandem.Outbound, Customer: in("c1"), To: "+15550199", Campaign: "spring", Attempt: "a1", Lead: "l1"},
				Queue: "support", Answered: true,
			}))
			r.answer("ann", "c1")
			r.pass(time.Minute)
			r.hangUp(in("c1"))
			r.obey()
		},
		"stopped": func(r *rig) {
			r.login("ann")
			r.arrive(acd.Route{}, "c1", "c2")
			r.answer("ann", "c1")
			r.pass(time.Second)
			r.e.Stop(r.now)
			r.take()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, support(music, "ann", "bob"))
			play(r)
			r.sound()
			got := journal(t, r.records)
			file := filepath.Join("testdata", "flows", name+".jsonl")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, strings.Split(string(want), "\n"), strings.Split(got, "\n"))
		})
	}
}
