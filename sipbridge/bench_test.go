package sipbridge_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// bareSocket is a telephone that is only a socket: it sends and receives RTP packets as fast as it is told to.
type bareSocket struct {
	conn *net.UDPConn
	to   netip.AddrPort
	seq  uint16
}

func newBareSocket(tb testing.TB) *bareSocket {
	tb.Helper()
	conn, ok := loopbackUDP(tb).(*net.UDPConn)
	require.True(tb, ok)
	tb.Cleanup(func() { _ = conn.Close() })
	return &bareSocket{conn: conn}
}

func (s *bareSocket) Local() sdp.Description {
	return sdp.Description{
		Addr: netip.MustParseAddrPort(s.conn.LocalAddr().String()), Codecs: sdp.DefaultCodecs(), Direction: sdp.SendRecv,
	}
}

func (s *bareSocket) Connect(_, theirs sdp.Description) error {
	s.to = theirs.Addr
	return nil
}

// send sends 20 ms of sound that begins with a mark and the time.
func (s *bareSocket) send(tb testing.TB, mark byte) {
	tb.Helper()
	var b [172]byte
	s.seq++
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], s.seq)
	binary.BigEndian.PutUint32(b[4:], uint32(s.seq)*160)
	binary.BigEndian.PutUint32(b[8:], 0xabcd)
	b[12] = mark
	binary.BigEndian.PutUint64(b[13:], uint64(time.Now().UnixNano()))
	_, err := s.conn.WriteToUDPAddrPort(b[:], s.to)
	require.NoError(tb, err)
}

// receive waits for a packet with the mark and returns how long it was on its way.
func (s *bareSocket) receive(tb testing.TB, mark byte) time.Duration {
	tb.Helper()
	require.NoError(tb, s.conn.SetReadDeadline(time.Now().Add(step)))
	var b [2048]byte
	for {
		n, err := s.conn.Read(b[:])
		require.NoError(tb, err)
		if n == 172 && b[12] == mark {
			return time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(b[13:])))
		}
	}
}

// report prints the median and the 99th percentile of what was measured, in microseconds.
func report(b *testing.B, all []time.Duration, name string) {
	b.Helper()
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), name+"-p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), name+"-p99-µs")
}

// BenchmarkBridge_CallSetUp measures from a caller's INVITE to the caller's knowing the answer, with an engine that answers at
// once, and the whole call up to the end of its hang-up as the operation.
func BenchmarkBridge_CallSetUp(b *testing.B) {
	o := newOffice(b, nil)
	o.carrier.raw.Store(true)
	var all []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		leg, p := o.callIn("+15550100")
		o.answer(leg, p)
		all = append(all, time.Since(began))
		o.must(o.bridge.Hangup(b.Context(), leg, tandem.CauseNormal), "hang up")
		o.ended(leg)
		o.must(p.Wait(b.Context(), tandem.LegStateEnded), "the caller sees the end")
	}
	report(b, all, "setup")
}

// BenchmarkBridge_PostAnswerDelay measures from the agent's lifting the receiver to the caller's hearing the agent's first packet,
// with an engine that bridges as soon as it learns of the answer.
func BenchmarkBridge_PostAnswerDelay(b *testing.B) {
	o := newOffice(b, nil)
	o.carrier.raw.Store(true)
	d := o.desk("ana")
	d.raw.Store(true)
	var all []time.Duration
	for b.Loop() {
		leg, p := o.callIn("+15550100")
		o.answer(leg, p)
		agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
		far, err := d.station.ringing(b.Context(), "")
		o.must(err, "the desk phone rings")
		began := time.Now()
		o.must(far.Answer(b.Context()), "answer")
		next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
		o.join(leg, agentLeg)
		far.bare(b).send(b, 1)
		p.bare(b).receive(b, 1)
		all = append(all, time.Since(began))
		for _, l := range []tandem.LegID{leg, agentLeg} {
			o.must(o.bridge.Hangup(b.Context(), l, tandem.CauseNormal), "hang up")
			o.ended(l)
		}
	}
	report(b, all, "post-answer")
}

// BenchmarkBridge_MouthToEar measures what the bridge adds to the way of a packet from a caller to an agent, both on plain RTP,
// beside the way of the same packet from socket to socket without us.
func BenchmarkBridge_MouthToEar(b *testing.B) {
	o := newOffice(b, nil)
	o.carrier.raw.Store(true)
	d := o.desk("ana")
	d.raw.Store(true)
	leg, p := o.callIn("+15550100")
	o.answer(leg, p)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := d.station.ringing(b.Context(), "")
	o.must(err, "the desk phone rings")
	o.must(far.Answer(b.Context()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	from, to := p.bare(b), far.bare(b)
	for range 50 { // The agent's end learns its peer, and ring-back gives way.
		from.send(b, 1)
		to.receive(b, 1)
	}
	direct, aside := newBareSocket(b), newBareSocket(b)
	direct.to = netip.MustParseAddrPort(aside.conn.LocalAddr().String())
	var all, none []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		from.send(b, 2)
		all = append(all, to.receive(b, 2))
		direct.send(b, 2)
		none = append(none, aside.receive(b, 2))
	}
	report(b, all, "bridged")
	report(b, none, "direct")
}

// BenchmarkBridge_MouthToEarInBrowser measures the way of a packet from a caller on plain RTP to an agent's page: our DTLS-SRTP, and
// within the figure also the page's own, which is pion's here.
func BenchmarkBridge_MouthToEarInBrowser(b *testing.B) {
	o := newOffice(b, nil)
	o.carrier.raw.Store(true)
	page := o.page("ana")
	leg, p := o.callIn("+15550100")
	o.answer(leg, p)
	agentLeg := o.dial(tandem.Dial{To: tandem.Endpoint{Agent: "ana"}, With: leg})
	far, err := page.ringing(b.Context())
	o.must(err, "the page rings")
	o.must(far.Answer(b.Context()), "answer")
	next(o, func(e tandem.LegAnswered) bool { return e.Leg == agentLeg })
	o.join(leg, agentLeg)
	w, ok := far.(*webParty)
	require.True(b, ok)
	arrivals := make(chan time.Duration, 1000)
	w.timed.Store(&arrivals)
	from := p.bare(b)
	// The page's receiver needs some packets before it begins to hand them on.
	for len(arrivals) < 20 {
		from.send(b, 3)
		time.Sleep(5 * time.Millisecond) // Paced sound, not a wait for something to happen.
	}
	for len(arrivals) > 0 {
		<-arrivals
	}
	var all []time.Duration
	for b.Loop() {
		from.send(b, 3)
		select {
		case d := <-arrivals:
			all = append(all, d)
		case <-b.Context().Done():
		}
	}
	report(b, all, "bridged")
}

// bare returns the socket of a telephone that is nothing more.
func (p *party) bare(tb testing.TB) *bareSocket {
	tb.Helper()
	s, ok := p.sound.(*bareSocket)
	require.True(tb, ok)
	return s
}
