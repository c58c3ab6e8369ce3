package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/internal/testenv"
)

// seat is where ann sits: the same deeds on a desk phone, in the console's page and in a page with JsSIP.
type seat interface {
	rings(ctx context.Context)   // waits until a call rings
	silent(ctx context.Context)  // waits until it rings no more, because the other side ended it
	reject(ctx context.Context)  // what rings
	answer(ctx context.Context)  // what rings; the agent's tone is heard from now on
	hears(ctx context.Context)   // waits for the customer's tone
	press(key string)            // during the call
	hangUp(ctx context.Context)  // the call
	dropped(ctx context.Context) // waits until the call is over
}

// deskSeat is a SIP desk phone.
type deskSeat struct {
	t     *testing.T
	phone *sipPhone
	ring  *ringing
	call  *sipCall
}

func deskPhone(t *testing.T, s *server) seat {
	t.Helper()
	d := &deskSeat{t: t, phone: newSIPPhone(t, "ann")}
	require.NoError(t, d.phone.register(t.Context(), s.SIP, "e2e.invalid", "desk-phone-1"))
	s.login(t, "ann", "open-sesame-1").ready()
	return d
}

func (d *deskSeat) rings(ctx context.Context) {
	var err error
	d.ring, err = d.phone.nextRing(ctx)
	require.NoError(d.t, err)
}

func (d *deskSeat) silent(ctx context.Context) {
	within(ctx, d.t, d.ring.gone, "the desk phone rings on")
}

func (d *deskSeat) reject(context.Context) {
	require.NoError(d.t, d.ring.session.Respond(603, "Decline", nil))
}

func (d *deskSeat) answer(context.Context) {
	var err error
	d.call, err = d.ring.answer(agentTone)
	require.NoError(d.t, err)
}

func (d *deskSeat) hears(ctx context.Context) {
	require.NoError(d.t, d.call.WaitTone(ctx, customerTone))
}
func (d *deskSeat) press(key string)           { require.NoError(d.t, d.call.Press(key)) }
func (d *deskSeat) hangUp(ctx context.Context) { require.NoError(d.t, d.call.hang(ctx)) }
func (d *deskSeat) dropped(ctx context.Context) {
	within(ctx, d.t, d.call.done, "the desk phone was not hung up")
}

// within waits for a channel to be closed.
func within(ctx context.Context, t *testing.T, done <-chan struct{}, otherwise string) {
	t.Helper()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal(otherwise)
	}
}

// consoleSeat is the agent's page.
type consoleSeat struct{ *browser }

func console(t *testing.T, s *server) seat {
	t.Helper()
	return consoleIn(newBrowser(t, agentTone), s)
}

func consoleIn(b *browser, s *server) seat {
	b.t.Helper()
	b.logIn(s, "ann", "open-sesame-1")
	b.do(chromedp.WaitVisible("#ready"), chromedp.WaitVisible("#phone-status[data-on=true]"), chromedp.Click("#ready"))
	return consoleSeat{b}
}

func (c consoleSeat) rings(context.Context)  { c.do(chromedp.WaitVisible("#answer")) }
func (c consoleSeat) silent(context.Context) { c.do(chromedp.WaitNotPresent("#answer")) }
func (c consoleSeat) reject(context.Context) {
	c.do(chromedp.Click("#reject"), chromedp.WaitNotPresent("#answer"))
}

func (c consoleSeat) answer(context.Context) {
	c.do(chromedp.Click("#answer"), chromedp.WaitVisible("#hangup"))
}
func (c consoleSeat) hears(context.Context)   { c.browser.hears(customerTone) }
func (c consoleSeat) hangUp(context.Context)  { c.do(chromedp.Click("#hangup")) }
func (c consoleSeat) dropped(context.Context) { c.do(chromedp.WaitNotPresent("#hangup")) }

func (c consoleSeat) press(key string) {
	c.do(chromedp.Click("#keypad"))
	c.run(fmt.Sprintf("document.dispatchEvent(new KeyboardEvent('keydown', { key: %q, bubbles: true }))", key))
}

// jsSIPSeat is a page with JsSIP.
type jsSIPSeat struct{ *browser }

func jsSIP(t *testing.T, s *server) seat {
	t.Helper()
	b := newBrowser(t, agentTone)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	// The page has the server's own origin; JsSIP comes from the test.
	b.do(chromedp.Navigate(s.URL+"/"), chromedp.WaitVisible("#login"))
	b.run(string(testenv.Bundle(t, "jssip", "JsSIP")))
	address := strings.Replace(u.Scheme, "http", "ws", 1) + "://" + u.Host + "/ws"
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(jsPhone, address), chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	require.Equal(t, "registered", got)
	s.login(t, "ann", "open-sesame-1").ready()
	return jsSIPSeat{b}
}

func (j jsSIPSeat) rings(context.Context)   { j.until("window.state === 'ringing'") }
func (j jsSIPSeat) silent(context.Context)  { j.until("window.state.startsWith('failed')") }
func (j jsSIPSeat) hears(context.Context)   { j.browser.hears(customerTone) }
func (j jsSIPSeat) press(key string)        { j.run(fmt.Sprintf("window.ringing.sendDTMF(%q)", key)) }
func (j jsSIPSeat) hangUp(context.Context)  { j.run("window.ringing.terminate()") }
func (j jsSIPSeat) dropped(context.Context) { j.until("window.state === 'ended by remote'") }

func (j jsSIPSeat) reject(context.Context) {
	j.run("window.ringing.terminate({ status_code: 603, reason_phrase: 'Decline' })")
	j.until("window.state.startsWith('failed')")
}

func (j jsSIPSeat) answer(context.Context) {
	j.run("window.ringing.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } })")
	j.until("window.state === 'confirmed'")
}

// seats are all kinds of them.
var seats = []struct {
	name string
	sit  func(t *testing.T, s *server) seat
}{{"DeskPhone", deskPhone}, {"Console", console}, {"JsSIP", jsSIP}}

// patient is how long a gap in the sound may be before a caller takes it for a lost line.
const patient = 200 * time.Millisecond

// neverSilent fails when the customer heard nothing for too long between the answer of the call and over.
func neverSilent(t *testing.T, customer *sipCall, taken, over time.Time) {
	t.Helper()
	longest, began := customer.wire.silence(customer.at, over)
	stall := customer.wire.stall(customer.at, over)
	t.Logf("the longest silence in %v is %v, %v after the call was answered; the agent answered after %v; the machine stood still for %v",
		over.Sub(customer.at).Round(time.Millisecond), longest.Round(time.Millisecond), began.Sub(customer.at).Round(time.Millisecond),
		taken.Sub(customer.at).Round(time.Millisecond), stall.Round(time.Millisecond))
	allowed := patient + 5*stall // the server has the same busy machine, and more to do
	if raceEnabled {
		allowed += time.Second
	}
	require.Less(t, longest, allowed)
}

func TestSeats_TheCallerIsNeverLeftInSilence(t *testing.T) {
	requireServers(t)
	for _, kind := range seats {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			caller := newSIPPhone(t, "15550100")
			s := serve(t, t.TempDir(), strings.Replace(centre(caller.port, ""), "sound: ring", "sound: music", 1))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			ann := kind.sit(t, s)
			customer, err := caller.call(ctx, s.SIP, "100", customerTone)
			require.NoError(t, err)
			ann.rings(ctx)
			ann.reject(ctx)
			ann.rings(ctx) // ten seconds later: the agent declined
			taken := time.Now()
			ann.answer(ctx)
			require.NoError(t, customer.WaitTone(ctx, agentTone), "the customer hears the agent")
			spoken := time.Now()
			ann.hears(ctx)
			t.Logf("from the agent's answer to the agent's voice: %v", spoken.Sub(taken).Round(time.Millisecond))

			ann.press("8")
			require.NoError(t, customer.WaitDigits(ctx, "8"), "the customer's side gets the agent's key")
			require.NoError(t, customer.Press("5"))
			if d, ok := ann.(*deskSeat); ok {
				require.NoError(t, d.call.WaitDigits(ctx, "5"), "the agent's side gets the customer's key")
			}
			ann.hears(ctx) // on, after the keys
			ann.hangUp(ctx)
			within(ctx, t, customer.done, "the customer was not hung up")
			over := time.Now()
			neverSilent(t, customer, taken, over)
			r := s.login(t, "admin", s.password(t, "admin")).record()
			require.Equal(t, "agent", r.EndedBy)
			require.WithinDuration(t, over, r.Ended, time.Second)
		})
	}
}

func TestSeats_TheCustomersDeeds(t *testing.T) {
	requireServers(t)
	for _, kind := range seats {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			caller := newSIPPhone(t, "15550100")
			s := serve(t, t.TempDir(), strings.NewReplacer("ring: 20s,", "ring: 3s, retry: 1s,", "sound: ring", "sound: music").Replace(centre(caller.port, "")))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			ann := kind.sit(t, s)

			// Gives up while it rings.
			customer, err := caller.call(ctx, s.SIP, "100", customerTone)
			require.NoError(t, err)
			ann.rings(ctx)
			require.NoError(t, customer.hang(ctx))
			ann.silent(ctx)

			// Waits through an offer that nobody takes, and hangs up in the conversation.
			customer, err = caller.call(ctx, s.SIP, "100", customerTone)
			require.NoError(t, err)
			ann.rings(ctx)
			ann.silent(ctx)
			ann.rings(ctx)
			taken := time.Now()
			ann.answer(ctx)
			require.NoError(t, customer.WaitTone(ctx, agentTone))
			ann.hears(ctx)
			require.NoError(t, customer.hang(ctx))
			ended := time.Now()
			ann.dropped(ctx)
			neverSilent(t, customer, taken, ended)

			var list struct{ Items []callRecord }
			admin := s.login(t, "admin", s.password(t, "admin"))
			require.Eventually(t, func() bool {
				admin.get("/api/v1/calls", &list)
				return len(list.Items) == 2 && !list.Items[0].Ended.IsZero() && !list.Items[1].Ended.IsZero()
			}, 10*time.Second, 50*time.Millisecond, "two calls' records")
			latest, first := list.Items[0], list.Items[1]
			if latest.Started.Before(first.Started) {
				latest, first = first, latest
			}
			require.Equal(t, "abandoned", first.Result)
			require.Equal(t, "customer", first.EndedBy)
			require.Equal(t, "answered", latest.Result)
			require.Equal(t, "customer", latest.EndedBy)
			require.WithinDuration(t, ended, latest.Ended, time.Second)
		})
	}
}

func TestDeskPhone_BusyTheNextAgentIsAsked(t *testing.T) {
	requireServers(t)
	t.Parallel()
	caller, ann, ben := newSIPPhone(t, "15550100"), newSIPPhone(t, "ann"), newSIPPhone(t, "ben")
	config := strings.Replace(centre(caller.port, ""), "routes:", "  - {id: ben, queues: [support], password: open-sesame-2, sip_password: desk-phone-2}\nroutes:", 1)
	s := serve(t, t.TempDir(), config)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, ann.register(ctx, s.SIP, "e2e.invalid", "desk-phone-1"))
	require.NoError(t, ben.register(ctx, s.SIP, "e2e.invalid", "desk-phone-2"))
	s.login(t, "ann", "open-sesame-1").ready()
	s.login(t, "ben", "open-sesame-2").ready()
	customer, err := caller.call(ctx, s.SIP, "100", customerTone)
	require.NoError(t, err)
	ring, err := ann.nextRing(ctx)
	require.NoError(t, err, "the longest idle agent comes first")
	require.NoError(t, ring.session.Respond(486, "Busy Here", nil))
	ring, err = ben.nextRing(ctx)
	require.NoError(t, err)
	agent, err := ring.answer(agentTone)
	require.NoError(t, err)
	require.NoError(t, customer.WaitTone(ctx, agentTone))
	require.NoError(t, agent.WaitTone(ctx, customerTone))
	require.NoError(t, agent.hang(ctx))
	within(ctx, t, customer.done, "the customer was not hung up")
	r := s.login(t, "admin", s.password(t, "admin")).record()
	require.Equal(t, []string{"ben"}, r.Agents, "who talked")
	_, text := s.login(t, "admin", s.password(t, "admin")).do(http.MethodGet, "/api/v1/calls.csv", nil)
	require.Contains(t, text, ",ann; ben,", "and who was asked")
}
