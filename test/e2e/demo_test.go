package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// shot writes a picture of the page when TANDEM_SHOTS names a directory.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("TANDEM_SHOTS")
	if dir == "" {
		return
	}
	image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), image, 0o600))
}

func TestDemo_GivesTheNextCallToWhoeverSitsDown(t *testing.T) {
	requireServers(t)
	t.Parallel()
	_, err := program() // built before the time is taken
	require.NoError(t, err)
	began := time.Now()
	s := start(t, t.TempDir(), "demo", "--data", t.TempDir(), "--http", "127.0.0.1:0")
	sue := s.login(t, "sue", s.password(t, "sue"))
	var board struct {
		Queues []struct {
			Talking int `json:"talking"`
			Offered int `json:"offered"`
		} `json:"queues"`
	}
	require.Eventually(t, func() bool {
		sue.get("/api/v1/board", &board)
		talking, offered := 0, 0
		for _, q := range board.Queues {
			talking += q.Talking
			offered += q.Offered
		}
		return talking > 0 && offered > 2
	}, 20*time.Second, 100*time.Millisecond, "calls move on the board")
	moved := time.Since(began).Round(100 * time.Millisecond)
	t.Logf("calls moved after %v", moved)
	if !raceEnabled {
		require.Less(t, moved, 10*time.Second)
	}

	b := newBrowser(t, agentTone)
	b.logIn(s, "ann", s.password(t, "ann"))
	b.do(chromedp.WaitVisible("#phone-status[data-on=true]"), chromedp.Click("#ready"), chromedp.WaitVisible("#answer"))
	b.shot("ringing")
	b.do(chromedp.Click("#answer"), chromedp.WaitVisible("#hangup"))
	// A voice, not silence, nor a tone: what is strongest in it changes.
	pitches := map[int]bool{}
	require.Eventually(t, func() bool {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("window.heard()"))
		if err == nil && v > 60 {
			pitches[int(v/40)] = true
		}
		return len(pitches) >= 4
	}, 15*time.Second, 150*time.Millisecond, "the caller talks")
	b.shot("talking")
	require.Eventually(t, func() bool {
		_, text := s.login(t, "admin", s.password(t, "admin")).do("GET", "/metrics", nil)
		return metric(text, `tandem_calls_total{direction="outbound"`) > 0
	}, 60*time.Second, time.Second, "the campaign's calls are counted")
	b.do(chromedp.Click("#hangup"), chromedp.WaitVisible("#finish"))
	b.shot("wrapup")

	watch := newBrowser(t, agentTone)
	watch.logIn(s, "sue", s.password(t, "sue"))
	watch.do(chromedp.Navigate(s.URL+"/board"), chromedp.WaitVisible("tandem-board tbody tr"))
	watch.until("document.body.innerText.includes('Vera')")
	watch.shot("board")
}

// metric adds up the lines of a metric that begin with a text.
func metric(text, prefix string) float64 {
	sum := 0.0
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && strings.HasPrefix(name, prefix) {
			v, err := strconv.ParseFloat(value, 64)
			if err == nil {
				sum += v
			}
		}
	}
	return sum
}
