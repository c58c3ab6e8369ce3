package web_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

func TestConsole_WrapUpSaysWhatReallyFollows(t *testing.T) {
	t.Parallel()
	s, base := busySite(t, nil)
	b := openTab(t, base)
	b.logIn("ann")
	wrap := func(next tandem.AgentState) {
		s.centre.agent("ann", tandem.AgentWrapUp, func(a *acd.AgentStatus) { a.Call, a.Next, a.Until = "c1", next, time.Now().Add(time.Minute) })
	}
	wrap(tandem.AgentUnset)
	b.text("#call-timer", "ready again in ")
	wrap(tandem.AgentPaused)
	b.text("#call-timer", "Paused in ")
	b.quiet()
}

func TestShell_ShowsTheOpenPageOnATelephone(t *testing.T) {
	t.Parallel()
	_, base := busySite(t, nil)
	b := openTab(t, base)
	b.do(chromedp.EmulateViewport(390, 844))
	b.logIn("ann")
	b.do(chromedp.Navigate(base + "/admin"))
	b.text(".top nav a[aria-current]", "Sessions")
	b.until(`(() => {
		const link = document.querySelector('.top nav a[aria-current]').getBoundingClientRect(), nav = document.querySelector('.top nav').getBoundingClientRect();
		return link.left >= nav.left - 1 && link.right <= nav.right + 1;
	})()`)
	b.quiet()
}
