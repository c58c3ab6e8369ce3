package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

const goodConfig = `
http: 127.0.0.1:8080
sip: 0.0.0.0:5060
trunks:
  - id: carrier
    preset: nat
    remote: 203.0.113.5:5060
    username: tandem
    password: s3cret
queues:
  - id: support
    name: Support
    ring: 20s
    wrap_up: 10s
agents:
  - id: ann
    queues: [support]
routes:
  - did: "100"
    queue: support
campaigns:
  - {id: spring, queue: support, trunk: carrier, list: spring.csv}
`

func TestConfig_ReadsWhatTheManualShows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tandem.yaml")
	require.NoError(t, os.WriteFile(path, []byte(goodConfig), 0o600))
	c, err := readConfig(path)
	require.NoError(t, err)
	require.Equal(t, duration(20*time.Second), c.Queues[0].Ring)
	require.Equal(t, secret("s3cret"), c.Trunks[0].Password)
	require.Equal(t, filepath.Join(dir, "spring.csv"), c.Campaigns[0].List, "a list lies beside its configuration")
	require.Equal(t, "(hidden)", c.Trunks[0].Password.String())
}

// oneCampaign begins a configuration with a campaign that is good so far.
const oneCampaign = "queues: [{id: q}]\ntrunks: [{id: t, remote: '127.0.0.1:5070'}]\ncampaigns: [{id: c, queue: q, trunk: t, "

func TestConfig_ReadsHowACampaignPaces(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]byte(oneCampaign + "pacing: predictive, abandon_limit: 2.5}]"))
	require.NoError(t, err)
	require.Equal(t, "predictive", c.Campaigns[0].Pacing)
	require.InDelta(t, 2.5, *c.Campaigns[0].AbandonLimit, 1e-9)
}

func TestConfig_SaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"unknown queue of a route":  {"routes: [{did: '100', queue: spport}]", `routes[0].queue: queue "spport" does not exist`},
		"unknown queue of an agent": {"agents: [{id: ann, queues: [x]}]", `agents[0].queues[0]: queue "x" does not exist`},
		"unknown trunk":             {"queues: [{id: q}]\nroutes: [{queue: q, trunk: t}]", `routes[0].trunk: trunk "t" does not exist`},
		"campaign without a trunk":  {"queues: [{id: q}]\ncampaigns: [{id: c, queue: q}]", `campaigns[0].trunk: trunk "" does not exist`},
		"pacing":                    {oneCampaign + "pacing: fast}]", `campaigns[0].pacing: "fast" is not one of`},
		"predictive, no limit":      {oneCampaign + "pacing: predictive}]", `campaigns[0].abandon_limit: is missing`},
		"limit of half the calls":   {oneCampaign + "abandon_limit: 50}]", `campaigns[0].abandon_limit: 50 is not a percentage`},
		"limit that is no number":   {oneCampaign + "abandon_limit: .nan}]", `campaigns[0].abandon_limit: NaN is not a percentage`},
		"queue named twice":         {"queues: [{id: q}, {id: q}]", `queues[1].id: "q" is used twice`},
		"queue without a name":      {"queues: [{name: Support}]", `queues[0].id: is missing`},
		"name with a space":         {"queues: [{id: a b}]", `queues[0].id: "a b" holds a space`},
		"strategy":                  {"queues: [{id: q, strategy: longest_idel}]", `queues[0].strategy: "longest_idel" is not one of`},
		"route given twice":         {"queues: [{id: q}]\nroutes: [{did: '1', queue: q}, {did: '1', queue: q}]", `routes[1].did: "1" is routed twice`},
		"trunk without an address":  {"trunks: [{id: t}]", `trunks[0].remote: is missing`},
		"trunk with half a one":     {"trunks: [{id: t, remote: carrier}]", `trunks[0].remote: "carrier" is not an address and port`},
		"preset":                    {"trunks: [{id: t, remote: '127.0.0.1:5060', preset: wan}]", `trunks[0].preset: "wan" is not one of lan, nat, docker`},
		"number with spaces":        {"queues: [{id: q}]\nroutes: [{did: call me, queue: q}]", `routes[0].did: "call me" holds a space`},
		"database":                  {"database: 'postgres//u:hunter2@x'", `database: is not a URL that begins with postgres://`},
		"redis":                     {"redis: '127.0.0.1:6379'", `redis: is not a URL that begins with redis://`},
		"listen address":            {"http: eighty", `http: "eighty" is not an address and port`},
		"public address":            {"public: here", `public: "here" is not an IP address`},
		"webhook":                   {"crm: {webhook: 'ftp://x'}", `crm.webhook: is not an http or https URL`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseConfig([]byte(row.text))
			require.ErrorIs(t, err, tandem.ErrInvalid)
			require.ErrorContains(t, err, row.want)
		})
	}
}

func TestConfig_NamesTheLine(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown key":  "queues:\n  - id: q\n    rign: 5s\n",
		"no unit":      "queues:\n  - id: q\n    ring: 15\n",
		"not a list":   "queues: support\n",
		"broken YAML":  "queues:\n  - id: [\n",
		"secret file":  "trunks:\n  - {id: t, remote: '127.0.0.1:1', password: 'file:/nonexistent/x'}\n",
		"negative":     "queues:\n  - id: q\n    ring: -5s\n",
		"list for one": "routes:\n  - {did: [1], queue: q}\n",
		"wrong number": "queues:\n  - id: q\n    max_waiting: many\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseConfig([]byte(text))
			require.ErrorIs(t, err, tandem.ErrInvalid)
			require.Regexp(t, `\d+:\d+`, err.Error(), "line and column")
		})
	}
}

func TestConfig_TakesNumbersAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]byte("trunks: [{id: t, remote: '127.0.0.1:1', username: 0049}]\nqueues: [{id: q}]\nroutes: [{did: +12025550100, queue: q}, {did: 0100, queue: q}, {did: '007', queue: q}]\n" +
		"campaigns: [{id: c, queue: q, trunk: t, caller_id: +12025550199, do_not_call: [+12025550111, \"0042\"]}]"))
	require.NoError(t, err)
	require.Equal(t, text("0049"), c.Trunks[0].Username)
	require.Equal(t, []text{"+12025550100", "0100", "007"}, []text{c.Routes[0].DID, c.Routes[1].DID, c.Routes[2].DID})
	require.Equal(t, text("+12025550199"), c.Campaigns[0].CallerID)
	require.Equal(t, []text{"+12025550111", "0042"}, c.Campaigns[0].DNC)
}

func TestCheck_WantsToKnowWherePhonesReachIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tandem.yaml")
	require.NoError(t, os.WriteFile(path, []byte("sip: 0.0.0.0:5060\n"), 0o600))
	err := checkCmd{File: path}.Run(io.Discard)
	require.ErrorIs(t, err, tandem.ErrInvalid)
	require.ErrorContains(t, err, "public: is missing")
	require.NoError(t, checkCmd{File: path, Public: "203.0.113.10"}.Run(io.Discard))
}

func TestConfig_NeverShowsASecret(t *testing.T) {
	t.Parallel()
	_, err := parseConfig([]byte("trunks:\n  - id: t\n    password: hunter2\n    remote: [1]\n"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	f.Add([]byte("queues: [{id: q, ring: 1h}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseConfig(b)
		if err == nil {
			require.NoError(t, c.check())
		}
	})
}
