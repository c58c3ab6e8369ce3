package media_test

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJoin_ToneBothWays(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	a, b := phone(t, siptest.RTPConfig{}), phone(t, siptest.RTPConfig{})
	ea, eb := k.call(t, a), k.call(t, b)
	require.NoError(t, k.Join(ea, eb))
	a.Speak(media.Sine(700, 0.3))
	b.Speak(media.Sine(1300, 0.3))
	ctx := within(t, 5*time.Second)
	require.NoError(t, a.WaitTone(ctx, 1300))
	require.NoError(t, b.WaitTone(ctx, 700))
	require.Len(t, k.eventually(t, ea, media.EventUp, 1), 1)
	s := ea.Stats()
	require.NotZero(t, s.PacketsIn)
	require.NotZero(t, s.PacketsOut)
	require.Equal(t, s.PacketsIn*160, s.OctetsIn)
	require.Zero(t, s.Lost)
	require.Zero(t, s.Dropped)
	require.Equal(t, "PCMU", s.Codec)
	require.WithinDuration(t, time.Now(), s.LastIn, time.Second)

	k.Part(ea, eb)
	// What was on its way may still come.
	require.Eventually(t, func() bool {
		before := b.Stats().Heard
		<-time.After(100 * time.Millisecond)
		return b.Stats().Heard == before
	}, 3*time.Second, time.Millisecond, "apart, nothing passes")
}

func TestJoin_TranslatesOnlyWhenTheLegsDisagree(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	u := phone(t, siptest.RTPConfig{Codecs: codecs(sdp.PCMU(), sdp.TelephoneEvent(101))})
	a := phone(t, siptest.RTPConfig{Codecs: codecs(sdp.PCMA(), sdp.TelephoneEvent(97))})
	eu, ea := k.call(t, u), k.call(t, a)
	require.NoError(t, k.Join(eu, ea))
	u.Speak(media.Sine(500, 0.3))
	a.Speak(media.Sine(900, 0.3))
	ctx := within(t, 5*time.Second)
	require.NoError(t, u.WaitTone(ctx, 900))
	require.NoError(t, a.WaitTone(ctx, 500))
	require.Equal(t, uint8(0), u.Stats().Payload)
	require.Equal(t, uint8(8), a.Stats().Payload)

	require.NoError(t, u.Press("12#"))
	require.NoError(t, a.WaitDigits(ctx, "12#"))
	require.NoError(t, a.Press("*0D"))
	require.NoError(t, u.WaitDigits(ctx, "*0D"))
	var got []rune
	for _, ev := range k.eventually(t, eu, media.EventDigit, 3) {
		got = append(got, ev.Digit)
		require.Equal(t, 100*time.Millisecond, ev.Duration)
	}
	require.Equal(t, "12#", string(got), "each key is reported once")
}

func TestRelay_PayloadPassesByteForByteAndTheStreamGoesOn(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	in, out := rawPeer(t), rawPeer(t)
	ein, eout := k.openRTP(t, media.RTPConfig{}), k.openRTP(t, media.RTPConfig{})
	applyRaw(t, ein, addrOf(in))
	applyRaw(t, eout, addrOf(out))
	require.NoError(t, k.Join(ein, eout))
	var last []byte
	buf := make([]byte, 2000)
	send := func(b []byte) []byte {
		t.Helper()
		_, err := in.WriteToUDPAddrPort(b, ein.Local().Addr)
		require.NoError(t, err)
		require.NoError(t, out.SetReadDeadline(time.Now().Add(3*time.Second)))
		n, _, err := out.ReadFromUDPAddrPort(buf)
		require.NoError(t, err)
		last = bytes.Clone(buf[:n])
		return last
	}
	seqOf := func(b []byte) uint16 { return uint16(b[2])<<8 | uint16(b[3]) }
	tsOf := func(b []byte) uint32 { return uint32(b[4])<<24 | uint32(b[5])<<16 | uint32(b[6])<<8 | uint32(b[7]) }

	first := send(rtpPacket(0, 65534, 4294967000, 1, 0xa1))
	require.Equal(t, byte(0x80), first[1]&0x80, "a new source begins with the marker")
	require.Equal(t, bytes.Repeat([]byte{0xa1}, 160), first[12:])
	second := send(rtpPacket(0, 65535, 4294967160, 1, 0xa2))
	require.Equal(t, seqOf(first)+1, seqOf(second))
	require.Equal(t, tsOf(first)+160, tsOf(second))
	require.Zero(t, second[1]&0x80)
	third := send(rtpPacket(0, 1, 184, 1, 0xa3)) // One was lost, and both counters wrapped.
	require.Equal(t, seqOf(first)+3, seqOf(third), "a gap stays a gap")
	require.Equal(t, first[8:12], third[8:12], "one SSRC")
	late := send(rtpPacket(0, 0, 24, 1, 0xa4))
	require.Equal(t, seqOf(first)+2, seqOf(late), "a late packet takes its place")

	_, err := in.WriteToUDPAddrPort(rtpPacket(0, 0, 24, 1, 0xa5), ein.Local().Addr) // A duplicate passes nowhere.
	require.NoError(t, err)
	other := send(rtpPacket(0, 30000, 7, 2, 0xa6)) // The phone changes its stream.
	require.Equal(t, seqOf(third)+1, seqOf(other), "another source goes on in the same stream")
	require.Equal(t, first[8:12], other[8:12])
	require.Equal(t, byte(0x80), other[1]&0x80)
	require.Equal(t, byte(0xa6), other[12], "and the duplicate never came")
	require.Zero(t, ein.Stats().Lost-0)
}

// applyRaw gives an end an offer from a bare socket.
func applyRaw(tb testing.TB, e *media.End, at netip.AddrPort) {
	tb.Helper()
	offer := sdp.Offer(sdp.Description{Addr: at})
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(tb, err)
	require.NoError(tb, e.Apply(answer, offer))
}

func TestPlay_IsHeardAndEndsWithTheOtherSide(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	caller, agent := phone(t, siptest.RTPConfig{}), phone(t, siptest.RTPConfig{})
	ec := k.openRTP(t, media.RTPConfig{})
	require.NoError(t, ec.Play(media.RingBack(media.Europe)), "before Apply it waits")
	k.reoffer(t, caller, ec, sdp.SendRecv)
	ctx := within(t, 10*time.Second)
	require.NoError(t, caller.WaitTone(ctx, 425))

	require.NoError(t, ec.Play(media.Sine(1200, 0.2)))
	require.NoError(t, caller.WaitTone(ctx, 1200))
	ea := k.call(t, agent)
	agent.Speak(media.Sine(600, 0.3))
	require.NoError(t, k.Join(ec, ea))
	require.NoError(t, caller.WaitTone(ctx, 600))
	require.ErrorIs(t, ec.Play(media.Music()), media.ErrJoined)

	k.Part(ec, ea)
	require.NoError(t, ec.Play(media.Sine(2000, 0.2)))
	require.NoError(t, caller.WaitTone(ctx, 2000))
	st := caller.Stats()
	require.Equal(t, uint64(1), st.Sources, "one SSRC through ring-back, tone, agent and tone again")
	require.Zero(t, st.Gaps, "and no number missing")
	ec.StopPlay()
}

func TestPlay_GoesOnUntilTheOtherSideSpeaks(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	caller, agent := phone(t, siptest.RTPConfig{}), phone(t, siptest.RTPConfig{})
	agent.Mute()
	ec, ea := k.call(t, caller), k.call(t, agent)
	require.NoError(t, ec.Play(media.Sine(1200, 0.2)))
	require.NoError(t, caller.WaitTone(within(t, 5*time.Second), 1200))
	require.NoError(t, k.Join(ec, ea))
	before := caller.Stats().Heard
	require.Eventually(t, func() bool { return caller.Stats().Heard >= before+20 }, 3*time.Second, 5*time.Millisecond,
		"a mute agent does not cut the ring-back off at once")
	require.Eventually(t, func() bool {
		n := caller.Stats().Heard
		<-time.After(150 * time.Millisecond)
		return caller.Stats().Heard == n
	}, 4*time.Second, time.Millisecond, "but it ends")
	require.Empty(t, k.of(ec, media.EventPlayed))
}

func TestPlay_ReportsItsOwnEnd(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	p := phone(t, siptest.RTPConfig{})
	e := k.call(t, p)
	require.NoError(t, e.Play(media.Samples(make([]int16, 1000))))
	k.eventually(t, e, media.EventPlayed, 1)
	require.Eventually(t, func() bool { return p.Stats().Heard == 7 }, time.Second, 5*time.Millisecond, "1,000 samples are 7 packets")
}

func TestSendDigit_ArrivesOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	p := phone(t, siptest.RTPConfig{})
	e := k.openRTP(t, media.RTPConfig{})
	require.ErrorIs(t, e.SendDigit('1', 0), media.ErrNotApplied)
	k.reoffer(t, p, e, sdp.SendRecv)
	require.NoError(t, e.Play(media.Sine(800, 0.3)))
	for _, d := range "19*#A" {
		require.NoError(t, e.SendDigit(d, 60*time.Millisecond))
	}
	require.Error(t, e.SendDigit('x', 0))
	require.Error(t, e.SendDigit('1', time.Minute))
	ctx := within(t, 6*time.Second)
	require.NoError(t, p.WaitDigits(ctx, "19*#A"))
	require.NoError(t, p.WaitTone(ctx, 800), "sound goes on after the keys")
	require.Equal(t, uint64(1), p.Stats().Sources)
	require.Zero(t, p.Stats().Gaps)

	for range 64 {
		require.NoError(t, e.SendDigit('5', 0))
	}
	require.ErrorIs(t, e.SendDigit('5', 0), media.ErrBusy)

	mute := phone(t, siptest.RTPConfig{Codecs: codecs(sdp.PCMA())})
	require.ErrorIs(t, k.call(t, mute).SendDigit('1', 0), media.ErrUnsupported)
}

func TestApply_HoldAndResume(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	a, b := phone(t, siptest.RTPConfig{}), phone(t, siptest.RTPConfig{})
	ea, eb := k.call(t, a), k.call(t, b)
	require.NoError(t, k.Join(ea, eb))
	a.Speak(media.Sine(700, 0.3))
	b.Speak(media.Sine(1300, 0.3))
	ctx := within(t, 15*time.Second)
	require.NoError(t, a.WaitTone(ctx, 1300))

	k.reoffer(t, a, ea, sdp.SendOnly) // a holds: it sends, and hears nothing.
	a.Reset()
	b.Reset()
	require.NoError(t, b.WaitTone(ctx, 700))
	require.LessOrEqual(t, a.Stats().Heard, uint64(2), "a packet may have been on its way")

	k.reoffer(t, a, ea, sdp.Inactive)
	b.Reset()
	<-time.After(200 * time.Millisecond)
	require.LessOrEqual(t, b.Stats().Heard, uint64(2))

	k.reoffer(t, a, ea, sdp.SendRecv)
	require.NoError(t, a.WaitTone(ctx, 1300))
	require.NoError(t, b.WaitTone(ctx, 700))
	require.Zero(t, b.Stats().Gaps)
}

func TestApply_NewAddressAndCodec(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	a, b := phone(t, siptest.RTPConfig{}), phone(t, siptest.RTPConfig{})
	ea, eb := k.call(t, a), k.call(t, b)
	require.NoError(t, k.Join(ea, eb))
	b.Speak(media.Sine(1300, 0.3))
	ctx := within(t, 10*time.Second)
	require.NoError(t, a.WaitTone(ctx, 1300))
	moved := phone(t, siptest.RTPConfig{Codecs: codecs(sdp.PCMA())})
	k.reoffer(t, moved, ea, sdp.SendRecv)
	require.NoError(t, moved.WaitTone(ctx, 1300))
	moved.Speak(media.Sine(400, 0.3))
	require.NoError(t, b.WaitTone(ctx, 400))

	bad := sdp.Offer(sdp.Description{Addr: addrOf(rawPeer(t)), Codecs: codecs(sdp.Codec{Payload: 18, Name: "G729", Rate: 8000})})
	require.ErrorIs(t, ea.Apply(ea.Local(), bad), sdp.ErrNoCommonCodec)
	moved.Reset()
	require.NoError(t, moved.WaitTone(ctx, 1300), "a refused round changes nothing")
}

func TestClose_InAnyState(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{MaxEnds: 8})
	fresh := k.openRTP(t, media.RTPConfig{})
	fresh.Close()
	fresh.Close()
	require.ErrorIs(t, fresh.Apply(fresh.Local(), fresh.Local()), media.ErrClosed)
	require.ErrorIs(t, fresh.Play(media.Music()), media.ErrClosed)
	require.ErrorIs(t, fresh.SendDigit('1', 0), media.ErrClosed)

	a, b := phone(t, siptest.RTPConfig{}), phone(t, siptest.RTPConfig{})
	ea, eb := k.call(t, a), k.call(t, b)
	require.NoError(t, k.Join(ea, eb))
	require.ErrorIs(t, k.Join(ea, k.call(t, phone(t, siptest.RTPConfig{}))), media.ErrJoined)
	a.Speak(media.Sine(700, 0.3))
	require.NoError(t, b.WaitTone(within(t, 5*time.Second), 700))
	ea.Close()
	require.ErrorIs(t, k.Join(ea, eb), media.ErrClosed)
	require.NoError(t, eb.Play(media.Sine(300, 0.3)), "the other end is free again")
	require.NoError(t, b.WaitTone(within(t, 5*time.Second), 300))

	var open []*media.End
	for {
		e, err := k.OpenWeb(t.Context(), media.WebConfig{})
		if err != nil {
			require.ErrorIs(t, err, media.ErrLimit)
			break
		}
		open = append(open, e)
	}
	require.Len(t, open, 6)
	open[0].Close()
	require.Equal(t, 7, k.Stats().Ends)
	k.Close()
	_, err := k.OpenRTP(t.Context(), media.RTPConfig{})
	require.ErrorIs(t, err, media.ErrClosed)
	require.Zero(t, k.Stats().Ends)
}

func TestNew_RefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, c := range []media.Config{
		{Bind: netip.MustParseAddr("0.0.0.0")},
		{Advertise: netip.MustParseAddr("::1")},
		{RTPPorts: media.PortRange{First: 9}},
		{RTPPorts: media.PortRange{First: 20001, Last: 20010}},
		{RTPPorts: media.PortRange{First: 20010, Last: 20000}},
		{MaxEnds: -1},
	} {
		_, err := media.New(c)
		require.Error(t, err, "%+v", c)
	}
	p, err := media.New(media.Config{})
	require.NoError(t, err)
	_, err = media.New(media.Config{WebPort: p.WebAddr().Port()})
	require.Error(t, err, "a port that is taken")
	p.Close()
	_, err = p.OpenRTP(t.Context(), media.RTPConfig{})
	require.ErrorIs(t, err, media.ErrClosed)
}

func TestSource_ForeignPacketsAreNotHeard(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	victim, attacker, peer := rawPeer(t), rawPeer(t), phone(t, siptest.RTPConfig{})
	e, ep := k.openRTP(t, media.RTPConfig{}), k.call(t, peer)
	applyRaw(t, e, addrOf(victim))
	require.NoError(t, k.Join(e, ep))
	at := e.Local().Addr
	sendTo := func(from interface {
		WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	}, seq uint16, fill byte,
	) {
		_, err := from.WriteToUDPAddrPort(rtpPacket(0, seq, uint32(seq)*160, uint32(fill), fill), at)
		require.NoError(t, err)
	}
	sendTo(victim, 1, 0x11)
	k.eventually(t, e, media.EventUp, 1)
	for i := range uint16(100) {
		sendTo(attacker, i, 0x66)
	}
	require.Eventually(t, func() bool { return e.Stats().Foreign == 100 }, 3*time.Second, 5*time.Millisecond)
	require.Equal(t, uint64(1), e.Stats().PacketsIn)
	require.LessOrEqual(t, peer.Stats().Heard, uint64(1), "none of 100 injected packets was relayed")
}

func TestSource_MayMoveAfterSilence(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{SilenceTimeout: -1})
	before, after := rawPeer(t), rawPeer(t)
	e := k.openRTP(t, media.RTPConfig{})
	applyRaw(t, e, addrOf(before))
	seq := uint16(0)
	send := func(from *net.UDPConn, n int) {
		t.Helper()
		for range n {
			seq++
			_, err := from.WriteToUDPAddrPort(rtpPacket(0, seq, uint32(seq)*160, 9, 1), e.Local().Addr)
			require.NoError(t, err)
		}
	}
	send(before, 1)
	k.eventually(t, e, media.EventUp, 1)
	send(after, 5)
	require.Eventually(t, func() bool { return e.Stats().Foreign == 5 }, 3*time.Second, 5*time.Millisecond)
	e.AgeSound(11 * time.Second)
	send(after, 5)
	require.Eventually(t, func() bool { return e.Stats().PacketsIn == 4 }, 3*time.Second, 5*time.Millisecond, "believed from the third on")

	hold := sdp.Offer(sdp.Description{Addr: addrOf(before)}).WithDirection(sdp.Inactive)
	answer, err := sdp.Answer(hold, e.Local())
	require.NoError(t, err)
	require.NoError(t, e.Apply(answer, hold))
	e.AgeSound(11 * time.Second)
	send(before, 5)
	require.Eventually(t, func() bool { return e.Stats().Dropped == 5 }, 3*time.Second, 5*time.Millisecond, "nobody is believed on hold")
}

func TestSource_LearnsBehindAddressTranslation(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	actual, described := rawPeer(t), rawPeer(t)
	e := k.openRTP(t, media.RTPConfig{})
	applyRaw(t, e, addrOf(described))
	for i := range uint16(3) {
		_, err := actual.WriteToUDPAddrPort(rtpPacket(0, i, uint32(i)*160, 9, 1), e.Local().Addr)
		require.NoError(t, err)
	}
	k.eventually(t, e, media.EventUp, 1)
	require.NoError(t, e.Play(media.Sine(500, 0.2)))
	buf := make([]byte, 500)
	require.NoError(t, actual.SetReadDeadline(time.Now().Add(3*time.Second)))
	_, _, err := actual.ReadFromUDPAddrPort(buf)
	require.NoError(t, err, "packets go to where they come from")
	// The described source may still take over inside the window.
	_, err = described.WriteToUDPAddrPort(rtpPacket(0, 1, 160, 8, 1), e.Local().Addr)
	require.NoError(t, err)
	require.NoError(t, described.SetReadDeadline(time.Now().Add(3*time.Second)))
	_, _, err = described.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)

	strict := k.openRTP(t, media.RTPConfig{Source: media.SourceStrict})
	applyRaw(t, strict, addrOf(described))
	for i := range uint16(5) {
		_, err := actual.WriteToUDPAddrPort(rtpPacket(0, i, uint32(i)*160, 9, 1), strict.Local().Addr)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return strict.Stats().Foreign == 5 }, 3*time.Second, 5*time.Millisecond)
}

func TestSilence_IsReportedOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{FirstPacketTimeout: 150 * time.Millisecond, SilenceTimeout: 200 * time.Millisecond})
	p := phone(t, siptest.RTPConfig{})
	p.Mute()
	e := k.call(t, p)
	k.eventually(t, e, media.EventSilent, 1)
	p.Speak(nil)
	k.eventually(t, e, media.EventResumed, 1)
	p.Mute()
	k.eventually(t, e, media.EventSilent, 2)
	k.reoffer(t, p, e, sdp.Inactive)
	<-time.After(300 * time.Millisecond)
	require.Len(t, k.of(e, media.EventSilent), 2)
}

func TestPorts_StayInTheRange(t *testing.T) {
	t.Parallel()
	r := media.PortRange{First: 41000, Last: 41007}
	k := newKit(t, media.Config{RTPPorts: r})
	seen := map[uint16]bool{}
	for {
		e, err := k.OpenRTP(t.Context(), media.RTPConfig{})
		if err != nil {
			require.ErrorIs(t, err, media.ErrLimit)
			break
		}
		port := e.Local().Addr.Port()
		require.True(t, port >= r.First && port <= r.Last && port%2 == 0 && !seen[port], "port %d", port)
		seen[port] = true
	}
	require.NotEmpty(t, seen)
	require.LessOrEqual(t, len(seen), 4)
	free := newKit(t, media.Config{})
	for range 20 {
		require.Zero(t, free.openRTP(t, media.RTPConfig{}).Local().Addr.Port()%2, "free ports are even too")
	}
}

func TestGarbage_HarmsNothing(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	p := phone(t, siptest.RTPConfig{})
	e := k.call(t, p)
	raw := rawPeer(t)
	for _, b := range [][]byte{
		{0},
		{0x80},
		bytes.Repeat([]byte{0xff}, 1600),
		{0x80, 0, 0, 1},
		{0x9f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0},
		append([]byte{0xb0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 255, 255),
		{0x80, 200, 0, 1, 0, 0, 0, 0},
		append(rtpPacket(101, 1, 1, 1, 0)[:12], 1, 2), rtpPacket(55, 1, 1, 1, 1),
	} {
		for _, to := range []netip.AddrPort{e.Local().Addr, k.WebAddr()} {
			_, err := raw.WriteToUDPAddrPort(b, to)
			require.NoError(t, err)
		}
	}
	require.NoError(t, e.Play(media.Sine(500, 0.3)))
	require.NoError(t, p.WaitTone(within(t, 5*time.Second), 500))
	require.NotZero(t, k.Stats().Unknown)
}
