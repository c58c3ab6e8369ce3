package loopback_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/loopback"
	"github.com/tandem-cc/tandem/switchtest"
)

// mutant is a loopback switch that breaks one promise of tandem.Switch.
type mutant struct {
	*loopback.Switch
	events  func(tandem.Record) []tandem.Record
	handler func(error) error // what becomes of the Handler's error
	run     func(error) error // of Run's
	dial    func(tandem.Dial) tandem.Dial
	command func(error) error // of each command's
}

func (m mutant) Run(ctx context.Context, h tandem.Handler) error {
	if h == nil {
		return m.run(m.Switch.Run(ctx, nil))
	}
	return m.run(m.Switch.Run(ctx, tandem.HandlerFunc(func(ctx context.Context, rs ...tandem.Record) error {
		for _, r := range rs {
			if err := m.handler(h.Handle(ctx, m.events(r)...)); err != nil {
				return err
			}
		}
		return nil
	})))
}

func (m mutant) Dial(ctx context.Context, d tandem.Dial) error {
	return m.command(m.Switch.Dial(ctx, m.dial(d)))
}

func (m mutant) Answer(ctx context.Context, l tandem.LegID) error {
	return m.command(m.Switch.Answer(ctx, l))
}

func (m mutant) Bridge(ctx context.Context, a, b tandem.LegID) error {
	return m.command(m.Switch.Bridge(ctx, a, b))
}

func (m mutant) Hangup(ctx context.Context, l tandem.LegID, c tandem.Cause) error {
	return m.command(m.Switch.Hangup(ctx, l, c))
}

// swallow makes one error look like success.
func swallow(which error) func(error) error {
	return func(err error) error {
		if errors.Is(err, which) {
			return nil
		}
		return err
	}
}

// changed changes the events of one type; none given back: it is lost.
func changed[E tandem.Event](f func(E) []tandem.Event) func(tandem.Record) []tandem.Record {
	return func(r tandem.Record) []tandem.Record {
		e, ok := r.Event.(E)
		if !ok {
			return []tandem.Record{r}
		}
		var out []tandem.Record
		for _, n := range f(e) {
			out = append(out, tandem.Record{At: r.At, Event: n})
		}
		return out
	}
}

func lost[E tandem.Event](E) []tandem.Event { return nil }

func twice[E tandem.Event](e E) []tandem.Event { return []tandem.Event{e, e} }

func mutants() map[string]func(*mutant) {
	return map[string]func(*mutant){
		"ended twice":      func(m *mutant) { m.events = changed(twice[tandem.LegEnded]) },
		"answered twice":   func(m *mutant) { m.events = changed(twice[tandem.LegAnswered]) },
		"end is lost":      func(m *mutant) { m.events = changed(lost[tandem.LegEnded]) },
		"unbridge is lost": func(m *mutant) { m.events = changed(lost[tandem.LegUnbridged]) },
		"bridge is lost":   func(m *mutant) { m.events = changed(lost[tandem.LegBridged]) },
		"key is lost":      func(m *mutant) { m.events = changed(lost[tandem.LegDigit]) },
		"key comes twice":  func(m *mutant) { m.events = changed(twice[tandem.LegDigit]) },
		"device is lost":   func(m *mutant) { m.events = changed(lost[tandem.DeviceChanged]) },
		"file never ends":  func(m *mutant) { m.events = changed(lost[tandem.LegPlayed]) },
		"hold is not told": func(m *mutant) { m.events = changed(lost[tandem.LegHeld]) },
		"whose end": func(m *mutant) {
			m.events = changed(func(e tandem.LegEnded) []tandem.Event { e.Ours = !e.Ours; return []tandem.Event{e} })
		},
		"one cause for all": func(m *mutant) {
			m.events = changed(func(e tandem.LegEnded) []tandem.Event {
				e.Cause = tandem.CauseNormal
				return []tandem.Event{e}
			})
		},
		"trunk is not told": func(m *mutant) {
			m.events = changed(func(e tandem.LegIncoming) []tandem.Event { e.Trunk = ""; return []tandem.Event{e} })
		},
		"wrong peer": func(m *mutant) {
			m.events = changed(func(e tandem.LegBridged) []tandem.Event { e.Peer = e.Leg; return []tandem.Event{e} })
		},
		"record without a time": func(m *mutant) {
			m.events = func(r tandem.Record) []tandem.Record { return []tandem.Record{{Event: r.Event}} }
		},
		"rings for ever":      func(m *mutant) { m.dial = func(d tandem.Dial) tandem.Dial { d.Timeout = time.Hour; return d } },
		"strangers are fine":  func(m *mutant) { m.command = swallow(tandem.ErrNotFound) },
		"any state is fine":   func(m *mutant) { m.command = swallow(tandem.ErrState) },
		"names are not names": func(m *mutant) { m.command = swallow(tandem.ErrConflict) },
		"anything is valid":   func(m *mutant) { m.command = swallow(tandem.ErrInvalid) },
		"takes commands when it does not run": func(m *mutant) {
			m.command = swallow(tandem.ErrClosed)
		},
		"runs again":            func(m *mutant) { m.run = swallow(tandem.ErrState) },
		"forgets its context":   func(m *mutant) { m.run = swallow(context.Canceled) },
		"goes on after a fault": func(m *mutant) { m.handler = func(error) error { return nil } },
	}
}

// brokenRig is a rig whose switch is a mutant.
type brokenRig struct {
	rig
	sw mutant
}

func (r brokenRig) Switch() tandem.Switch { return r.sw }

// TestMutant runs the suite against the mutant that TANDEM_MUTANT names. TestSuite_CatchesEveryMutant calls it in a process of its own, since
// it is to fail.
func TestMutant(t *testing.T) {
	t.Parallel()
	name := os.Getenv("TANDEM_MUTANT")
	if name == "" {
		return
	}
	switchtest.Run(t, switchtest.Config{Around: synctest.Test, Open: func(tb testing.TB) switchtest.Rig {
		tb.Helper()
		good, ok := openRig(tb).(rig)
		require.True(tb, ok)
		same := func(err error) error { return err }
		m := mutant{
			Switch:  good.sw,
			events:  func(r tandem.Record) []tandem.Record { return []tandem.Record{r} },
			handler: same, run: same, command: same,
			dial: func(d tandem.Dial) tandem.Dial { return d },
		}
		if change := mutants()[name]; change != nil {
			change(&m)
		}
		return brokenRig{rig: good, sw: m}
	}})
}

func TestSuite_CatchesEveryMutant(t *testing.T) {
	t.Parallel()
	suite := func(name string) error {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), "TANDEM_MUTANT="+name)
		return cmd.Run()
	}
	require.NoError(t, suite("none"), "the suite finds fault with a switch that has none")
	for name := range mutants() {
		var failed *exec.ExitError
		require.ErrorAs(t, suite(name), &failed, "the suite passes a switch with this fault: %s", name)
	}
}
