package web_test

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// press finds a button by its text within a part of the page, and presses Enter on it, as somebody without a mouse does.
func (b *tab) press(within, text string) {
	b.t.Helper()
	b.until(`(() => {
		const found = [...document.querySelectorAll('` + within + ` button')].find(x => x.textContent.includes('` + text + `'));
		found?.focus();
		return document.activeElement === found;
	})()`)
	b.do(chromedp.KeyEvent("\r"))
}

// told waits until the centre got a command.
func (s *site) told(b *tab, command string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return slices.Contains(s.centre.commands(), command) }, 30*time.Second, 10*time.Millisecond, command)
}

func TestPage_ASupervisorAsksWhyACallerWaitsAndActs(t *testing.T) {
	t.Parallel()
	s, base := busySite(t, nil)
	s.centre.agent("ann", tandem.AgentReady, nil)
	b := openTab(t, base)
	b.logIn("sue")
	b.press("tandem-board table", "+34911000111")
	b.text("#supervise-title", "Lopez · +34911000111")
	b.text("#why", "Nobody who may take it is free.")
	b.text("#why", "Ann Lee is in wrap-up. 0:")
	b.text("#why", "Bob Ray lacks es (at least 50).")
	b.text("#why", "It asks for less in 0:")
	b.accessible("supervise-call")
	b.scheme("light")

	b.press(".supervise", "Raise priority")
	b.text(".supervise [role=status]", "The priority is raised.")
	s.told(b, "priority w1 1")
	b.do(chromedp.SetValue("#supervise-queue", "billing"))
	b.press(".supervise", "Move")
	s.told(b, "move w1 billing")
	b.until(`[...document.querySelectorAll('#supervise-agent option')].map(x => x.value).join() === 'ann'`) // the only one who is ready
	b.press(".supervise", "Give")
	s.told(b, "pick w1 ann")
	s.centre.mu.Lock()
	s.centre.fail = tandem.ErrState
	s.centre.mu.Unlock()
	b.press(".supervise", "Give")
	b.text(".supervise .alert", "This is not possible at the moment.")
	s.centre.agent("x2", tandem.AgentReady, nil)
	s.centre.agent("ann", tandem.AgentPaused, nil)
	b.until(`document.querySelector('#supervise-agent option[value=x2]') && document.querySelector('#supervise-agent').value === 'ann'`) // the choice does not slip to another
	b.do(chromedp.KeyEvent("\x1b"))
	b.until(`!document.querySelector('.supervise').open && document.activeElement.textContent.includes('+34911000111')`) // the focus is back

	b.press("tandem-board table", "+34911000111")
	s.centre.alter(func(x *acd.Snapshot) { x.Queues[0].Waiting = x.Queues[0].Waiting[1:] }, tandem.CallLeft{Call: "w1", Reason: tandem.LeaveAbandoned})
	b.text("#why", "This is over")
	b.until(`document.querySelector('.supervise .actions').hidden`)
	b.do(chromedp.Click("#supervise-close"))
	b.until(`document.activeElement.id === 'content'`)
	b.quiet()
}

func TestPage_ASupervisorSetsAnAgentsStateAndDrainsAQueue(t *testing.T) {
	t.Parallel()
	s, base := busySite(t, nil)
	s.centre.agent("ann", tandem.AgentReady, nil)
	b := openTab(t, base)
	b.logIn("sue")
	b.press("tandem-team", "Ann Lee")
	b.text("#why", "Callers wait, but none that Ann Lee may take.")
	b.text("#why", "Sales: 2 waiting; 2 ask for a skill that is missing.")
	b.text("#why", "Support: nobody waits.")
	b.accessible("supervise-agent")
	b.scheme("light")
	b.do(chromedp.SetValue("#supervise-reason", "Lunch"))
	b.press(".supervise", "Pause")
	s.told(b, "force ann paused Lunch")
	b.text(".supervise .quiet", "Paused")
	b.press(".supervise", "Make ready")
	s.told(b, "force ann ready")
	b.press(".supervise", "Log out")
	s.told(b, "force ann logged_out")
	b.do(chromedp.KeyEvent("\x1b"))

	b.press("tandem-board table", "Sales")
	b.text("#why", "It takes new calls.")
	b.press(".supervise", "Take no new calls")
	s.told(b, "drain sales")
	b.text("#why", "It is drained")
	b.text("#supervise-drain", "Take calls again")
	b.do(chromedp.EmulateViewport(390, 844))
	b.accessible("supervise-queue-390")
	b.until(`document.documentElement.scrollWidth <= innerWidth`)
	b.do(chromedp.EmulateViewport(1360, 860), chromedp.Click("#supervise-close"))
	b.until(`[...document.querySelectorAll('tandem-board th .chip')].some(x => !x.hidden && x.textContent === 'Drained')`)
	b.accessible("supervise-drained")
	b.press("tandem-board table", "Sales")
	b.press(".supervise", "Take calls again")
	s.told(b, "reopen sales")
	b.quiet()
}

func TestPage_AgentsAndCentresThatOnlyShowHaveNoPanel(t *testing.T) {
	t.Parallel()
	_, base := busySite(t, nil)
	b := openTab(t, base)
	b.logIn("ann")
	b.do(chromedp.Navigate(base+"/board"), chromedp.WaitVisible("tandem-board tbody tr"))
	b.until(`document.querySelectorAll('tandem-board button, dialog').length === 0`)
	b.quiet()
}
