package media_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/tone"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

func fill(s media.Source, d time.Duration) []int16 {
	out := make([]int16, int(d*tone.Rate/time.Second))
	return out[:s.Fill(out)]
}

func TestTones_SoundAsTheCountryKnowsThem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		source      media.Source
		on          time.Duration
		frequencies []float64
	}{
		{"ring-back EU", media.RingBack("DE"), time.Second, []float64{425}},
		{"ring-back US", media.RingBack("us"), 2 * time.Second, []float64{440, 480}},
		{"ring-back GB", media.RingBack(media.UnitedKingdom), 400 * time.Millisecond, []float64{400, 450}},
		{"busy EU", media.Busy(media.Europe), 500 * time.Millisecond, []float64{425}},
		{"busy US", media.Busy("CA"), 500 * time.Millisecond, []float64{480, 620}},
		{"busy GB", media.Busy("IE"), 375 * time.Millisecond, []float64{400}},
		{"congestion EU", media.Congestion(""), 250 * time.Millisecond, []float64{425}},
		{"congestion US", media.Congestion(media.NorthAmerica), 250 * time.Millisecond, []float64{480, 620}},
		{"congestion GB", media.Congestion("UK"), 400 * time.Millisecond, []float64{400}},
	} {
		s := fill(tc.source, tc.on)
		for _, f := range tc.frequencies {
			require.InDelta(t, 1/float64(len(tc.frequencies)), tone.Detect(s, f), 0.1, "%s: %.0f Hz", tc.name, f)
		}
		require.Less(t, tone.RMS(fill(tc.source, 100*time.Millisecond)), 10.0, "%s rests", tc.name)
	}
}

func TestSources_AreHeard(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]media.Source{"music": media.Music(), "speech": media.Speech(3)} {
		require.Greater(t, tone.RMS(fill(s, 3*time.Second)), 500.0, name)
	}
	again := fill(media.Loop([]int16{1, 2}), 5*time.Second/tone.Rate)
	require.Equal(t, []int16{1, 2, 1, 2, 1}, again)
	require.Len(t, fill(media.Samples(make([]int16, 5)), time.Second), 5)
}

func TestFromReader_ReadsEveryEncoding(t *testing.T) {
	t.Parallel()
	want := fill(media.Sine(700, 0.4), 200*time.Millisecond)
	var pcm, ulaw, alaw bytes.Buffer
	for _, s := range want {
		require.NoError(t, binary.Write(&pcm, binary.LittleEndian, s))
		ulaw.WriteByte(tone.EncodeULaw(s))
		alaw.WriteByte(tone.EncodeALaw(s))
	}
	for enc, r := range map[media.Encoding]io.Reader{media.PCM16: &pcm, media.ULaw: &ulaw, media.ALaw: &alaw} {
		s, err := media.FromReader(r, enc)
		require.NoError(t, err)
		got := fill(s, time.Second)
		require.Len(t, got, len(want))
		require.Greater(t, tone.Detect(got, 700), 0.99)
	}
	broken := errors.New("disk")
	_, err := media.FromReader(iotest.ErrReader(broken), media.PCM16)
	require.ErrorIs(t, err, broken)
	_, err = media.FromReader(strings.NewReader("odd"), media.PCM16)
	require.Error(t, err)
	_, err = media.FromReader(strings.NewReader("x"), media.Encoding(9))
	require.Error(t, err)
	_, err = media.FromReader(io.LimitReader(zeros{}, 1<<40), media.ULaw)
	require.ErrorContains(t, err, "more than 10m")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestEventKind_SaysItsName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := media.EventUnset; k <= media.EventPlayed; k++ {
		require.NotContains(t, k.String(), "(")
		require.False(t, seen[k.String()])
		seen[k.String()] = true
	}
	require.Equal(t, "event(99)", media.EventKind(99).String())
}

// TestDigit_LossAndDisorder sends event packets one by one.
func TestDigit_LossAndDisorder(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	raw := rawPeer(t)
	e := k.openRTP(t, media.RTPConfig{Label: "caller"})
	require.Equal(t, "caller", e.Label())
	applyRaw(t, e, addrOf(raw))
	seq := uint16(0)
	send := func(ts uint32, event, flags byte, duration uint16) {
		t.Helper()
		seq++
		b := rtpPacket(101, seq, ts, 9, 0)[:16]
		b[12], b[13] = event, flags
		binary.BigEndian.PutUint16(b[14:], duration)
		_, err := raw.WriteToUDPAddrPort(b, e.Local().Addr)
		require.NoError(t, err)
	}
	send(1000, 1, 0, 160)
	send(1000, 1, 0, 320)
	send(2000, 2, 0, 160) // The end of the first was lost; a new one ends it.
	send(1000, 1, 0x80, 480)
	send(2000, 2, 0x80, 800)
	send(2000, 2, 0x80, 800)
	send(3000, 16, 0x80, 800) // A hook flash is no key.
	send(4000, 11, 0, 400)    // Every end of this one is lost.
	var got []media.Event
	require.Eventually(t, func() bool { got = k.of(e, media.EventDigit); return len(got) == 3 }, 3*time.Second, 5*time.Millisecond)
	for i, want := range []struct {
		digit rune
		held  time.Duration
	}{{'1', 40 * time.Millisecond}, {'2', 100 * time.Millisecond}, {'#', 50 * time.Millisecond}} {
		require.Equal(t, want.digit, got[i].Digit)
		require.Equal(t, want.held, got[i].Duration)
	}
	require.Equal(t, uint64(8), e.Stats().PacketsIn)
}

func TestPlay_NeedsG711(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	opus := sdp.Codec{Payload: 111, Name: "opus", Rate: 48000, Channels: 2}
	open := func() *media.End {
		e := k.openRTP(t, media.RTPConfig{Codecs: codecs(opus)})
		offer := sdp.Offer(sdp.Description{Addr: addrOf(rawPeer(t)), Codecs: codecs(opus)})
		answer, err := sdp.Answer(offer, e.Local())
		require.NoError(t, err)
		require.NoError(t, e.Apply(answer, offer))
		return e
	}
	require.ErrorIs(t, open().Play(media.Music()), media.ErrUnsupported)
	require.Error(t, open().Play(nil))
	p := phone(t, siptest.RTPConfig{})
	require.NoError(t, k.Join(open(), k.call(t, p)), "what cannot pass is dropped")
}

// TestJoin_OpaqueCodecPassesUntouched relays a codec that the plane does not know between two legs that number it differently.
func TestJoin_OpaqueCodecPassesUntouched(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	in, out := rawPeer(t), rawPeer(t)
	open := func(sock *net.UDPConn, pt uint8) *media.End {
		e := k.openRTP(t, media.RTPConfig{Codecs: codecs(sdp.Codec{Payload: pt, Name: "opus", Rate: 48000, Channels: 2})})
		offer := sdp.Offer(sdp.Description{Addr: addrOf(sock), Codecs: codecs(sdp.Codec{Payload: pt, Name: "OPUS", Rate: 48000, Channels: 2})})
		answer, err := sdp.Answer(offer, e.Local())
		require.NoError(t, err)
		require.NoError(t, e.Apply(answer, offer))
		return e
	}
	from, to := open(in, 111), open(out, 96)
	require.NoError(t, k.Join(from, to))
	_, err := in.WriteToUDPAddrPort(rtpPacket(111, 1, 960, 4, 0xee), from.Local().Addr)
	require.NoError(t, err)
	require.NoError(t, out.SetReadDeadline(time.Now().Add(3*time.Second)))
	buf := make([]byte, 400)
	n, _, err := out.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)
	require.Equal(t, byte(96), buf[1]&0x7f)
	require.Equal(t, bytes.Repeat([]byte{0xee}, 160), buf[12:n])
}
