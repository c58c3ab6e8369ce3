package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/sipbridge"
)

// figures shows at /metrics what the parts count themselves: a prometheus.Collector.
type figures struct {
	bridge  *sipbridge.Bridge
	journal *reports.Journal
	centre  *acd.Center
}

// Describe sends nothing: what is collected describes itself (an unchecked collector).
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect sends the figures of this moment.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, name, help string, v float64, labels ...string) {
		var names, values []string
		for i := 0; i+1 < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
	}
	gauge := func(name, help string, v float64, labels ...string) {
		send(prometheus.GaugeValue, name, help, v, labels...)
	}
	count := func(name, help string, v uint64, labels ...string) {
		send(prometheus.CounterValue, name, help, float64(v), labels...)
	}
	s := f.bridge.Stats()
	gauge("tandem_sip_legs", "Legs alive.", float64(s.Legs))
	gauge("tandem_sip_phones", "Connected browser phones.", float64(s.Phones))
	gauge("tandem_sip_registrations", "SIP phones registered.", float64(s.Registrar.Bindings))
	gauge("tandem_media_ends", "Open media ends.", float64(s.Media.Ends))
	for trunk, n := range s.Channels {
		gauge("tandem_trunk_channels", "Calls on a trunk now.", float64(n), "trunk", string(trunk))
	}
	const legs = "Legs begun, by who began them."
	count("tandem_sip_legs_total", legs, s.Incoming, "direction", "incoming")
	count("tandem_sip_legs_total", legs, s.Dialled, "direction", "dialled")
	const refused = "Calls and registrations refused, by reason."
	count("tandem_sip_refused_total", refused, s.Strangers, "reason", "stranger")
	count("tandem_sip_refused_total", refused, s.BadPassword+s.Registrar.Failures, "reason", "password")
	count("tandem_sip_refused_total", refused, s.Registrar.Locked, "reason", "locked")
	count("tandem_sip_refused_total", refused, s.Refused, "reason", "limit")
	count("tandem_sip_refused_total", refused, s.BadSDP, "reason", "sdp")
	count("tandem_media_failed_total", "Legs that ended because their sound failed or stopped.", s.MediaFailed)
	j := f.journal.Stats()
	gauge("tandem_journal_queue", "Appends that wait for the journal.", float64(j.Queued))
	gauge("tandem_routing_saturation", "How full the routing engine's inbox is, from 0 to 1.", f.centre.Saturation())
}
