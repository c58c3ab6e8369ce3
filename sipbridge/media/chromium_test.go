package media_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// browserScript calls, or is called, with a 1 kHz oscillator as its microphone, and listens.
const browserScript = `(async () => {
  const ctx = new AudioContext();
  const osc = ctx.createOscillator();
  osc.frequency.value = 1000;
  const mic = ctx.createMediaStreamDestination();
  osc.connect(mic);
  osc.start();
  const pc = new RTCPeerConnection();
  const remote = new Promise(r => pc.ontrack = e => r(e));
  const gathered = () => new Promise(r => {
    if (pc.iceGatheringState === 'complete') return r();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && r();
  });
  const post = async (path, sdp) => (await fetch(path, {method: 'POST', body: sdp})).text();
  if (location.hash === '#called') {
    await pc.setRemoteDescription({type: 'offer', sdp: await post('/offer', '')});
    mic.stream.getTracks().forEach(t => pc.addTrack(t, mic.stream));
    await pc.setLocalDescription(await pc.createAnswer());
    await gathered();
    await post('/answer', pc.localDescription.sdp);
  } else {
    mic.stream.getTracks().forEach(t => pc.addTrack(t, mic.stream));
    await pc.setLocalDescription(await pc.createOffer());
    await gathered();
    await pc.setRemoteDescription({type: 'answer', sdp: await post('/call', pc.localDescription.sdp)});
  }
  const track = await remote;
  const stream = track.streams[0];
  const audio = new Audio();
  audio.srcObject = stream;
  await audio.play();
  const analyser = ctx.createAnalyser();
  analyser.fftSize = 8192;
  ctx.createMediaStreamSource(stream).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const peak = () => {
    analyser.getFloatFrequencyData(bins);
    let at = 0;
    bins.forEach((v, i) => { if (v > bins[at]) at = i; });
    return bins[at] > -60 ? at * ctx.sampleRate / analyser.fftSize : 0;
  };
  const until = Date.now() + 10000;
  let heard = 0;
  while (Date.now() < until) {
    await new Promise(r => setTimeout(r, 200));
    heard = peak();
    if (Math.abs(heard - 1300) < 20) break;
  }
  pc.getSenders()[0].dtmf.insertDTMF('5', 100);
  await new Promise(r => setTimeout(r, 6500));
  const stats = [...(await pc.getStats()).values()].find(s => s.type === 'inbound-rtp');
  globalThis.hangup = () => pc.close();
  return JSON.stringify({heard, streams: track.streams.length, state: pc.connectionState,
    received: stats.packetsReceived, lost: stats.packetsLost});
})()`

// chromiumResult is what the page says at the end.
type chromiumResult struct {
	Heard    float64
	Streams  int
	State    string
	Received int
	Lost     int
}

func TestChromium_ToneAndDigitBothWays(t *testing.T) {
	t.Parallel()
	path := testenv.Chromium(t)
	for name, hash := range map[string]string{"calls": "", "is called": "#called"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, media.Config{})
			web, err := k.OpenWeb(t.Context(), media.WebConfig{})
			require.NoError(t, err)
			caller := phone(t, siptest.RTPConfig{})
			caller.Speak(media.Sine(1300, 0.3))
			plain := k.call(t, caller)
			require.NoError(t, k.Join(web, plain))
			page := httptest.NewServer(signalling(web))
			t.Cleanup(page.Close)

			got := runChromium(t, path, page.URL+"/"+hash)
			require.InDelta(t, 1300, got.Heard, 20, "the page hears the phone's tone")
			require.NoError(t, caller.WaitTone(within(t, 5*time.Second), 1000), "the phone hears the page's")
			require.Equal(t, 1, got.Streams)
			require.Equal(t, "connected", got.State)
			require.Zero(t, got.Lost)
			require.Greater(t, got.Received, 50)
			require.Equal(t, "5", caller.Digits())
			require.Len(t, k.of(web, media.EventDigit), 1)
			s := web.Stats()
			t.Logf("%s: %d in, %d out, jitter %v, round trip %v, remote jitter %v", s.Profile, s.PacketsIn, s.PacketsOut, s.Jitter, s.RoundTrip, s.RemoteJitter)
			require.Equal(t, "SRTP_AEAD_AES_128_GCM", s.Profile)
			require.Zero(t, s.Lost)
			require.NotZero(t, s.RoundTrip, "reports pass both ways")
		})
	}
}

// signalling is the page and what carries its descriptions.
func signalling(web *media.End) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><title>phone</title>")
	})
	offer := sdp.Offer(web.Local())
	mux.HandleFunc("POST /offer", func(w http.ResponseWriter, _ *http.Request) { write(w, offer, nil) })
	mux.HandleFunc("POST /answer", func(w http.ResponseWriter, r *http.Request) {
		answer, err := read(r)
		if err == nil {
			err = web.Apply(offer, answer)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /call", func(w http.ResponseWriter, r *http.Request) {
		theirs, err := read(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := sdp.Answer(theirs, web.Local())
		if err == nil {
			err = web.Apply(answer, theirs)
		}
		write(w, answer, err)
	})
	return mux
}

func read(r *http.Request) (sdp.Description, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return sdp.Description{}, err
	}
	return sdp.Parse(body)
}

func write(w http.ResponseWriter, d sdp.Description, err error) {
	body, merr := d.Marshal()
	if err != nil || merr != nil {
		http.Error(w, "cannot describe", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

func runChromium(t *testing.T, path, url string) chromiumResult {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	defer stop()
	ctx, done := chromedp.NewContext(ctx)
	defer done()
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(url)))
	out, err := chromedp.Run(ctx, chromedp.Evaluate[string](browserScript, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	var r chromiumResult
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	return r
}
