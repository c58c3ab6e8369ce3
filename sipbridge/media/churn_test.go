package media_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest/webphone"
)

// TestPlane_Churn lets several workers do anything to a few shared ends at once, while packets of every kind arrive. It
// holds that nothing blocks, races or leaks, and that the plane still works afterwards.
func TestPlane_Churn(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{MaxEnds: 64})
	raw := rawPeer(t)
	c := &churn{kit: k, tb: t, peer: sdp.Offer(sdp.Description{Addr: addrOf(raw)})}
	until := time.Now().Add(1500 * time.Millisecond)
	var work sync.WaitGroup
	for seed := range uint64(6) {
		work.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 1))
			for time.Now().Before(until) {
				c.step(rng)
			}
		})
	}
	work.Go(func() {
		for seq := uint16(0); time.Now().Before(until); seq++ {
			for _, e := range c.list() {
				for _, b := range [][]byte{rtpPacket(uint8(seq%3)*8, seq, uint32(seq)*160, 1, 1), rtpPacket(101, seq, 1, 1, 0), {0x80, 201}} {
					_, _ = raw.WriteToUDPAddrPort(b, e.Local().Addr)
				}
			}
		}
	})
	work.Wait()
	for _, e := range c.list() {
		e.Close()
	}
	require.Zero(t, k.Stats().Ends)
	e := k.webCall(t, browser(t, webphone.Config{}))
	k.eventually(t, e, media.EventSecured, 1)
}

type churn struct {
	*kit
	tb   testing.TB
	peer sdp.Description

	mu   sync.Mutex
	ends []*media.End
}

func (c *churn) list() []*media.End {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*media.End(nil), c.ends...)
}

func (c *churn) pick(rng *rand.Rand) *media.End {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ends) == 0 {
		return nil
	}
	return c.ends[rng.IntN(len(c.ends))]
}

func (c *churn) step(rng *rand.Rand) {
	a, b := c.pick(rng), c.pick(rng)
	if a == nil || rng.IntN(8) == 0 {
		c.open(rng)
		return
	}
	var err error
	switch rng.IntN(9) {
	case 0:
		offer := c.peer.WithDirection(sdp.Direction(rng.IntN(5)))
		var answer sdp.Description
		if answer, err = sdp.Answer(offer, a.Local()); err == nil {
			err = a.Apply(answer, offer)
		}
	case 1:
		if a != b {
			err = c.Join(a, b)
		}
	case 2:
		c.Part(a, b)
	case 3:
		err = a.Play(media.Sine(500, 0.1))
	case 4:
		err = a.Play(media.Samples(make([]int16, rng.IntN(1000))))
	case 5:
		a.StopPlay()
	case 6:
		err = a.SendDigit('1', 40*time.Millisecond)
	case 7:
		a.RestartICE()
		a.Stats()
	case 8:
		if rng.IntN(3) == 0 {
			c.mu.Lock()
			for i, e := range c.ends {
				if e == a {
					c.ends = append(c.ends[:i:i], c.ends[i+1:]...)
					break
				}
			}
			c.mu.Unlock()
			a.Close()
		}
	}
	c.allowed(err)
}

func (c *churn) open(rng *rand.Rand) {
	var e *media.End
	var err error
	if rng.IntN(3) == 0 {
		e, err = c.OpenWeb(c.tb.Context(), media.WebConfig{})
	} else {
		e, err = c.OpenRTP(c.tb.Context(), media.RTPConfig{})
	}
	c.allowed(err)
	if err == nil {
		c.mu.Lock()
		c.ends = append(c.ends, e)
		c.mu.Unlock()
	}
}

// allowed fails the test on an error that no sequence of steps explains.
func (c *churn) allowed(err error) {
	for _, ok := range []error{
		nil, media.ErrClosed, media.ErrLimit, media.ErrJoined, media.ErrNotApplied, media.ErrUnsupported, media.ErrBusy, sdp.ErrNotSecure,
	} {
		if errors.Is(err, ok) {
			return
		}
	}
	c.tb.Errorf("unexpected error: %v", err)
}
