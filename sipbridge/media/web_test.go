package media_test

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
	"github.com/tandem-cc/tandem/sipbridge/siptest/webphone"
)

func browser(tb testing.TB, c webphone.Config) *webphone.Phone {
	tb.Helper()
	b, err := webphone.New(c)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	return b
}

// webCall connects a browser that calls.
func (k *kit) webCall(tb testing.TB, b *webphone.Phone) *media.End {
	tb.Helper()
	e, err := k.OpenWeb(tb.Context(), media.WebConfig{})
	require.NoError(tb, err)
	offer, err := b.Offer(within(tb, 5*time.Second))
	require.NoError(tb, err)
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(tb, err)
	require.NoError(tb, e.Apply(answer, offer))
	require.NoError(tb, b.Connect(answer))
	return e
}

// callWeb connects a browser that is called.
func (k *kit) callWeb(tb testing.TB, b *webphone.Phone) *media.End {
	tb.Helper()
	e, err := k.OpenWeb(tb.Context(), media.WebConfig{})
	require.NoError(tb, err)
	offer := sdp.Offer(e.Local())
	answer, err := b.Answer(within(tb, 5*time.Second), offer)
	require.NoError(tb, err)
	require.NoError(tb, e.Apply(offer, answer))
	return e
}

func TestWeb_ToneAndDigitsBothWays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config  webphone.Config
		called  bool
		profile string
	}{
		"browser calls":                      {webphone.Config{}, false, "SRTP_AEAD_AES_128_GCM"},
		"browser is called, active":          {webphone.Config{ActAs: sdp.SetupActive}, true, "SRTP_AEAD_AES_128_GCM"},
		"browser is called, passive":         {webphone.Config{ActAs: sdp.SetupPassive}, true, "SRTP_AEAD_AES_128_GCM"},
		"browser knows only AES-CM, A-law":   {webphone.Config{CMOnly: true, Codecs: []string{"PCMA"}}, false, "SRTP_AES128_CM_HMAC_SHA1_80"},
		"browser is called, AES-CM, passive": {webphone.Config{CMOnly: true, ActAs: sdp.SetupPassive}, true, "SRTP_AES128_CM_HMAC_SHA1_80"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, media.Config{})
			b, p := browser(t, tc.config), phone(t, siptest.RTPConfig{})
			var eb *media.End
			if tc.called {
				eb = k.callWeb(t, b)
			} else {
				eb = k.webCall(t, b)
			}
			ep := k.call(t, p)
			require.NoError(t, k.Join(eb, ep))
			b.Speak(media.Sine(700, 0.3))
			p.Speak(media.Sine(1300, 0.3))
			ctx := within(t, 15*time.Second)
			require.NoError(t, p.WaitTone(ctx, 700))
			require.NoError(t, b.WaitTone(ctx, 1300))
			require.Equal(t, tc.profile, eb.Stats().Profile)
			require.Len(t, k.of(eb, media.EventSecured), 1)
			require.Len(t, k.eventually(t, eb, media.EventUp, 1), 1)

			require.NoError(t, b.Press("5#"))
			require.NoError(t, p.WaitDigits(ctx, "5#"), "126 of the browser is 101 of the phone")
			require.NoError(t, p.Press("*9"))
			require.NoError(t, b.WaitDigits(ctx, "*9"))
			require.Len(t, k.eventually(t, eb, media.EventDigit, 2), 2)
			require.NoError(t, eb.SendDigit('7', 0))
			require.NoError(t, b.WaitDigits(ctx, "*97"))
			require.Zero(t, eb.Stats().Lost)
			require.Zero(t, p.Stats().Gaps)
			require.Equal(t, uint64(1), p.Stats().Sources)
		})
	}
}

func TestWeb_PlayHoldAndClose(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	b := browser(t, webphone.Config{})
	e := k.webCall(t, b)
	require.NoError(t, e.Play(media.RingBack(media.Europe)))
	ctx := within(t, 15*time.Second)
	require.NoError(t, b.WaitTone(ctx, 425))
	require.NoError(t, e.Play(media.Sine(1500, 0.3)))
	require.NoError(t, b.WaitTone(ctx, 1500))

	two := browser(t, webphone.Config{})
	e2 := k.callWeb(t, two)
	two.Speak(media.Sine(600, 0.3))
	require.NoError(t, k.Join(e, e2))
	require.NoError(t, b.WaitTone(ctx, 600))
	e2.Close()
	require.NoError(t, e.Play(media.Sine(900, 0.3)))
	require.NoError(t, b.WaitTone(ctx, 900), "the other browser's end closed, this one goes on")
}

func TestWeb_ICERestartKeepsTheAssociation(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	b := browser(t, webphone.Config{})
	e := k.webCall(t, b)
	require.NoError(t, e.Play(media.Sine(800, 0.3)))
	ctx := within(t, 20*time.Second)
	require.NoError(t, b.WaitTone(ctx, 800))
	offer, err := b.RestartOffer(ctx)
	require.NoError(t, err)
	before := e.Local().Web.Ufrag
	local := e.RestartICE()
	require.NotEqual(t, before, local.Web.Ufrag)
	answer, err := sdp.Answer(offer, local)
	require.NoError(t, err)
	require.NoError(t, e.Apply(answer, offer))
	require.NoError(t, b.Connect(answer))
	b.Reset()
	require.NoError(t, b.WaitTone(ctx, 800))
	require.Eventually(t, func() bool { return b.State() == "connected" }, 10*time.Second, 10*time.Millisecond)
	heard := b.Heard()
	require.Eventually(t, func() bool { return b.Heard() > heard+50 }, 5*time.Second, 10*time.Millisecond)
	require.Len(t, k.of(e, media.EventSecured), 1, "one handshake for both")
}

func TestWeb_WrongFingerprintIsRefused(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	b := browser(t, webphone.Config{})
	e, err := k.OpenWeb(t.Context(), media.WebConfig{Label: "agent"})
	require.NoError(t, err)
	offer, err := b.Offer(within(t, 5*time.Second))
	require.NoError(t, err)
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(t, err)
	forged := *offer.Web
	forged.Fingerprint = "sha-256 00" + forged.Fingerprint[10:]
	offer.Web = &forged
	require.NoError(t, e.Apply(answer, offer))
	require.NoError(t, b.Connect(answer))
	require.NoError(t, e.Play(media.Sine(800, 0.3)))
	ev := k.eventually(t, e, media.EventFailed, 1)
	require.ErrorContains(t, ev[0].Err, "fingerprint")
	require.Zero(t, b.Heard(), "no sound without the right certificate")
	require.Zero(t, e.Stats().PacketsOut)
}

func TestWeb_CheckNeedsNameAndPassword(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	e, err := k.OpenWeb(t.Context(), media.WebConfig{})
	require.NoError(t, err)
	w := e.Local().Web
	ask := func(name, pwd string, extra ...stun.Setter) bool {
		raw := rawPeer(t)
		m, err := stun.Build(append(append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(name)}, extra...),
			stun.NewShortTermIntegrity(pwd), stun.Fingerprint)...)
		require.NoError(t, err)
		_, err = raw.WriteToUDPAddrPort(m.Raw, k.WebAddr())
		require.NoError(t, err)
		require.NoError(t, raw.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
		buf := make([]byte, 500)
		n, _, err := raw.ReadFromUDPAddrPort(buf)
		if err != nil {
			return false
		}
		res := &stun.Message{Raw: buf[:n]}
		require.NoError(t, res.Decode())
		require.NoError(t, stun.NewShortTermIntegrity(w.Pwd).Check(res))
		return res.Type == stun.BindingSuccess
	}
	require.True(t, ask(w.Ufrag+":any", w.Pwd))
	require.False(t, ask(w.Ufrag+":any", "wrong"))
	require.False(t, ask("nobody:any", w.Pwd))
	require.False(t, ask(w.Ufrag+":any", w.Pwd, stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}), "487")
	e.Close()
	require.False(t, ask(w.Ufrag+":any", w.Pwd), "a closed end is gone")
}

func TestWeb_CloseInAnyState(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	b := browser(t, webphone.Config{})
	e := k.webCall(t, b)
	e.Close() // Perhaps in mid-handshake.
	for range 3 {
		b := browser(t, webphone.Config{})
		e := k.webCall(t, b)
		require.Eventually(t, func() bool { return len(k.of(e, media.EventSecured)) > 0 }, 5*time.Second, time.Millisecond)
		go e.Close()
		e.Close()
	}
	require.Eventually(t, func() bool { return k.Stats().Handshakes == 0 && k.Stats().Ends == 0 }, 5*time.Second, 5*time.Millisecond)
}

func TestWeb_ConsentStopsAndReturns(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{})
	b := browser(t, webphone.Config{})
	e := k.webCall(t, b)
	require.NoError(t, e.Play(media.Sine(800, 0.3)))
	ctx := within(t, 20*time.Second)
	require.NoError(t, b.WaitTone(ctx, 800))
	require.Eventually(t, func() bool { // A check may come in between and make it young again.
		e.AgeCheck(31 * time.Second)
		return len(k.of(e, media.EventConsentLost)) > 0
	}, 5*time.Second, 20*time.Millisecond)
	stopped := e.Stats().PacketsOut
	k.eventually(t, e, media.EventResumed, 1)
	require.LessOrEqual(t, e.Stats().PacketsOut, stopped+2, "nothing was sent in between")
	b.Reset()
	require.NoError(t, b.WaitTone(ctx, 800), "and sound comes back with the next check")
	// On a busy machine the loop above may have aged the check once more while the event was on its way.
	require.Eventually(t, func() bool {
		return len(k.of(e, media.EventConsentLost)) == len(k.of(e, media.EventResumed))
	}, 5*time.Second, 20*time.Millisecond, "each loss is told once, and each return")
}

func TestWeb_HandshakesWaitForAPlace(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{MaxHandshakes: 1})
	var ends []*media.End
	for range 4 {
		ends = append(ends, k.webCall(t, browser(t, webphone.Config{})))
		require.LessOrEqual(t, k.Stats().Handshakes, 1)
	}
	for _, e := range ends {
		require.Eventually(t, func() bool { return len(k.of(e, media.EventSecured)) == 1 }, 15*time.Second, 5*time.Millisecond)
	}
}

func TestWeb_HandshakeTimesOut(t *testing.T) {
	t.Parallel()
	k := newKit(t, media.Config{HandshakeTimeout: 100 * time.Millisecond})
	e, err := k.OpenWeb(t.Context(), media.WebConfig{})
	require.NoError(t, err)
	raw := rawPeer(t)
	offer := sdp.Offer(sdp.Description{Addr: addrOf(raw), Web: &sdp.Web{Ufrag: "peer", Pwd: "peerpeerpeerpeerpeerpeer", Fingerprint: "sha-256 00"}})
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(t, err)
	require.NoError(t, e.Apply(answer, offer))
	w := e.Local().Web
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(w.Ufrag+":peer"), stun.NewShortTermIntegrity(w.Pwd))
	require.NoError(t, err)
	_, err = raw.WriteToUDPAddrPort(m.Raw, k.WebAddr())
	require.NoError(t, err)
	k.eventually(t, e, media.EventFailed, 1)
	require.Zero(t, k.Stats().Handshakes)
	require.Zero(t, e.Stats().PacketsOut)
}
