package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/reports"
)

// metrics are the figures of /metrics. Their labels never name a person or a number.
type metrics struct {
	registry   *prometheus.Registry
	calls      *prometheus.CounterVec
	offers     *prometheus.CounterVec
	waits      prometheus.Histogram
	talks      prometheus.Histogram
	attempts   *prometheus.CounterVec
	records    prometheus.Counter
	streams    prometheus.Gauge
	streamsCut prometheus.Counter
	logins     *prometheus.CounterVec
	requests   *prometheus.CounterVec
	latency    *prometheus.HistogramVec

	open map[tandem.CallID]*openCall // touched by apply alone
}

// openCall is what is remembered of a call until it ends.
type openCall struct {
	direction tandem.Direction
	result    reports.Result
}

// maxOpenCalls bounds the calls remembered; one beyond it counts with an unknown direction.
const maxOpenCalls = 100_000

func newMetrics(snapshot func() *acd.Snapshot) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tandem_calls_total", Help: "Calls that have ended since the start, by direction and outcome.",
		}, []string{"direction", "outcome"}),
		offers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tandem_offers_total", Help: "Offers of calls to agents that have ended, by outcome: connected or the cause.",
		}, []string{"outcome"}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tandem_call_wait_seconds", Help: "Time in queue of answered calls.", Buckets: []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800},
		}),
		talks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tandem_call_talk_seconds", Help: "Time that agents talked in a call.", Buckets: []float64{5, 15, 30, 60, 120, 300, 600, 1800, 3600},
		}),
		attempts:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_attempts_total", Help: "Campaign attempts that have ended, by outcome."}, []string{"outcome"}),
		records:    prometheus.NewCounter(prometheus.CounterOpts{Name: "tandem_journal_records_total", Help: "Journal records seen since the start."}),
		streams:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "tandem_sse_clients", Help: "Open event streams."}),
		streamsCut: prometheus.NewCounter(prometheus.CounterOpts{Name: "tandem_sse_dropped_total", Help: "Event streams cut off for being too slow."}),
		logins:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_logins_total", Help: "Log-ins, by result."}, []string{"result"}),
		requests:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_http_requests_total", Help: "HTTP requests, by route, method and status."}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tandem_http_request_duration_seconds", Help: "Time of HTTP requests other than streams, by route.", Buckets: []float64{.001, .005, .02, .05, .1, .5, 1, 5},
		}, []string{"route"}),
		open: make(map[tandem.CallID]*openCall),
	}
	m.registry.MustRegister(m.calls, m.offers, m.waits, m.talks, m.attempts, m.records, m.streams, m.streamsCut, m.logins, m.requests, m.latency,
		&floorCollector{snapshot: snapshot}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// Series exist from the start, so that a rate over the first call is a rate.
	for _, r := range []reports.Result{
		reports.ResultAnswered, reports.ResultAbandoned, reports.ResultTimeout, reports.ResultFull, reports.ResultEmpty, reports.ResultRefused,
		reports.ResultInterrupted,
	} {
		m.calls.WithLabelValues(tandem.Inbound.String(), r.String())
	}
	for _, r := range []reports.Result{reports.ResultAnswered, reports.ResultAbandoned, reports.ResultUnreached, reports.ResultInterrupted} {
		m.calls.WithLabelValues(tandem.Outbound.String(), r.String())
	}
	for _, result := range []string{loginDone, loginWrong, loginLocked} {
		m.logins.WithLabelValues(result)
	}
	m.offers.WithLabelValues(offerConnected)
	return m
}

// The results of a log-in, and the outcome of an offer that became a conversation.
const (
	loginDone      = "done"
	loginWrong     = "wrong"
	loginLocked    = "locked"
	offerConnected = "connected"
)

// apply counts the records that are not older than since. The journal's follower alone calls it.
func (m *metrics) apply(rs []tandem.Record, since time.Time) {
	for _, r := range rs {
		if r.At.Before(since) {
			continue
		}
		m.records.Inc()
		switch e := r.Event.(type) {
		case tandem.CallStarted:
			m.begin(e.Call)
		case tandem.CallConnected:
			m.offers.WithLabelValues(offerConnected).Inc()
			m.waits.Observe(e.Waited.Seconds())
			if o := m.open[e.Call]; o != nil {
				o.result = reports.ResultAnswered
			}
		case tandem.CallLeft:
			if o := m.open[e.Call]; o != nil && o.result != reports.ResultAnswered {
				o.result = resultOfLeaving(e.Reason)
			}
		case tandem.OfferEnded:
			m.offers.WithLabelValues(e.Cause.String()).Inc()
		case tandem.CallReleased:
			m.talks.Observe(e.Talked.Seconds())
		case tandem.CallEnded:
			m.end(e)
		case tandem.AttemptEnded:
			m.attempts.WithLabelValues(e.Outcome.String()).Inc()
		default:
			// The other events are not counted one by one.
		}
	}
}

func (m *metrics) begin(c tandem.Call) {
	if len(m.open) >= maxOpenCalls {
		return
	}
	m.open[c.ID] = &openCall{direction: c.Direction}
}

func (m *metrics) end(e tandem.CallEnded) {
	o := m.open[e.Call]
	if o == nil {
		o = &openCall{}
	}
	delete(m.open, e.Call)
	switch {
	case o.result != reports.ResultUnset:
	case e.Cause == tandem.CauseInterrupted:
		o.result = reports.ResultInterrupted
	case o.direction == tandem.Outbound:
		o.result = reports.ResultUnreached
	default:
		o.result = reports.ResultRefused
	}
	m.calls.WithLabelValues(nameOr(o.direction.String(), "unknown"), o.result.String()).Inc()
}

// resultOfLeaving names a reason for leaving as the call records do: both name what became of the call for the customer.
func resultOfLeaving(r tandem.LeaveReason) reports.Result {
	var result reports.Result
	if err := result.UnmarshalText([]byte(r.String())); err != nil {
		return reports.ResultFailed
	}
	return result
}

// floorCollector turns the latest snapshot into gauges at each scrape.
type floorCollector struct {
	snapshot func() *acd.Snapshot
}

func (*floorCollector) descs() (waiting, longest, talking, agents *prometheus.Desc) {
	queue := []string{"queue"}
	return prometheus.NewDesc("tandem_queue_waiting_calls", "Calls that wait in a queue.", queue, nil),
		prometheus.NewDesc("tandem_queue_longest_wait_seconds", "Age of the call that waits longest.", queue, nil),
		prometheus.NewDesc("tandem_queue_talking_calls", "Calls of a queue in conversation.", queue, nil),
		prometheus.NewDesc("tandem_agents", "Agents, by state.", []string{"state"}, nil)
}

// Describe tells the gauges' names.
func (c *floorCollector) Describe(ch chan<- *prometheus.Desc) {
	waiting, longest, talking, agents := c.descs()
	for _, d := range []*prometheus.Desc{waiting, longest, talking, agents} {
		ch <- d
	}
}

// Collect tells the gauges' values.
func (c *floorCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.snapshot()
	if s == nil {
		return
	}
	waiting, longest, talking, agents := c.descs()
	gauge := func(d *prometheus.Desc, v float64, label string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, label)
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		age := 0.0
		if len(q.Waiting) > 0 {
			age = max(time.Since(q.Waiting[0].Since).Seconds(), 0)
		}
		gauge(waiting, float64(len(q.Waiting)), string(q.ID))
		gauge(longest, age, string(q.ID))
		gauge(talking, float64(q.Talking), string(q.ID))
	}
	counts := make(map[tandem.AgentState]int)
	for i := range s.Agents {
		counts[s.Agents[i].State]++
	}
	for state := tandem.AgentLoggedOut; state <= tandem.AgentUnavailable; state++ {
		gauge(agents, float64(counts[state]), state.String())
	}
}
