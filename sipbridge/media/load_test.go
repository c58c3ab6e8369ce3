package media_test

import (
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
)

// loadCalls is the size of the benchmark below: bridged calls of a browser and a plain leg.
const loadCalls = 100

// BenchmarkLoadedDelay runs 100 bridged browser calls in real time, 10,000 packets a second through the plane, and
// reports the delay from sending to hearing, what was lost, and the processor time per packet of everything together:
// the plane, both peers and their encryption. One iteration is 20 ms.
func BenchmarkLoadedDelay(b *testing.B) {
	k := newKit(b, media.Config{})
	l := &load{begin: time.Now()}
	for range loadCalls {
		web, plain := k.webLeg(b), k.plainLeg(b)
		require.NoError(b, k.Join(web.end, plain.end))
		l.senders = append(l.senders, l.sender(b, web, k.WebAddr()), l.sender(b, plain, plain.end.Local().Addr))
		l.listen(web)
		l.listen(plain)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	cpu := processorTime(b)
	for b.Loop() {
		<-ticker.C
		for i, send := range l.senders {
			send()
			if i%20 == 19 {
				time.Sleep(time.Millisecond) // Real calls do not all send at once.
			}
		}
	}
	sent := l.sent
	require.Eventually(b, func() bool { return l.count() == sent }, 2*time.Second, time.Millisecond, "no packet may be lost")
	used := processorTime(b) - cpu
	for _, c := range l.socks {
		require.NoError(b, c.Close())
	}
	l.wg.Wait()
	slices.Sort(l.delays)
	at := func(q float64) float64 {
		return float64(l.delays[int(q*float64(len(l.delays)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(used.Nanoseconds())/float64(sent), "cpu-ns/packet")
	b.ReportMetric(0, "lost")
}

// load is what the peers of the benchmark share.
type load struct {
	begin   time.Time
	senders []func()
	sent    int
	socks   []*net.UDPConn
	wg      sync.WaitGroup

	mu     sync.Mutex
	delays []time.Duration
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.delays)
}

// sender returns what sends a leg's next packet; the packet carries its time.
func (l *load) sender(tb testing.TB, from leg, to interface{ String() string }) func() {
	tb.Helper()
	addr, err := net.ResolveUDPAddr("udp4", to.String())
	require.NoError(tb, err)
	at := addr.AddrPort()
	seq := uint16(0)
	var h rtp.Header
	sealed := make([]byte, 0, 400)
	return func() {
		seq++
		b := rtpPacket(0, seq, uint32(seq)*160, uint32(addrOf(from.sock).Port()), 0)
		binary.BigEndian.PutUint64(b[12:], uint64(time.Since(l.begin)))
		if from.enc != nil {
			if b, err = from.enc.EncryptRTP(sealed[:0], b, &h); err != nil {
				tb.Error(err)
				return
			}
		}
		if _, err := from.sock.WriteToUDPAddrPort(b, at); err != nil {
			tb.Error(err)
			return
		}
		l.sent++
	}
}

// listen hears a leg's packets until its socket is closed.
func (l *load) listen(to leg) {
	l.socks = append(l.socks, to.sock)
	l.wg.Go(func() {
		buf, plain := make([]byte, 400), make([]byte, 0, 400)
		var h rtp.Header
		for {
			n, _, err := to.sock.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			now := time.Since(l.begin)
			b := buf[:n]
			if to.dec != nil {
				if buf[1] >= 192 && buf[1] <= 223 {
					continue
				}
				if b, err = to.dec.DecryptRTP(plain[:0], b, &h); err != nil {
					continue
				}
			}
			l.mu.Lock()
			l.delays = append(l.delays, now-time.Duration(binary.BigEndian.Uint64(b[12:])))
			l.mu.Unlock()
		}
	})
}
