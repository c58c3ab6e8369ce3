package switchtest

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

// testCase is one promise of tandem.Switch.
type testCase struct {
	name string
	body func(b *bench)
	// idle cases begin before Run is called.
	idle bool
	// needs is the optional interface that the case is about, and has tells whether a switch has it; empty: none.
	needs string
	has   func(sw tandem.Switch) bool
}

// Run checks every promise of tandem.Switch against the switches that cfg.Open makes, each in a subtest of its own.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	require.NotNil(t, cfg.Open, "switchtest: Config.Open is missing")
	cfg = cfg.withDefaults()
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"Life", lifeCases()},
		{"Dial", dialCases()},
		{"Incoming", incomingCases()},
		{"Bridge", bridgeCases()},
		{"Errors", errorCases()},
		{"Optional", optionalCases()},
		{"Concurrency", concurrencyCases()},
	}
	known := make(map[string]bool)
	for _, g := range groups {
		for _, c := range g.cases {
			name := g.name + "/" + c.name
			known[name] = true
			t.Run(name, func(t *testing.T) { c.run(t, cfg, cfg.Skip[name]) })
		}
	}
	for _, name := range cfg.Lacks {
		require.True(t, slices.ContainsFunc(optionalCases(), func(c testCase) bool { return c.needs == name }),
			"switchtest: Config.Lacks names %q, which is no optional interface", name)
	}
	for name := range cfg.Skip {
		require.True(t, known[name], "switchtest: Config.Skip names %q, which is no case", name)
	}
}

func (c testCase) run(t *testing.T, cfg Config, skip string) {
	t.Helper()
	if skip != "" {
		t.Skip(skip)
	}
	if cfg.Parallel {
		t.Parallel()
	}
	cfg.Around(t, func(t *testing.T) {
		if c.needs != "" && slices.Contains(cfg.Lacks, c.needs) {
			require.False(t, c.has(cfg.Open(t).Switch()), "the switch is a tandem.%s: take it out of Config.Lacks", c.needs)
			return
		}
		b := newBench(t, cfg)
		if !c.idle {
			b.run()
		}
		c.body(b)
	})
}

func isErr(err, target error) bool { return errors.Is(err, target) }
