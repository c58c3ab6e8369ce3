package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/web"
)

// demoCmd runs a living call centre.
type demoCmd struct {
	Data     string `env:"TANDEM_DATA" help:"Folder for the demo's database (default: a temporary one, removed at the end)."`
	HTTP     string `name:"http" default:"127.0.0.1:8080" help:"Where the web server listens; port 0 takes a free one and prints it."`
	SIP      string `name:"sip" default:"127.0.0.1:0" help:"Where SIP listens; port 0 takes a free one and prints it."`
	LogLevel string `enum:"debug,info,warn,error" default:"warn" env:"TANDEM_LOG_LEVEL" help:"Least level to log (${enum})."`
	Seed     uint64 `default:"1" help:"Another seed tells another story."`
}

// seat is a place in the demo that a person can take.
type seat struct {
	login, name string
	role        web.Role
	agent       tandem.AgentID
	password    string
}

func demoSeats() []seat {
	return []seat{
		{login: "ann", name: "Ann Novak", role: web.RoleAgent, agent: "ann", password: newPassword()},
		{login: "ben", name: "Ben Ortiz", role: web.RoleAgent, agent: "ben", password: newPassword()},
		{login: "sue", name: "Sue Park", role: web.RoleSupervisor, password: newPassword()},
		{login: "admin", name: "Administrator", role: web.RoleAdministrator, password: newPassword()},
	}
}

// Run builds the demo's world and serves until ctx ends.
func (c *demoCmd) Run(ctx context.Context, out io.Writer) error {
	log, err := logFlags{LogLevel: c.LogLevel, LogFormat: "text"}.logger(os.Stderr)
	if err != nil {
		return err
	}
	if c.Data == "" {
		dir, err := os.MkdirTemp("", "tandem-demo-")
		if err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		c.Data = dir
		defer func() {
			if err := os.RemoveAll(dir); err != nil {
				log.WarnContext(ctx, "demo data left behind", "dir", dir, "error", err)
			}
		}()
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	cfg := fileConfig{HTTP: c.HTTP, SIP: c.SIP, Data: c.Data, Domain: "demo.invalid"}
	socks, err := cfg.listen(ctx)
	if err != nil {
		return err
	}
	defer socks.close()
	return c.serve(ctx, cfg, socks, out, log)
}

func (c *demoCmd) serve(ctx context.Context, cfg fileConfig, socks *sockets, out io.Writer, log *slog.Logger) error {
	// The carrier's port is known only once it listens, and the trunk is configured with it: the carrier comes first.
	world, err := newWorld(ctx, socks.sip, c.Seed, log)
	if err != nil {
		return err
	}
	defer world.close()
	cfg = demoConfig(cfg, world.carrier)
	if err := demoList(cfg.Campaigns[0].List); err != nil {
		return err
	}
	s, err := newServer(ctx, cfg, socks, options{contacts: demoContacts()}, log)
	if err != nil {
		return err
	}
	defer s.shut()
	seats := demoSeats()
	for _, p := range seats {
		a := web.Account{Login: p.login, Name: p.name, Role: p.role, Agent: p.agent}
		if err := saveAccount(ctx, s.stores.Accounts(), a, p.password); err != nil {
			return err
		}
	}
	if err := world.hire(cfg, s, log); err != nil {
		return err
	}
	greet(out, s, seats)
	return s.run(ctx, world.parts(s)...)
}

// demoConfig adds the demo's trunk, queues, agents, routes and campaign.
func demoConfig(cfg fileConfig, carrier netip.AddrPort) fileConfig {
	// Everything in the demo comes from one address, so the carrier is told by its port.
	cfg.Trunks = []trunkConfig{{ID: "carrier", Remote: carrier.String(), Match: []string{carrier.String()}}}
	cfg.Queues = []queueConfig{
		{ID: "support", Name: "Support", WrapUp: duration(8 * time.Second), Ring: duration(20 * time.Second)},
		{ID: "sales", Name: "Sales", WrapUp: duration(8 * time.Second), Ring: duration(20 * time.Second), Strategy: "round_robin"},
		{ID: "renewals", Name: "Renewals", WrapUp: duration(8 * time.Second), Ring: duration(20 * time.Second), Sound: "ring"},
	}
	cfg.Agents = []agentConfig{
		{ID: "ann", Name: "Ann Novak", Queues: []string{"support", "sales", "renewals"}, WrapUp: duration(20 * time.Second)},
		{ID: "ben", Name: "Ben Ortiz", Queues: []string{"support", "sales", "renewals"}, WrapUp: duration(20 * time.Second)},
		{ID: "robin", Name: "Robin (robot)", Queues: []string{"support", "sales"}, SIPPassword: secret(newPassword())},
		{ID: "vera", Name: "Vera (robot)", Queues: []string{"renewals"}, SIPPassword: secret(newPassword())},
	}
	cfg.Routes = []routeConfig{{DID: "100", Queue: "support"}, {DID: "200", Queue: "sales"}}
	cfg.Campaigns = []campaignConfig{{
		ID: "spring", Name: "Spring renewals", Queue: "renewals", Trunk: "carrier", CallerID: "+12025550199",
		List: filepath.Join(cfg.Data, "renewals.csv"), Ring: duration(15 * time.Second), Attempts: 3,
		Retry: duration(90 * time.Second), Active: true,
		// The law gives two seconds; a person who tries the demo gets the time to find the button.
		Patience: duration(12 * time.Second),
	}}
	return cfg
}

// demoList writes the campaign's list, as an operator's spreadsheet would give it.
func demoList(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil // an earlier run's
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"id", "name", "phone", "contract", "ends"}}
	names := people()
	for i := range 300 {
		name := names[(i*7+3)%len(names)].name
		if name == "" {
			name = "Household"
		}
		rows = append(rows, []string{
			"K" + strconv.Itoa(1000+i), name, fmt.Sprintf("+1202555%04d", 2000+i*7),
			[]string{"Basic", "Family", "Business"}[i%3], time.Now().AddDate(0, 1, i%28).Format(time.DateOnly),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("demo list: %w", err)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("demo list: %w", err)
	}
	return nil
}

// demoContacts is the demo's CRM: the people of the street.
func demoContacts() crm.Lookup {
	return crm.LookupFunc(func(_ context.Context, q crm.Query) (crm.Contact, error) {
		for i, p := range people() {
			if p.number == string(q.Number) && p.name != "" {
				return crm.Contact{ID: "P" + strconv.Itoa(100+i), Name: p.name, Fields: map[string]string{
					"City": []string{"Lisbon", "Cordoba", "Riga", "Leeds"}[i%4], "Plan": []string{"Basic", "Family", "Business"}[i%3],
					"Customer since": strconv.Itoa(2012 + i),
				}}, nil
			}
		}
		return crm.Contact{}, tandem.ErrNotFound
	})
}

// world is everything outside the server: the carrier and the robots.
type world struct {
	street  *street
	carrier netip.AddrPort
	running chan error
	stop    context.CancelFunc
	robots  []*robot
}

// newWorld starts the carrier, so that its address is known.
func newWorld(ctx context.Context, sip netip.AddrPort, seed uint64, log *slog.Logger) (*world, error) {
	st, err := newStreet(sip, []string{"100", "200", "100"}, seed, log)
	if err != nil {
		return nil, err
	}
	rctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &world{street: st, running: make(chan error, 1), stop: stop}
	go func() {
		defer close(w.running)
		w.running <- st.run(rctx)
	}()
	if w.carrier, err = st.addr(ctx); err != nil {
		stop()
		return nil, err
	}
	return w, nil
}

// close ends the carrier, also when the server never came to run, and awaits it.
func (w *world) close() {
	w.stop()
	for range w.running { // its result, unless a part has taken it
	}
}

// hire makes a robot of each agent that has a SIP phone.
func (w *world) hire(cfg fileConfig, s *server, log *slog.Logger) error {
	for _, a := range cfg.Agents {
		if a.SIPPassword == "" {
			continue
		}
		r, err := newRobot(tandem.AgentID(a.ID), string(a.SIPPassword), s.cfg.Domain, s.sockets.sip, log)
		if err != nil {
			return err
		}
		w.robots = append(w.robots, r)
	}
	return nil
}

// parts are what runs beside the server: last started, first stopped.
func (w *world) parts(s *server) []part {
	parts := []part{{"demo carrier", func(ctx context.Context) error {
		select {
		case err := <-w.running:
			return err
		case <-ctx.Done():
			w.stop()
			return <-w.running
		}
	}}}
	for _, r := range w.robots {
		parts = append(parts,
			part{"demo robot " + string(r.agent), r.run},
			part{"demo robot's registration", func(ctx context.Context) error { return r.work(ctx, s.centre, s.bridge.Ready()) }},
		)
	}
	return append(parts, part{"demo customers", func(ctx context.Context) error {
		select {
		case <-s.bridge.Ready():
			return w.street.customers(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
}

// greet says where to go and what to click.
func greet(out io.Writer, s *server, seats []seat) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nTandem demo: a living call centre. Customers call in, a campaign dials out, two robots answer.\n\n")
	fmt.Fprintf(&b, "  Web   %s/\n", s.url())
	fmt.Fprintf(&b, "  SIP   %s (UDP and TCP)\n", s.sockets.sip)
	fmt.Fprintf(&b, "  Data  %s\n\n", s.stores.name)
	fmt.Fprintf(&b, "  One-time passwords (new at each start)\n")
	for _, p := range seats {
		fmt.Fprintf(&b, "    %-6s %s   %s\n", p.login, p.password, strings.ToLower(p.role.String()))
	}
	fmt.Fprintf(&b, `
  What to click
    1. Open %s/ and log in as ann. Allow the microphone when the browser asks.
    2. Press Ready (R). The next caller rings within seconds; press Answer (A) and talk. Hang up with H.
    3. Say what came of the call, and finish the wrap-up. The next one follows.
    4. In another browser or a private window (windows of one browser share the log-in), log in as
       sue to see the board: queues, callers, agents, the campaign. Callers wait long until you help.

  Stop with Ctrl-C.
`, s.url())
	_, _ = io.WriteString(out, b.String()) // a closed stdout stops nothing
}
