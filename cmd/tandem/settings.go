package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/sipbridge"
)

// queues returns the routing engine's form of the configured queues.
func (c fileConfig) queues() []acd.QueueConfig {
	var qs []acd.QueueConfig
	for _, q := range c.Queues {
		sound := tandem.SoundMusic
		if q.Sound == "ring" {
			sound = tandem.SoundRing
		}
		strategy, err := acd.StrategyByName(q.Strategy)
		if err != nil {
			strategy = nil // the check has told it; the engine's default
		}
		name := q.Name
		if name == "" {
			name = q.ID
		}
		qs = append(qs, acd.QueueConfig{
			Queue: tandem.Queue{ID: tandem.QueueID(q.ID), Name: name}, Strategy: strategy,
			RingTimeout: time.Duration(q.Ring), WrapUp: time.Duration(q.WrapUp), Weight: q.Weight,
			Retry:      acd.Retry{NoAnswer: time.Duration(q.Retry)},
			MaxWaiting: q.MaxWaiting, MaxWait: time.Duration(q.MaxWait), ServiceLevel: time.Duration(q.Level),
			Sound: tandem.Sound{Kind: sound},
		})
	}
	return qs
}

// agents returns the routing engine's form of the configured agents.
func (c fileConfig) agents() []acd.AgentConfig {
	var as []acd.AgentConfig
	for _, a := range c.Agents {
		name := a.Name
		if name == "" {
			name = a.ID
		}
		cfg := acd.AgentConfig{Agent: tandem.Agent{ID: tandem.AgentID(a.ID), Name: name}, WrapUp: time.Duration(a.WrapUp)}
		for _, q := range a.Queues {
			cfg.Queues = append(cfg.Queues, acd.Seat{Queue: tandem.QueueID(q)})
		}
		as = append(as, cfg)
	}
	return as
}

// defaultChannels bounds the calls of a trunk that says nothing: one trunk must not take every leg there is.
const defaultChannels = 1000

// trunks returns the switch's form of the configured trunks, all on the one SIP port.
func (c fileConfig) trunks(port uint16) []sipbridge.Trunk {
	var ts []sipbridge.Trunk
	for _, t := range c.Trunks {
		preset := sipbridge.LAN()
		switch t.Preset {
		case "nat":
			preset = sipbridge.NAT()
		case "docker":
			preset = sipbridge.Docker()
		}
		preset.Port = port
		trunk := sipbridge.Trunk{
			ID: tandem.TrunkID(t.ID), Preset: preset, Remotes: []string{t.Remote}, MaxChannels: cmp.Or(t.MaxChannels, defaultChannels), CPS: float64(t.CPS),
			AuthOut: sipbridge.Auth{User: string(t.Username), Password: string(t.Password)}, FromUser: string(t.Username),
		}
		if len(t.Match) > 0 {
			trunk.Match = append([]string{t.Remote}, t.Match...)
		}
		ts = append(ts, trunk)
	}
	return ts
}

// route sends incoming calls where the configuration says: the exact DID on the trunk it came in by, then the DID on any
// trunk, then the trunk's default, then the default.
func (c fileConfig) route() acd.RouteFunc {
	type key struct {
		trunk tandem.TrunkID
		did   tandem.Number
	}
	table := map[key]acd.Route{}
	for _, r := range c.Routes {
		table[key{tandem.TrunkID(r.Trunk), tandem.Number(r.DID)}] = acd.Route{Queue: tandem.QueueID(r.Queue), Priority: r.Priority}
	}
	return func(_ context.Context, in tandem.LegIncoming) (acd.Route, error) {
		if in.Agent != "" {
			return acd.Route{Refuse: tandem.CauseForbidden}, nil // agents place no calls yet
		}
		for _, k := range []key{{in.Trunk, in.To}, {"", in.To}, {in.Trunk, ""}, {"", ""}} {
			if r, ok := table[k]; ok {
				return r, nil
			}
		}
		return acd.Route{Refuse: tandem.CauseUnallocated}, nil
	}
}

// credentials are the agents' SIP accounts; an agent without a SIP password has the browser phone only.
func (c fileConfig) credentials() sipbridge.Accounts {
	m := sipbridge.Accounts{}
	for _, a := range c.Agents {
		if a.SIPPassword != "" {
			m[a.ID] = sipbridge.Account{
				Agent: tandem.AgentID(a.ID), HA1: sipbridge.HA1(a.ID, c.Domain, string(a.SIPPassword)),
			}
		}
	}
	return m
}

// listenAddr splits host:port and demands a real address.
func listenAddr(where, text string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return a, &tandem.ConfigError{Where: where, What: strconv.Quote(text) + " is not an address and port such as 127.0.0.1:8080"}
	}
	return a, nil
}

// mediaAddr is the address that sound is bound to and told: the SIP address's, or the public one.
func mediaAddr(sip netip.AddrPort, public string) (bind, advertise netip.Addr, err error) {
	bind = sip.Addr()
	if public == "" {
		if bind.IsUnspecified() {
			return bind, advertise, &tandem.ConfigError{
				Where: "public", What: fmt.Sprintf("is missing: phones cannot be told %s; say at which address they reach this server", bind),
			}
		}
		return bind, bind, nil
	}
	advertise, err = netip.ParseAddr(public)
	if err != nil {
		return bind, advertise, &tandem.ConfigError{Where: "public", What: strconv.Quote(public) + " is not an IP address"}
	}
	return bind, advertise, nil
}
