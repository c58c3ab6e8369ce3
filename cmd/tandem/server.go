package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/web"
)

// server is the packages of this module, composed: the switch's events go to the journal, then to the engines; what the
// engines decide goes to the journal, then to the switch; records, pages and webhooks read the journal.
type server struct {
	cfg     fileConfig
	log     *slog.Logger
	node    tandem.NodeID
	sockets *sockets
	stores  *stores

	journal   *reports.Journal
	archivist *reports.Archivist
	bridge    *sipbridge.Bridge
	centre    *acd.Center
	dialling  *dialling
	hooks     *crm.Webhooks // nil without a receiver
	contacts  *crm.Directory
	shared    *shared // nil without Redis
	web       *web.Server
	http      *http.Server
	tlsCert   string
	tlsKey    string
}

// options are what the commands add to the configuration.
type options struct {
	tlsCert, tlsKey string
	contacts        crm.Lookup // instead of the configured one
	proxied         bool       // a proxy in front speaks https
	failureLimit    int        // wrong passwords that lock an account; 0: 3
}

// newServer opens the stores, settles what an earlier process left behind, and builds every part. It starts nothing.
// The caller closes the server.
func newServer(ctx context.Context, cfg fileConfig, socks *sockets, o options, log *slog.Logger) (*server, error) {
	if cfg.Domain == "" {
		cfg.Domain = "tandem.invalid"
	}
	s := &server{
		cfg: cfg, log: log, sockets: socks, node: tandem.NodeID(tandem.RandomIDs()()), tlsCert: o.tlsCert, tlsKey: o.tlsKey,
	}
	var err error
	if cfg.Redis != "" {
		if s.shared, err = joinShared(ctx, cfg.Redis, s.node, log); err != nil {
			return nil, err
		}
	}
	if s.stores, err = openStores(ctx, cfg); err == nil && s.shared == nil {
		err = s.stores.take(ctx, log) // with Redis the lease decides
	}
	if err == nil {
		err = s.build(ctx, o)
	}
	if err != nil {
		s.shut()
		return nil, err
	}
	return s, nil
}

func (s *server) build(ctx context.Context, o options) error {
	if err := s.buildJournal(ctx); err != nil {
		return err
	}
	if err := s.buildSwitch(); err != nil {
		return err
	}
	if err := s.buildEngines(ctx); err != nil {
		return err
	}
	if err := s.buildCRM(o); err != nil {
		return err
	}
	return s.buildWeb(o)
}

// buildJournal closes what a crash left open and makes the journal and its first reader.
func (s *server) buildJournal(ctx context.Context) error {
	found, err := reports.Recover(ctx, reports.RecoverConfig{
		Store: s.stores.Journal(), Archive: s.stores.Archive(), Node: s.node, Version: version(), Now: time.Now(),
		// The campaigns that run here settle their own attempts, by their retry rules.
		Settles: func(id tandem.CampaignID) bool {
			return slices.ContainsFunc(s.cfg.Campaigns, func(c campaignConfig) bool { return c.ID == string(id) })
		},
	})
	if err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	if found.Calls+found.Agents+found.Attempts > 0 {
		s.log.InfoContext(ctx, "closed what an earlier process left open",
			"calls", found.Calls, "agents", found.Agents, "attempts", found.Attempts, "last_sign_of_life", found.At)
	}
	s.journal, err = reports.New(reports.Config{Store: s.stores.Journal(), Node: s.node, AliveEvery: 2 * time.Second, Logger: s.log})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.archivist, err = reports.NewArchivist(reports.ArchivistConfig{Journal: s.journal, Archive: s.stores.Archive(), Logger: s.log})
	if err != nil {
		return fmt.Errorf("archivist: %w", err)
	}
	return nil
}

// buildSwitch makes the native switch on the open sockets.
func (s *server) buildSwitch() error {
	bind, advertise, err := mediaAddr(s.sockets.sip, s.cfg.Public)
	if err != nil {
		return err
	}
	said := ""
	if s.cfg.Public != "" {
		said = fmt.Sprintf("%s:%d", s.cfg.Public, s.sockets.sip.Port())
	}
	s.bridge, err = sipbridge.New(sipbridge.Config{
		Domain: s.cfg.Domain,
		Listen: []sipbridge.Listen{
			{Transport: sipbridge.UDP, PacketConn: s.sockets.udp, Advertise: said},
			{Transport: sipbridge.TCP, Listener: s.sockets.tcp, Advertise: said},
		},
		Media:       sipbridge.Media{Bind: bind, Advertise: advertise},
		Trunks:      s.cfg.trunks(s.sockets.sip.Port()),
		Credentials: s.cfg.credentials(),
		UserAgent:   "Tandem", Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	return nil
}

// buildEngines makes the routing engine and the campaigns.
func (s *server) buildEngines(ctx context.Context) error {
	var err error
	s.dialling = &dialling{}
	s.centre, err = acd.New(acd.Config{
		Switch: s.bridge, Events: tandem.Handlers{s.journal, s.dialling},
		Queues: s.cfg.queues(), Agents: s.cfg.agents(), Route: s.cfg.route(),
		Position: s.journal.Last, Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("routing: %w", err)
	}
	return s.dialling.build(ctx, s)
}

// buildCRM makes the contact look-up and the webhooks.
func (s *server) buildCRM(o options) error {
	lookup := o.contacts
	if lookup == nil && s.cfg.CRM.Lookup != "" {
		h := http.Header{}
		if s.cfg.CRM.LookupToken != "" {
			h.Set("Authorization", "Bearer "+string(s.cfg.CRM.LookupToken))
		}
		l, err := crm.NewHTTPLookup(crm.HTTPLookupConfig{URL: s.cfg.CRM.Lookup, Header: h})
		if err != nil {
			return fmt.Errorf("crm: %w", err)
		}
		lookup = l
	}
	if lookup != nil {
		d, err := crm.NewDirectory(crm.DirectoryConfig{Lookup: lookup, Logger: s.log})
		if err != nil {
			return fmt.Errorf("crm: %w", err)
		}
		s.contacts = d
	}
	if s.cfg.CRM.Webhook == "" {
		return nil
	}
	secret, err := crm.ParseSecret(string(s.cfg.CRM.WebhookSecret))
	if err != nil {
		return fmt.Errorf("crm.webhook_secret: %w", err)
	}
	s.hooks, err = crm.NewWebhooks(crm.WebhooksConfig{Outbox: s.stores.Outbox(), URL: s.cfg.CRM.Webhook, Secret: secret, Logger: s.log})
	if err != nil {
		return fmt.Errorf("crm: %w", err)
	}
	return nil
}

// buildWeb makes the pages and the API.
func (s *server) buildWeb(o options) error {
	cfg := web.Config{
		Accounts: s.stores.Accounts(), Sessions: s.stores.Sessions(), Floor: s.centre, Desk: s.centre, Handset: handset{s.centre},
		Journal: s.journal, Calls: s.stores.Archive(), Campaigns: s.dialling,
		Phone: s.bridge.Phone, SIP: s.bridge.SIPWebSocket(),
		Pauses:       []string{"Break", "Lunch", "Training", "Back office"},
		Dispositions: dispositions(), Version: version(), Secure: o.proxied || s.tlsCert != "", Proxied: o.proxied, Logger: s.log,
		FailureLimit: cmp.Or(o.failureLimit, 3),
		Collectors:   []prometheus.Collector{&figures{bridge: s.bridge, journal: s.journal, centre: s.centre}},
		Ready: map[string]web.Check{
			"database": func(ctx context.Context) error {
				_, err := s.stores.Journal().Last(ctx)
				return err
			},
			"journal": func(context.Context) error { return s.journal.Trouble() }, // a full disk can still be read
		},
	}
	if s.contacts != nil {
		cfg.Contacts = s.contacts
	}
	if s.cfg.CRM.Pop != "" {
		pop, err := crm.NewScreenPop(s.cfg.CRM.Pop)
		if err != nil {
			return fmt.Errorf("crm.pop: %w", err)
		}
		cfg.ScreenPop = pop
	}
	var err error
	if s.web, err = web.New(cfg); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	source := maxWebConnsSource
	if o.proxied {
		source = 0
	}
	s.sockets.web = newCrowd(s.sockets.web, maxWebConns, source)
	s.http = &http.Server{
		Handler: s.web, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return nil
}

func dispositions() []web.Disposition {
	return []web.Disposition{
		{ID: "solved", Name: "Solved"},
		{ID: "sale", Name: "Sale"},
		{ID: "call_back", Name: "Call back"},
		{ID: "not_interested", Name: "Not interested"},
		{ID: "wrong_number", Name: "Wrong number"},
	}
}

// run serves until ctx ends; then the web stops first and the journal last, so that whatever happens on the way is kept.
func (s *server) run(ctx context.Context, more ...part) error {
	var parts []part
	if s.shared != nil {
		parts = append(parts, part{"lease", s.shared.keep})
	} else {
		parts = append(parts, part{"claim", func(ctx context.Context) error { return s.stores.keep(ctx, s.log) }})
	}
	parts = append(parts,
		part{"journal", s.journal.Run},
		part{"call records", s.archivist.Run},
	)
	if s.hooks != nil {
		parts = append(parts, part{"webhooks", s.hooks.Run}, part{"webhook reader", s.readHooks})
	}
	parts = append(parts,
		part{"switch", func(ctx context.Context) error {
			return s.bridge.Run(ctx, tandem.Handlers{s.journal, s.centre, s.dialling})
		}},
		part{"routing", s.centre.Run},
		part{"campaigns", s.dialling.run},
		part{"pages", s.web.Run},
		part{"http", s.serveHTTP},
	)
	if s.shared != nil {
		parts = append(parts, part{"presence", func(ctx context.Context) error { return s.shared.publish(ctx, s.centre, s.journal) }})
	}
	return runParts(ctx, s.log, 15*time.Second, append(parts, more...))
}

// readHooks gives the journal to the webhooks from where they left off.
func (s *server) readHooks(ctx context.Context) error {
	after, err := s.hooks.After(ctx)
	if err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	return s.journal.Follow(ctx, after+1, func(rs []tandem.Record) error { return s.hooks.Handle(ctx, rs...) })
}

// serveHTTP serves the pages until ctx ends, then lets requests under way finish for a moment.
func (s *server) serveHTTP(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() {
		if s.tlsCert != "" {
			failed <- s.http.ServeTLS(s.sockets.web, s.tlsCert, s.tlsKey)
			return
		}
		failed <- s.http.Serve(s.sockets.web)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// Event streams and phones never finish by themselves; what is left after a second is cut.
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	if err := s.http.Shutdown(grace); err != nil {
		err = s.http.Close()
		s.log.DebugContext(ctx, "cut the last connections", "error", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// shut releases what newServer opened and run did not; a fault is logged.
func (s *server) shut() {
	s.sockets.close()
	var err error
	if s.stores != nil {
		err = s.stores.Close()
	}
	if s.shared != nil {
		err = errors.Join(err, s.shared.redis.Close())
	}
	if err != nil {
		s.log.Error("store did not close", "error", err)
	}
}

// url is where the pages are.
func (s *server) url() string {
	scheme := "http"
	if s.tlsCert != "" {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s", scheme, s.sockets.web.Addr())
}

// handset is the centre as web.Handset.
type handset struct{ *acd.Center }

// Dispose records what the agent says came of a call.
func (h handset) Dispose(ctx context.Context, d tandem.CallDisposed) error {
	return h.Center.Dispose(ctx, d.Agent, d.Call, d.Disposition, d.Note)
}
