package sdp_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/sdp/v3"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

func plainLocal() sdp.Description {
	return sdp.Description{Addr: netip.MustParseAddrPort("127.0.0.1:4000"), Origin: sdp.Origin{ID: 7, Version: 1}}
}

func webLocal() sdp.Description {
	d := plainLocal()
	d.Web = &sdp.Web{
		Ufrag: "abcd", Pwd: "0123456789012345678901", Lite: true, Fingerprint: "sha-256 AA:BB",
		Candidates: []sdp.Candidate{{
			Foundation: "1", Component: 1, Transport: "udp", Priority: 2130706431, Host: "127.0.0.1", Port: 4000, Type: "host",
		}},
	}
	return d
}

func parse(t *testing.T, body []byte) sdp.Description {
	t.Helper()
	d, err := sdp.Parse(body)
	require.NoError(t, err)
	return d
}

func TestParse_ChromiumOfferIsNotHeld(t *testing.T) {
	t.Parallel()
	d := parse(t, chromiumOffer)
	require.Equal(t, sdp.SendRecv, d.Direction, "0.0.0.0 with ICE is not hold")
	require.True(t, d.RTCPMux)
	require.Len(t, d.Codecs, 8)
	require.Equal(t, sdp.Codec{Payload: 111, Name: "opus", Rate: 48000, Channels: 2, Fmtp: "minptime=10;useinbandfec=1"}, d.Codecs[0])
	require.Equal(t, sdp.KindOpaque, d.Codecs[6].Kind(), "events on a 48 kHz clock are not ours")
	require.Equal(t, sdp.KindTelephoneEvent, d.Codecs[7].Kind())
	require.Equal(t, "Q8lD", d.Web.Ufrag)
	require.Equal(t, sdp.SetupActPass, d.Web.Setup)
	require.Len(t, d.Web.Candidates, 3)
	require.Equal(t, "172.17.0.2", d.Web.Candidates[0].Host)
	require.True(t, strings.HasPrefix(d.Web.Fingerprint, "sha-256 5E:3B"))
}

func TestParse_SloppyPeers(t *testing.T) {
	t.Parallel()
	a := parse(t, asteriskOffer)
	require.Equal(t, netip.MustParseAddrPort("10.20.0.5:17328"), a.Addr)
	require.Equal(t, 20*time.Millisecond, a.Ptime)
	require.Equal(t, uint64(1763645012), a.Origin.Version)

	s := parse(t, sippOffer)
	require.Equal(t, "PCMU", s.Codecs[0].Name, "a last line without CRLF counts")
	require.Equal(t, s, parse(t, bytes.ReplaceAll(sippOffer, []byte("\r\n"), []byte("\n"))), "bare line feeds count")

	p := parse(t, pbxOffer)
	require.Equal(t, netip.MustParseAddrPort("192.0.2.8:4000"), p.Addr, "c= of the media line wins")
	require.Equal(t, sdp.SendOnly, p.Direction, "the session's direction is inherited")
	require.Equal(t, 1, p.Index)
	require.Equal(t, []string{"video", "image"}, []string{p.Others[0].Media, p.Others[1].Media})
	require.Equal(t, []string{"G729", "PCMA", "telephone-event"}, []string{p.Codecs[0].Name, p.Codecs[1].Name, p.Codecs[2].Name})
	require.Equal(t, sdp.KindTelephoneEvent, p.Codecs[2].Kind(), "one channel said aloud is one channel")
}

func TestParse_OldHoldOnPlainRTP(t *testing.T) {
	t.Parallel()
	d := parse(t, bytes.Replace(asteriskOffer, []byte("c=IN IP4 10.20.0.5"), []byte("c=IN IP4 0.0.0.0"), 1))
	require.Equal(t, sdp.SendOnly, d.Direction)
	ans, err := sdp.Answer(d, plainLocal())
	require.NoError(t, err)
	require.Equal(t, sdp.RecvOnly, ans.Direction)
	ag, err := sdp.Agree(ans, d)
	require.NoError(t, err)
	require.False(t, ag.Direction.Sends(), "nothing is sent to 0.0.0.0")
	require.False(t, ag.Remote.IsValid())
}

func TestParse_RefusesClearly(t *testing.T) {
	t.Parallel()
	head := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	for name, tc := range map[string]struct {
		body string
		want error
		says string
	}{
		"empty":           {"", sdp.ErrSyntax, "empty"},
		"html":            {"<html>", sdp.ErrSyntax, "line 1"},
		"no version":      {"o=- 1 1 IN IP4 1.1.1.1\r\n", sdp.ErrSyntax, "v=0"},
		"not key=value":   {head + "hello\r\n", sdp.ErrSyntax, "line 6"},
		"no media":        {head, sdp.ErrNoAudio, "0 media lines"},
		"only video":      {head + "m=video 5000 RTP/AVP 96\r\n", sdp.ErrNoAudio, "1 media lines"},
		"refused":         {head + "m=audio 0 RTP/AVP 0\r\n", sdp.ErrNoAudio, ""},
		"SDES":            {head + "m=audio 5000 RTP/SAVP 0\r\n", sdp.ErrNoAudio, ""},
		"port":            {head + "m=audio 70000 RTP/AVP 0\r\n", sdp.ErrSyntax, "port"},
		"payload":         {head + "m=audio 5000 RTP/AVP 128\r\n", sdp.ErrSyntax, "payload number"},
		"rtpmap":          {head + "m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus\r\n", sdp.ErrSyntax, "line 7"},
		"multicast":       {head + "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", sdp.ErrSyntax, "multicast"},
		"host name":       {head + "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 pbx.example\r\n", sdp.ErrSyntax, "IP address"},
		"no ICE":          {head + "m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n", sdp.ErrNotSecure, "ice-ufrag"},
		"too long":        {head + strings.Repeat("a=x\r\n", sdp.MaxSize/5), sdp.ErrSyntax, "bytes"},
		"too many lines":  {head + strings.Repeat("a=\n", 600), sdp.ErrSyntax, "too many lines"},
		"too many medias": {head + strings.Repeat("m=video 0 RTP/AVP 0\r\n", 20), sdp.ErrSyntax, "too many media"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sdp.Parse([]byte(tc.body))
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

func TestAnswer_KeepsTheOffersNumbersAndOrder(t *testing.T) {
	t.Parallel()
	offer := parse(t, chromiumOffer)
	ans, err := sdp.Answer(offer, webLocal())
	require.NoError(t, err)
	var got []string
	for _, c := range ans.Codecs {
		got = append(got, fmt.Sprintf("%d %s", c.Payload, c.Name))
	}
	require.Equal(t, []string{"0 PCMU", "8 PCMA", "126 telephone-event"}, got)
	require.Equal(t, sdp.SetupPassive, ans.Web.Setup)
	require.Equal(t, "0", ans.Web.Mid)

	ag, err := sdp.Agree(ans, offer)
	require.NoError(t, err)
	require.False(t, ag.Client)
	require.Len(t, ag.Formats, 3)
	require.Equal(t, uint8(126), ag.Formats[2].Send)
	require.Equal(t, uint8(126), ag.Formats[2].Receive)
}

func TestAgree_NumbersDifferPerDirection(t *testing.T) {
	t.Parallel()
	offer := sdp.Offer(plainLocal())
	theirs := parse(t, bytes.ReplaceAll(asteriskOffer, []byte("101"), []byte("97")))
	ag, err := sdp.Agree(offer, theirs)
	require.NoError(t, err)
	require.Equal(t, sdp.Format{Codec: theirs.Codecs[2], Send: 97, Receive: 101}, ag.Formats[2])
	require.Equal(t, theirs.Addr, ag.Remote)
}

func TestAnswer_RefusesOtherMediaInOrder(t *testing.T) {
	t.Parallel()
	ans, err := sdp.Answer(parse(t, pbxOffer), plainLocal())
	require.NoError(t, err)
	out, err := ans.Marshal()
	require.NoError(t, err)
	var lines []string
	for l := range strings.Lines(string(out)) {
		if strings.HasPrefix(l, "m=") {
			lines = append(lines, strings.TrimSpace(l))
		}
	}
	require.Equal(t, []string{"m=video 0 RTP/AVP 34", "m=audio 4000 RTP/AVP 8 97", "m=image 0 udptl t38"}, lines)
	require.Contains(t, string(out), "a=recvonly\r\n", "sendonly is answered with recvonly")
}

func TestAnswer_Hold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ offer, local, want sdp.Direction }{
		{sdp.DirectionUnset, sdp.DirectionUnset, sdp.SendRecv},
		{sdp.SendOnly, sdp.SendRecv, sdp.RecvOnly},
		{sdp.RecvOnly, sdp.SendRecv, sdp.SendOnly},
		{sdp.Inactive, sdp.SendRecv, sdp.Inactive},
		{sdp.SendOnly, sdp.SendOnly, sdp.Inactive},
		{sdp.SendRecv, sdp.SendOnly, sdp.SendOnly},
		{sdp.SendRecv, sdp.Inactive, sdp.Inactive},
	} {
		offer := parse(t, asteriskOffer).WithDirection(tc.offer)
		ans, err := sdp.Answer(offer, plainLocal().WithDirection(tc.local))
		require.NoError(t, err)
		require.Equal(t, tc.want, ans.Direction, "offer %v, local %v", tc.offer, tc.local)
		ag, err := sdp.Agree(ans, offer)
		require.NoError(t, err)
		require.Equal(t, tc.want, ag.Direction, "what we answered is what we may do")
	}
}

func TestAnswer_Errors(t *testing.T) {
	t.Parallel()
	g729 := parse(t, pbxOffer)
	g729.Codecs = []sdp.Codec{g729.Codecs[0], g729.Codecs[2]}
	_, err := sdp.Answer(g729, plainLocal())
	require.ErrorIs(t, err, sdp.ErrNoCommonCodec, "telephone-event alone is no call")
	_, err = sdp.Answer(parse(t, asteriskOffer), webLocal())
	require.ErrorIs(t, err, sdp.ErrNotSecure)
	_, err = sdp.Answer(parse(t, chromiumOffer), plainLocal())
	require.ErrorIs(t, err, sdp.ErrNotSecure)
	_, err = sdp.Answer(sdp.Description{}, plainLocal())
	require.ErrorIs(t, err, sdp.ErrNoAudio)
	_, err = sdp.Agree(sdp.Offer(plainLocal()), sdp.Description{})
	require.ErrorIs(t, err, sdp.ErrNoAudio)
}

func TestAnswer_SetupRoles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		offer, local, want sdp.Setup
		client             bool
	}{
		{sdp.SetupActPass, sdp.SetupUnset, sdp.SetupPassive, false},
		{sdp.SetupActPass, sdp.SetupActive, sdp.SetupActive, true},
		{sdp.SetupPassive, sdp.SetupUnset, sdp.SetupActive, true},
		{sdp.SetupActive, sdp.SetupActive, sdp.SetupPassive, false},
	} {
		offer, local := parse(t, chromiumOffer), webLocal()
		offer.Web.Setup, local.Web.Setup = tc.offer, tc.local
		ans, err := sdp.Answer(offer, local)
		require.NoError(t, err)
		require.Equal(t, tc.want, ans.Web.Setup)
		ag, err := sdp.Agree(ans, offer)
		require.NoError(t, err)
		require.Equal(t, tc.client, ag.Client)
	}
	offer := sdp.Offer(webLocal())
	require.Equal(t, sdp.SetupActPass, offer.Web.Setup)
	theirs := parse(t, chromiumOffer)
	theirs.Web.Setup = sdp.SetupPassive
	ag, err := sdp.Agree(offer, theirs)
	require.NoError(t, err)
	require.True(t, ag.Client, "they wait, so we begin")
}

func TestRenew_VersionRisesOnlyWithAChange(t *testing.T) {
	t.Parallel()
	first := sdp.Offer(plainLocal())
	require.Equal(t, first, sdp.Renew(first, first))
	held := sdp.Renew(first, first.WithDirection(sdp.SendOnly))
	require.Equal(t, sdp.Origin{ID: 7, Version: 2}, held.Origin)
}

func TestMarshal_RoundTripAndOracle(t *testing.T) {
	t.Parallel()
	for _, d := range []sdp.Description{sdp.Offer(plainLocal()), sdp.Offer(webLocal())} {
		out, err := d.Marshal()
		require.NoError(t, err)
		back := parse(t, out)
		d.Proto = back.Proto
		require.Equal(t, d, back)
		require.NoError(t, new(pion.SessionDescription).Unmarshal(out), "pion reads it too:\n%s", out)
	}
}

func TestMarshal_RefusesWhatBreaksALine(t *testing.T) {
	t.Parallel()
	for _, spoil := range []func(*sdp.Description){
		func(d *sdp.Description) { d.Addr = netip.AddrPort{} },
		func(d *sdp.Description) { d.Codecs = nil },
		func(d *sdp.Description) { d.Index = 1 },
		func(d *sdp.Description) { d.Codecs[0].Name = "PCMU/8000\r\na=evil" },
		func(d *sdp.Description) { d.Codecs[0].Fmtp = "x\na=evil" },
		func(d *sdp.Description) { d.Web.Ufrag = "a b" },
		func(d *sdp.Description) { d.Web.Pwd = "" },
		func(d *sdp.Description) { d.Web.Candidates[0].Host = "" },
		func(d *sdp.Description) { d.Others = []sdp.Other{{Media: "video"}} },
	} {
		d := sdp.Offer(webLocal())
		spoil(&d)
		_, err := d.Marshal()
		require.ErrorIs(t, err, sdp.ErrSyntax)
	}
}

func TestDirection_Text(t *testing.T) {
	t.Parallel()
	for _, d := range []sdp.Direction{sdp.DirectionUnset, sdp.SendRecv, sdp.SendOnly, sdp.RecvOnly, sdp.Inactive} {
		text, err := d.MarshalText()
		require.NoError(t, err)
		var back sdp.Direction
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, d, back)
		require.Equal(t, d.Sends(), d.Reverse().Receives())
		require.Equal(t, d == sdp.SendOnly || d == sdp.Inactive, sdp.Description{Direction: d}.Held(), "%v", d)
	}
	var d sdp.Direction
	require.ErrorIs(t, d.UnmarshalText([]byte("both")), sdp.ErrSyntax)
	var s sdp.Setup
	require.NoError(t, s.UnmarshalText([]byte("actpass")))
	text, err := s.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "actpass", string(text))
	require.ErrorIs(t, s.UnmarshalText([]byte("holdconn")), sdp.ErrSyntax)
}

// FuzzParse holds that nothing crashes, and that what we answer to anything can be read again, by us and by pion.
func FuzzParse(f *testing.F) {
	for _, b := range [][]byte{chromiumOffer, asteriskOffer, sippOffer, pbxOffer} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := sdp.Parse(body)
		if err != nil {
			return
		}
		local := plainLocal()
		if d.Web != nil {
			local = webLocal()
		}
		ans, err := sdp.Answer(d, local)
		if err != nil {
			return
		}
		out, err := ans.Marshal()
		if err != nil {
			t.Fatalf("answer to %q cannot be written: %v", body, err)
		}
		back, err := sdp.Parse(out)
		if err != nil {
			t.Fatalf("own answer %q cannot be read: %v", out, err)
		}
		if len(back.Codecs) != len(ans.Codecs) || len(back.Others) != len(ans.Others) || back.Direction != ans.Direction {
			t.Fatalf("answer changed on the way: %+v, then %+v", ans, back)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sdp.Parse(chromiumOffer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	offer, err := sdp.Parse(asteriskOffer)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		ans, err := sdp.Answer(offer, plainLocal())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ans.Marshal(); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	// The caller's INVITE came with this body.
	offer, err := sdp.Parse([]byte("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8 18 96\na=rtpmap:96 telephone-event/8000\na=sendonly\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	local := sdp.Description{Addr: netip.MustParseAddrPort("198.51.100.1:30000"), Origin: sdp.Origin{ID: 42, Version: 1}}
	answer, err := sdp.Answer(offer, local)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := answer.Marshal()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(strings.ReplaceAll(string(body), "\r\n", "\n"))
	// Output:
	// v=0
	// o=- 42 1 IN IP4 198.51.100.1
	// s=-
	// c=IN IP4 198.51.100.1
	// t=0 0
	// m=audio 30000 RTP/AVP 8 96
	// a=rtpmap:8 PCMA/8000
	// a=rtpmap:96 telephone-event/8000
	// a=fmtp:96 0-16
	// a=ptime:20
	// a=recvonly
}
