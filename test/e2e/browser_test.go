package e2e_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// browser is a page in headless Chromium whose microphone says a tone and whose remote sound can be measured.
type browser struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps its page in the context

	mu  sync.Mutex
	log strings.Builder
}

// hook lets a test find the connections that a page opens, and measure the strongest frequency that it hears. The fake
// microphone is asked for without the clean-up that would take a steady tone for noise.
const hook = `(() => {
	const Real = window.RTCPeerConnection;
	window.heard = () => 0;
	window.RTCPeerConnection = function (...a) {
		const pc = new Real(...a);
		pc.addEventListener('track', (e) => {
			const audio = new AudioContext();
			const an = audio.createAnalyser();
			an.fftSize = 16384;
			an.smoothingTimeConstant = 0;
			const stream = new MediaStream([e.track]);
			const keep = new Audio(); keep.srcObject = stream; keep.muted = true; keep.play();
			audio.createMediaStreamSource(stream).connect(an);
			const bins = new Float32Array(an.frequencyBinCount);
			window.heard = () => {
				an.getFloatFrequencyData(bins);
				let best = 1;
				for (let i = 1; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
				return bins[best] < -70 ? 0 : best * audio.sampleRate / an.fftSize;
			};
		});
		return pc;
	};
	window.RTCPeerConnection.prototype = Real.prototype;
	const media = navigator.mediaDevices;
	if (media) {
		const ask = media.getUserMedia.bind(media);
		media.getUserMedia = () => ask({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
	}
})()`

// newBrowser opens Chromium with a microphone that says the frequency.
func newBrowser(t *testing.T, frequency float64) *browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testenv.Chromium(t)), chromedp.NoSandbox,
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-audio-capture", toneFile(t, frequency)), chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true), // the certificate is the test's own
		chromedp.WindowSize(1360, 860), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	b := &browser{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, a := range ev.Args {
				fmt.Fprintf(&b.log, "console.%s %s %s\n", ev.Type, a.Value, a.Description)
			}
		case *runtime.EventExceptionThrown:
			fmt.Fprintf(&b.log, "exception %s %+v\n", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception)
		}
	}))
	t.Cleanup(func() {
		if t.Failed() {
			b.mu.Lock()
			defer b.mu.Unlock()
			t.Logf("the page said:\n%s", b.log.String())
		}
	})
	b.before(hook)
	return b
}

// before lets a script run in each page that is opened from now on, before the page's own.
func (b *browser) before(script string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// do performs actions within 20 s.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, actions...))
}

// hears waits until the page's strongest frequency is the wanted one.
func (b *browser) hears(frequency float64) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("window.heard()"))
		return err == nil && math.Abs(v-frequency) < 12
	}, 15*time.Second, 100*time.Millisecond, "the page hears %v Hz", frequency)
}

// logIn logs in at the server's first page and waits for the live feed.
func (b *browser) logIn(s *server, login, password string) {
	b.t.Helper()
	b.do(chromedp.Navigate(s.URL+"/"), chromedp.WaitVisible("#login"), chromedp.SendKeys("#login", login),
		chromedp.SendKeys("#password", password), chromedp.Click("#log-in"), chromedp.WaitVisible("#stream-status[data-on=true]"))
}

// toneFile writes one second of a tone as a WAV file, which Chromium plays over and over as its microphone.
func toneFile(t *testing.T, frequency float64) string {
	t.Helper()
	const rate = 48000
	samples := make([]byte, 2*rate)
	for i := range rate {
		v := int16(12000 * math.Sin(2*math.Pi*frequency*float64(i)/rate))
		binary.LittleEndian.PutUint16(samples[2*i:], uint16(v))
	}
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+len(samples)))
	b = append(b, "WAVEfmt "...)
	for _, v := range []uint32{16, 1 | 1<<16, rate, 2 * rate, 2 | 16<<16} { // PCM, mono; 2 bytes a sample
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(samples)))
	path := filepath.Join(t.TempDir(), "tone.wav")
	require.NoError(t, os.WriteFile(path, append(b, samples...), 0o600))
	return path
}

// until waits for a JavaScript expression to be true.
func (b *browser) until(expression string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && v
	}, 15*time.Second, 50*time.Millisecond, "page: %s", expression)
}

// run evaluates a script for what it does.
func (b *browser) run(script string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script+"\n;true"))
	require.NoError(b.t, err)
}
