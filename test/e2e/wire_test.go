package e2e_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// audible is the level from which a packet is sound to a person; the quietest bars of the music are five times as loud.
const audible = 40

// packet is a packet of sound as it passed.
type packet struct {
	at      time.Time
	payload string
	level   float64
}

// wire lies between a phone's sound and the server and keeps what passes, so that a test can say when each side heard what,
// byte for byte. It changes nothing.
type wire struct {
	inner, outer  *net.UDPConn // what the phone sends to, and what the server sends to
	phone, server netip.AddrPort

	mu          sync.Mutex
	said, heard []packet // by the phone
}

// newWire opens a wire for the phone at an address; connect must be called before anything passes to the server.
func newWire(t *testing.T, phone netip.AddrPort) *wire {
	t.Helper()
	open := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		return c
	}
	w := &wire{inner: open(), outer: open(), phone: phone}
	var passing sync.WaitGroup
	passing.Go(func() { w.pass(w.inner, w.outer, &w.said) })  // ends when the socket is closed
	passing.Go(func() { w.pass(w.outer, w.inner, &w.heard) }) // ends when the socket is closed
	t.Cleanup(func() {
		require.NoError(t, errors.Join(w.inner.Close(), w.outer.Close()))
		passing.Wait()
	})
	return w
}

// connect takes the phone's side and the server's, and returns the server's as the phone shall see it.
func (w *wire) connect(theirs sdp.Description) sdp.Description {
	w.mu.Lock()
	w.server = theirs.Addr
	w.mu.Unlock()
	theirs.Addr = addrOf(w.inner)
	return theirs
}

func addrOf(c *net.UDPConn) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(c.LocalAddr().(*net.UDPAddr).Port))
}

func (w *wire) pass(from, to *net.UDPConn, kept *[]packet) {
	buf := make([]byte, 2048)
	for {
		n, _, err := from.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		w.mu.Lock()
		dest := w.phone
		if from == w.inner {
			dest = w.server
		}
		if p, ok := soundOf(buf[:n]); ok {
			*kept = append(*kept, p)
		}
		w.mu.Unlock()
		if dest.IsValid() {
			_, _ = to.WriteToUDPAddrPort(buf[:n], dest) // lost like any datagram
		}
	}
}

// soundOf reads a packet of G.711 with its static payload number.
func soundOf(b []byte) (packet, bool) {
	var p rtp.Packet
	if len(b) < 12 || (b[1] >= 192 && b[1] <= 223) || p.Unmarshal(b) != nil || (p.PayloadType != 0 && p.PayloadType != 8) {
		return packet{}, false
	}
	samples := make([]int16, len(p.Payload))
	for i, v := range p.Payload {
		if p.PayloadType == 8 {
			samples[i] = tone.DecodeALaw(v)
		} else {
			samples[i] = tone.DecodeULaw(v)
		}
	}
	return packet{at: time.Now(), payload: string(p.Payload), level: tone.RMS(samples)}, true
}

// silence returns the longest time between from and to in which the phone heard nothing, not even faintly, and when it began.
func (w *wire) silence(from, to time.Time) (longest time.Duration, began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := from
	took := func(at time.Time) {
		if d := at.Sub(last); d > longest {
			longest, began = d, last
		}
		last = at
	}
	for _, p := range w.heard {
		if p.level >= audible && p.at.After(from) && p.at.Before(to) {
			took(p.at)
		}
	}
	took(to)
	return longest, began
}

// stall returns by how much the phone was late at most with a packet of its own, which it sends every 20 ms.
func (w *wire) stall(from, to time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest, last := time.Duration(0), time.Time{}
	for _, p := range w.said {
		if p.at.After(from) && p.at.Before(to) && !last.IsZero() {
			longest = max(longest, p.at.Sub(last)-20*time.Millisecond)
		}
		last = p.at
	}
	return longest
}

// passed returns how many payloads in a row that other's phone said came to this one's.
func (w *wire) passed(other *wire) int {
	return inARow(other.payloads(&other.said), w.payloads(&w.heard))
}

// payloads returns a copy of what the phone said or heard.
func (w *wire) payloads(kept *[]packet) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]string, 0, len(*kept))
	for _, p := range *kept {
		all = append(all, p.payload)
	}
	return all
}

// inARow returns the length of the longest piece of said that is in heard unchanged, in order and one after the other.
func inARow(said, heard []string) int {
	best := 0
	for start := range heard {
		for offset := range said {
			n := 0
			for start+n < len(heard) && offset+n < len(said) && heard[start+n] == said[offset+n] {
				n++
			}
			best = max(best, n)
		}
	}
	return best
}

// noise is a source of noise; two with the same seed are the same.
func noise(seed uint64) media.Source { return hiss{rand.New(rand.NewPCG(seed, seed))} }

type hiss struct{ *rand.Rand }

func (h hiss) Fill(frame []int16) int {
	for i := range frame {
		frame[i] = int16(h.IntN(8000) - 4000)
	}
	return len(frame)
}
