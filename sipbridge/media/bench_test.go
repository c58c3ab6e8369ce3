package media_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// leg is one side of a bench: an end and the bare socket of its peer.
type leg struct {
	end      *media.End
	sock     *net.UDPConn
	at       netip.AddrPort
	enc, dec *srtp.Context // the peer's; nil on plain RTP
}

func (k *kit) plainLeg(tb testing.TB) leg {
	tb.Helper()
	l := leg{end: k.openRTP(tb, media.RTPConfig{}), sock: rawPeer(tb)}
	l.at = addrOf(l.sock)
	applyRaw(tb, l.end, l.at)
	return l
}

const gcm = srtp.ProtectionProfileAeadAes128Gcm

func (k *kit) webLeg(tb testing.TB) leg {
	tb.Helper()
	e, err := k.OpenWeb(tb.Context(), media.WebConfig{})
	require.NoError(tb, err)
	l := leg{end: e, sock: rawPeer(tb)}
	l.at = addrOf(l.sock)
	offer := sdp.Offer(sdp.Description{Addr: l.at, Web: &sdp.Web{Ufrag: "peer", Pwd: "peerpeerpeerpeerpeerpeer", Fingerprint: "sha-256 00"}})
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(tb, err)
	require.NoError(tb, e.Apply(answer, offer))
	ctx := func(fill byte) *srtp.Context {
		c, err := srtp.CreateContext(slices.Repeat([]byte{fill}, 16), slices.Repeat([]byte{fill}, 12), gcm)
		require.NoError(tb, err)
		return c
	}
	e.Crypt(ctx(1), ctx(2), l.at)
	l.enc, l.dec = ctx(1), ctx(2)
	return l
}

// direction returns a function that relays the next packet from one leg to the other, without the reading socket.
func (k *kit) direction(tb testing.TB, from, to leg) func() {
	tb.Helper()
	require.NoError(tb, k.Join(from.end, to.end))
	packet := rtpPacket(0, 0, 0, 77, 0x55)
	work := make([]byte, len(packet), 400)
	sealed := make([]byte, 0, 400)
	var header rtp.Header
	seq := uint16(0)
	feedWeb := k.FeedWeb()
	return func() {
		seq++
		copy(work[:len(packet)], packet)
		binary.BigEndian.PutUint16(work[2:], seq)
		binary.BigEndian.PutUint32(work[4:], uint32(seq)*160)
		if from.enc == nil {
			from.end.Feed(work, from.at)
			return
		}
		out, err := from.enc.EncryptRTP(sealed[:0], work, &header)
		if err != nil {
			tb.Fatal(err)
		}
		feedWeb(out, from.at)
	}
}

// relayed is one direction of a bench.
type relayed struct {
	step func()
	to   *media.End
}

func directions(tb testing.TB, k *kit) map[string]relayed {
	tb.Helper()
	pair := func(from, to leg) relayed { return relayed{k.direction(tb, from, to), to.end} }
	return map[string]relayed{
		"RTP-RTP":   pair(k.plainLeg(tb), k.plainLeg(tb)),
		"RTP-SRTP":  pair(k.plainLeg(tb), k.webLeg(tb)),
		"SRTP-RTP":  pair(k.webLeg(tb), k.plainLeg(tb)),
		"SRTP-SRTP": pair(k.webLeg(tb), k.webLeg(tb)),
	}
}

// TestRelay_AllocatesNothing is not parallel: AllocsPerRun counts what the whole process allocates.
func TestRelay_AllocatesNothing(t *testing.T) { //nolint:paralleltest // See above.
	k := newKit(t, media.Config{})
	for name, d := range directions(t, k) {
		d.step()
		before := d.to.Stats().PacketsOut
		require.Zero(t, testing.AllocsPerRun(2000, d.step), "%s: allocations per packet", name)
		require.Equal(t, before+2001, d.to.Stats().PacketsOut, "%s: and each was sent", name)
	}
}

func BenchmarkRelay(b *testing.B) {
	k := newKit(b, media.Config{})
	for name, d := range directions(b, k) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.step()
			}
		})
	}
}

// BenchmarkRelayWithoutSending is the share of the packet path that is ours: all but the system call that sends.
func BenchmarkRelayWithoutSending(b *testing.B) {
	k := newKit(b, media.Config{})
	from, to := k.plainLeg(b), k.plainLeg(b)
	step := k.direction(b, from, to)
	held := sdp.Offer(sdp.Description{Addr: to.at}).WithDirection(sdp.SendOnly)
	answer, err := sdp.Answer(held, to.end.Local())
	require.NoError(b, err)
	require.NoError(b, to.end.Apply(answer, held))
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

// BenchmarkBridgeDelay sends packets through sockets and the relay, one at a time as a call does, and reports the time from
// sending to hearing. On a loaded machine it measures the load.
func BenchmarkBridgeDelay(b *testing.B) {
	k := newKit(b, media.Config{})
	for name, legs := range map[string][2]leg{
		"RTP-RTP":  {k.plainLeg(b), k.plainLeg(b)},
		"RTP-SRTP": {k.plainLeg(b), k.webLeg(b)},
		"SRTP-RTP": {k.webLeg(b), k.plainLeg(b)},
	} {
		from, to := legs[0], legs[1]
		require.NoError(b, k.Join(from.end, to.end))
		seq := uint16(0)
		buf := make([]byte, 400)
		b.Run(name, func(b *testing.B) {
			var delays []time.Duration
			for b.Loop() {
				seq++
				packet := rtpPacket(0, seq, uint32(seq)*160, 5, 1)
				if from.enc != nil {
					var err error
					packet, err = from.enc.EncryptRTP(nil, packet, nil)
					require.NoError(b, err)
				}
				begin := time.Now()
				_, err := from.sock.WriteToUDPAddrPort(packet, from.end.Local().Addr)
				require.NoError(b, err)
				require.NoError(b, to.sock.SetReadDeadline(begin.Add(time.Second)))
				_, _, err = to.sock.ReadFromUDPAddrPort(buf)
				require.NoError(b, err)
				delays = append(delays, time.Since(begin))
			}
			slices.Sort(delays)
			at := func(q float64) float64 {
				return float64(delays[int(q*float64(len(delays)-1))].Microseconds()) / 1000
			}
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.99), "p99-ms")
		})
	}
}

// BenchmarkSetUp is a call's share of the plane: two plain ends opened, applied, joined and closed.
func BenchmarkSetUp(b *testing.B) {
	k := newKit(b, media.Config{})
	peer := addrOf(rawPeer(b))
	b.ReportAllocs()
	for b.Loop() {
		x, y := k.openRTP(b, media.RTPConfig{}), k.openRTP(b, media.RTPConfig{})
		applyRaw(b, x, peer)
		applyRaw(b, y, peer)
		if err := k.Join(x, y); err != nil {
			b.Fatal(err)
		}
		x.Close()
		y.Close()
	}
}

// FuzzDemux holds that nothing that comes to the browsers' port can harm the plane.
func FuzzDemux(f *testing.F) {
	k := newKit(f, media.Config{})
	w := k.webLeg(f)
	p := k.plainLeg(f)
	require.NoError(f, k.Join(w.end, p.end))
	feed := k.FeedWeb()
	good, err := w.enc.EncryptRTP(nil, rtpPacket(0, 1, 1, 1, 1), nil)
	require.NoError(f, err)
	f.Add(good)
	f.Add(rtpPacket(101, 1, 1, 1, 0))
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
	f.Add([]byte{0x80, 200, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		in := w.end.Stats().PacketsIn
		feed(slices.Clone(b), w.at)
		feed(slices.Clone(b), p.at)
		p.end.Feed(slices.Clone(b), p.at)
		if got := w.end.Stats().PacketsIn; got != in && !slices.Equal(b, good) {
			t.Fatalf("packet %x passed without authentication", b)
		}
	})
}
