package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// fileConfig is the configuration file of `tandem serve`. What a flag or environment variable also gives, they override.
type fileConfig struct {
	HTTP     string `yaml:"http"`     // where the web server listens, host:port
	SIP      string `yaml:"sip"`      // where SIP listens (UDP and TCP), host:port
	Domain   string `yaml:"domain"`   // SIP domain and digest realm; empty: "tandem"
	Public   string `yaml:"public"`   // the address that phones and carriers reach us at; empty: the SIP address's
	Data     string `yaml:"data"`     // folder for the SQLite file and recordings
	Database string `yaml:"database"` // postgres://…; empty: SQLite in the data folder
	Redis    string `yaml:"redis"`    // redis://…; empty: presence and leases in memory

	Trunks    []trunkConfig    `yaml:"trunks"`
	Queues    []queueConfig    `yaml:"queues"`
	Agents    []agentConfig    `yaml:"agents"`
	Routes    []routeConfig    `yaml:"routes"`
	Campaigns []campaignConfig `yaml:"campaigns"`
	CRM       crmConfig        `yaml:"crm"`
}

// trunkConfig is a carrier or PBX.
type trunkConfig struct {
	ID          string   `yaml:"id"`
	Preset      string   `yaml:"preset"` // lan (default), nat, docker
	Remote      string   `yaml:"remote"` // host:port of the far end
	Match       []string `yaml:"match"`  // further source addresses or networks it calls from
	Username    text     `yaml:"username"`
	Password    secret   `yaml:"password"`
	MaxChannels int      `yaml:"max_channels"` // 0: 1000
	CPS         int      `yaml:"calls_per_second"`
}

// queueConfig is a queue; zero values mean the routing engine's defaults.
type queueConfig struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`
	Strategy   string   `yaml:"strategy"` // see acd.StrategyNames; longest_idle is the default
	Ring       duration `yaml:"ring"`     // how long an offer rings
	Retry      duration `yaml:"retry"`    // before the same agent is offered the same call again
	WrapUp     duration `yaml:"wrap_up"`
	MaxWaiting int      `yaml:"max_waiting"`
	MaxWait    duration `yaml:"max_wait"`
	Level      duration `yaml:"service_level"` // threshold; 0: 20 s
	Sound      string   `yaml:"sound"`         // music (default) or ring
	Weight     int      `yaml:"weight"`
}

// agentConfig is a person who takes calls.
type agentConfig struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Queues   []string `yaml:"queues"`
	WrapUp   duration `yaml:"wrap_up"`
	Password secret   `yaml:"password"` // for the log-in, when the agent has no account yet; else see `tandem user add`
	// SIPPassword is for a SIP phone; empty: the agent has the browser phone only.
	SIPPassword secret `yaml:"sip_password"`
}

// routeConfig sends the calls to one DID into a queue. An empty DID takes what no other route takes.
type routeConfig struct {
	DID      text   `yaml:"did"`
	Trunk    string `yaml:"trunk"` // empty: whatever trunk it came in by
	Queue    string `yaml:"queue"`
	Priority int    `yaml:"priority"`
}

// campaignConfig is an outbound campaign.
type campaignConfig struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Queue    string   `yaml:"queue"`
	Trunk    string   `yaml:"trunk"`
	CallerID text     `yaml:"caller_id"`
	List     string   `yaml:"list"` // CSV file, imported once; relative to the configuration file
	Ring     duration `yaml:"ring"`
	Patience duration `yaml:"patience"` // how long an answered person waits for an agent; 0: 2 s
	Attempts int      `yaml:"max_attempts"`
	Retry    duration `yaml:"retry"`
	// Pacing is progressive (a line for each ready agent; default) or predictive, which dials ahead of the agents.
	Pacing string `yaml:"pacing"`
	// AbandonLimit is the greatest percentage of a day's answered calls that may find no agent; required for predictive.
	AbandonLimit *float64 `yaml:"abandon_limit"`
	Active       bool     `yaml:"active"` // starts dialling at once; otherwise somebody presses start
	DNC          []text   `yaml:"do_not_call"`
}

// crmConfig is where contacts are looked up and finished calls reported.
type crmConfig struct {
	Lookup        string `yaml:"lookup"` // URL template with {number}
	LookupToken   secret `yaml:"lookup_token"`
	Pop           string `yaml:"pop"` // URL template for the agent's screen
	Webhook       string `yaml:"webhook"`
	WebhookSecret secret `yaml:"webhook_secret"` // whsec_…
}

// duration is a time.Duration written "15s" or "2m30s".
type duration time.Duration

// UnmarshalYAML reads a duration with its unit.
func (d *duration) UnmarshalYAML(n ast.Node) error {
	text := scalar(n)
	v, err := time.ParseDuration(text)
	if err != nil {
		return at(n, "%q is not a duration such as 15s or 2m", text)
	}
	if v < 0 {
		return at(n, "%q is negative", text)
	}
	*d = duration(v)
	return nil
}

// text is a string that may look like a number: what is written without quotes counts as it is written. To YAML +4930123 is an integer without
// its plus, and 0100 is 64.
type text string

// UnmarshalYAML reads the value as it is written.
func (t *text) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(ast.ScalarNode); !ok {
		return at(n, "here stands one value, not a list or a table")
	}
	*t = text(scalar(n))
	return nil
}

// scalar returns a plain or quoted value's text.
func scalar(n ast.Node) string {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.NullNode:
		return ""
	}
	return n.GetToken().Value
}

// at is an error that names the line and column of n.
func at(n ast.Node, format string, args ...any) error {
	pos := n.GetToken().Position
	return fmt.Errorf("[%d:%d] %s", pos.Line, pos.Column, fmt.Sprintf(format, args...))
}

// secret is a text that is never printed: given as it is, or as file:PATH to be read from a file.
type secret string

// String hides the secret.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return "(hidden)"
}

// UnmarshalYAML reads the text, or the file that it names.
func (s *secret) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(ast.ScalarNode); !ok {
		return at(n, "a secret is a text, or file:PATH")
	}
	text := scalar(n)
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		c, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return at(n, "secret file: %v", err)
		}
		text = strings.TrimSpace(string(c))
	}
	*s = secret(text)
	return nil
}

// readConfig reads and checks the file at path. Its errors name the line or the setting.
func readConfig(path string) (fileConfig, error) {
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return fileConfig{}, fmt.Errorf("configuration: %w", err)
	}
	c, err := parseConfig(b)
	if err != nil {
		return fileConfig{}, fmt.Errorf("%s: %w", path, err)
	}
	for i, k := range c.Campaigns {
		if k.List != "" && !filepath.IsAbs(k.List) {
			c.Campaigns[i].List = filepath.Join(filepath.Dir(path), k.List)
		}
	}
	return c, nil
}

// parseConfig reads a configuration; an unknown key is an error.
func parseConfig(b []byte) (fileConfig, error) {
	var c fileConfig
	if len(bytes.TrimSpace(b)) > 0 {
		if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(&c); err != nil {
			// The library's text shows the line; it never shows a secret's value, whose type has its own decoder.
			return fileConfig{}, fmt.Errorf("%s: %w", strings.TrimSpace(yaml.FormatError(err, false, false)), tandem.ErrInvalid)
		}
	}
	return c, c.check()
}

// checker collects the first thing that is wrong.
type checker struct{ err error }

func (k *checker) bad(where, format string, args ...any) {
	if k.err == nil {
		k.err = &tandem.ConfigError{Where: where, What: fmt.Sprintf(format, args...)}
	}
}

// names checks that each of a list of things has a name and has it alone, and returns the set.
func (k *checker) names(what string, n int, id func(int) string) map[string]bool {
	seen := map[string]bool{}
	for i := range n {
		at := what + "[" + strconv.Itoa(i) + "].id"
		switch v := id(i); {
		case v == "":
			k.bad(at, "is missing")
		case strings.ContainsAny(v, " \t\r\n@/<>\""):
			k.bad(at, "%q holds a space or one of @ / < > \"", v)
		case seen[v]:
			k.bad(at, "%q is used twice", v)
		default:
			seen[v] = true
		}
	}
	return seen
}

// oneOf allows also that nothing is said.
func (k *checker) oneOf(where, v string, allowed ...string) {
	if v == "" || slices.Contains(allowed, v) {
		return
	}
	k.bad(where, "%q is not one of %s", v, strings.Join(allowed, ", "))
}

func (k *checker) addr(where, v string) {
	if v == "" {
		return
	}
	if _, err := netip.ParseAddrPort(v); err != nil {
		k.bad(where, "%q is not an address and port such as 0.0.0.0:5060", v)
	}
}

func (k *checker) url(where, v string) {
	if v == "" {
		return
	}
	u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(v))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		k.bad(where, "is not an http or https URL")
	}
}

// number checks what is compared with, or dialled as, a telephone number or SIP user.
func (k *checker) number(where string, v text) {
	if strings.ContainsAny(string(v), " \t\r\n@/<>\"()") {
		k.bad(where, "%q holds a space or one of @ / < > \" ( ): write the number as it arrives, such as +12025550100", v)
	}
}

// server checks the address of a server that stores things; what is wrong with it is not shown, as it may hold a password.
func (k *checker) server(where, v string, schemes ...string) {
	for _, s := range schemes {
		if v == "" || strings.HasPrefix(v, s+"://") {
			return
		}
	}
	k.bad(where, "is not a URL that begins with %s://", schemes[0])
}

// check returns a *tandem.ConfigError for the first setting that is wrong.
func (c fileConfig) check() error {
	k := &checker{}
	k.addr("http", c.HTTP)
	k.addr("sip", c.SIP)
	if c.Public != "" {
		if _, err := netip.ParseAddr(c.Public); err != nil {
			k.bad("public", "%q is not an IP address", c.Public)
		}
	}
	if !strings.Contains(c.Database, "=") || strings.Contains(c.Database, "://") { // a list of key=value is for the driver to judge
		k.server("database", c.Database, "postgres", "postgresql")
	}
	k.server("redis", c.Redis, "redis", "rediss", "unix")
	trunks := k.names("trunks", len(c.Trunks), func(i int) string { return c.Trunks[i].ID })
	queues := k.names("queues", len(c.Queues), func(i int) string { return c.Queues[i].ID })
	k.names("agents", len(c.Agents), func(i int) string { return c.Agents[i].ID })
	k.names("campaigns", len(c.Campaigns), func(i int) string { return c.Campaigns[i].ID })
	for i, t := range c.Trunks {
		at := fmt.Sprintf("trunks[%d]", i)
		k.oneOf(at+".preset", t.Preset, "lan", "nat", "docker")
		if t.Remote == "" {
			k.bad(at+".remote", "is missing")
		}
		k.addr(at+".remote", t.Remote)
		if t.MaxChannels < 0 || t.CPS < 0 {
			k.bad(at, "max_channels and calls_per_second cannot be negative")
		}
	}
	for i, q := range c.Queues {
		at := fmt.Sprintf("queues[%d]", i)
		if _, err := acd.StrategyByName(q.Strategy); err != nil {
			k.bad(at+".strategy", "%q is not one of %s", q.Strategy, strings.Join(acd.StrategyNames(), ", "))
		}
		k.oneOf(at+".sound", q.Sound, "music", "ring")
	}
	for i, a := range c.Agents {
		for j, q := range a.Queues {
			if !queues[q] {
				k.bad(fmt.Sprintf("agents[%d].queues[%d]", i, j), "queue %q does not exist", q)
			}
		}
	}
	k.routes(c, queues, trunks)
	k.url("crm.lookup", c.CRM.Lookup)
	k.url("crm.pop", c.CRM.Pop)
	k.url("crm.webhook", c.CRM.Webhook)
	return k.err
}

// routes checks the routes and campaigns against the queues and trunks that exist.
func (k *checker) routes(c fileConfig, queues, trunks map[string]bool) {
	seen := map[string]bool{}
	for i, r := range c.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		if !queues[r.Queue] {
			k.bad(at+".queue", "queue %q does not exist", r.Queue)
		}
		if r.Trunk != "" && !trunks[r.Trunk] {
			k.bad(at+".trunk", "trunk %q does not exist", r.Trunk)
		}
		k.number(at+".did", r.DID)
		if key := r.Trunk + "/" + string(r.DID); seen[key] {
			k.bad(at+".did", "%q is routed twice", r.DID)
		} else {
			seen[key] = true
		}
	}
	for i, p := range c.Campaigns {
		at := fmt.Sprintf("campaigns[%d]", i)
		if !queues[p.Queue] {
			k.bad(at+".queue", "queue %q does not exist", p.Queue)
		}
		if !trunks[p.Trunk] {
			k.bad(at+".trunk", "trunk %q does not exist", p.Trunk)
		}
		k.number(at+".caller_id", p.CallerID)
		k.pacing(at, p)
	}
}

// pacing checks how a campaign dials: whoever dials ahead must say how many calls may be lost by it.
func (k *checker) pacing(at string, p campaignConfig) {
	k.oneOf(at+".pacing", p.Pacing, "progressive", "predictive")
	switch {
	case p.AbandonLimit == nil:
		if p.Pacing == "predictive" {
			k.bad(at+".abandon_limit", "is missing: predictive pacing needs one, such as 3 for 3 %%")
		}
	case !(*p.AbandonLimit >= 0 && *p.AbandonLimit <= 10):
		k.bad(at+".abandon_limit", "%g is not a percentage from 0 to 10", *p.AbandonLimit)
	}
}
