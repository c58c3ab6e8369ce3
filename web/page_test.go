package web_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/internal/testenv"
	"github.com/tandem-cc/tandem/web"
)

func TestStatic_TypesHold(t *testing.T) {
	t.Parallel()
	tsc := testenv.NodeModule(t, "typescript/bin/tsc")
	out, err := exec.CommandContext(t.Context(), testenv.Node(t), tsc, "-p", "tsconfig.json").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestStatic_HoldsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("static/*")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, foreign := range []string{"https://", "innerHTML", "eval(", "node_modules", "import('http"} {
			require.NotContains(t, string(text), foreign, name)
		}
		if strings.HasSuffix(name, ".js") {
			require.True(t, strings.HasPrefix(string(text), "// @ts-check"), name)
		}
	}
}

// fakePhone is the server's side of the console's phone: it offers one call with an SDP that a browser made.
type fakePhone struct {
	mu   sync.Mutex
	conn *websocket.Conn
	got  chan map[string]string
}

func (p *fakePhone) handler(agent tandem.AgentID) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"tandem-phone.v1"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		p.mu.Lock()
		p.conn = conn
		p.mu.Unlock()
		if wsjson.Write(r.Context(), conn, map[string]any{"type": "hello", "agent": agent, "resume": true}) != nil {
			return
		}
		for {
			var m map[string]string
			if wsjson.Read(r.Context(), conn, &m) != nil {
				return
			}
			p.got <- m
		}
	})
}

// cut ends the page's connection.
func (p *fakePhone) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn.CloseNow()
	p.conn = nil
}

// forget lets back wait for the page's next connection.
func (p *fakePhone) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn = nil
}

// back waits until the page has connected again.
func (p *fakePhone) back(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.conn != nil
	}, 30*time.Second, 10*time.Millisecond)
}

func (p *fakePhone) send(t *testing.T, m map[string]any) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotNil(t, p.conn, "the page has no phone")
	require.NoError(t, wsjson.Write(t.Context(), p.conn, m))
}

// expect returns the next message of a type from the page.
func (p *fakePhone) expect(t *testing.T, kind string) map[string]string {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case m := <-p.got:
			if m["type"] == kind {
				return m
			}
		case <-timeout:
			require.FailNow(t, "the page said nothing", "of type %q", kind)
		}
	}
}

// tab is one browser page, and what its console complained about.
type tab struct {
	t    *testing.T
	ctx  context.Context //nolint:containedctx // chromedp keeps the page in the context
	base string
	mu   sync.Mutex
	said []string
}

func openTab(t *testing.T, base string) *tab {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testenv.Chromium(t)), chromedp.NoSandbox,
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.WindowSize(1360, 860), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	b := &tab{t: t, ctx: ctx, base: base}
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			b.said = append(b.said, "exception: "+fmt.Sprintf("%+v %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
		case *log.EventEntryAdded:
			// A 401 or 404 that the page asked for on purpose is the browser's own remark, not a fault of the page.
			if !strings.Contains(e.Entry.Text, "the server responded with a status of") {
				b.said = append(b.said, e.Entry.Text)
			}
		}
	}))
	return b
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 60*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.shot("failure")
		require.NoError(b.t, err)
	}
}

// until waits for a JavaScript expression to be true.
func (b *tab) until(expression string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && got
	}, 30*time.Second, 30*time.Millisecond, "page: %s", expression)
}

// text waits until an element shows a text.
func (b *tab) text(selector, want string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, want))
}

func (b *tab) logIn(login string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base+"/"), chromedp.WaitVisible("#login"), chromedp.SendKeys("#login", login), chromedp.SendKeys("#password", password), chromedp.Click("#log-in"),
		chromedp.WaitVisible("#stream-status[data-on=true]"))
}

// shot writes a picture of the page when TANDEM_SHOTS names a directory.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("TANDEM_SHOTS")
	if dir == "" {
		return
	}
	image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), image, 0o600))
}

// scheme makes the page light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
		return err
	}))
}

// accessible runs axe-core over the page, light and dark, and takes both pictures.
func (b *tab) accessible(name string) {
	b.t.Helper()
	axe, err := os.ReadFile(testenv.NodeModule(b.t, "axe-core/axe.min.js"))
	require.NoError(b.t, err)
	b.do(chromedp.Evaluate[chromedp.Void](string(axe)))
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.shot(name + "-" + scheme)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html + " " + n.failureSummary)])))`, chromedp.EvalAwaitPromise))
		require.NoError(b.t, err)
		require.Equal(b.t, "[]", found, "%s, %s", name, scheme)
	}
}

// quiet fails the test if the page complained: an exception, or the content policy refusing something.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.said)
}

// offerSDP makes a real SDP offer in a browser page: what the server's media engine would send.
func (b *tab) offerSDP() string {
	b.t.Helper()
	sdp, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(async () => { const p = new RTCPeerConnection(); p.addTransceiver('audio'); const o = await p.createOffer(); return o.sdp })()`, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	return sdp
}

func busySite(t *testing.T, phone *fakePhone) (*site, string) {
	t.Helper()
	s := newSite(t, func(c *web.Config) {
		pop, err := crm.NewScreenPop("https://crm.example/open?phone={number}")
		require.NoError(t, err)
		dir, err := crm.NewDirectory(crm.DirectoryConfig{Lookup: crm.LookupFunc(func(context.Context, crm.Query) (crm.Contact, error) {
			return crm.Contact{ID: "7", Name: "Zoe Marchetti", Fields: map[string]string{"company": "Marchetti Ltd", "plan": "Business 50", "customer since": "2019", "open tickets": "2"}}, nil
		})})
		require.NoError(t, err)
		c.ScreenPop, c.Contacts, c.Name = pop, dir, "Tandem"
		c.Campaigns = &campaigns{one: web.Campaign{ID: "spring", Name: "Spring renewals", State: tandem.CampaignPaused, Leads: 120, Done: 46, Attempts: 77, Connected: 31, Dialling: 2}}
		if phone != nil {
			c.Phone = phone.handler
		}
	})
	now := time.Now()
	for i := range 6 {
		r := record(tandem.CallID(fmt.Sprintf("old%d", i)), "ann", now.Add(-time.Duration(i*9+4)*time.Minute))
		if i%3 == 1 {
			r.Call.From.Name = ""
		}
		s.archive.calls = append(s.archive.calls, r)
	}
	s.centre.alter(func(x *acd.Snapshot) {
		x.Queues = append(x.Queues, acd.QueueStatus{ID: "billing", Name: "Billing", ServiceLevel: 1})
		x.Queues[0].Waiting = []acd.WaitingCall{
			{Call: "w1", Position: 1, Since: now.Add(-73 * time.Second), From: tandem.CallerID{Number: "+34911000111", Name: "Lopez"}},
			{Call: "w2", Position: 2, Since: now.Add(-21 * time.Second), From: tandem.CallerID{Number: "+34911000222"}},
		}
		x.Queues[1].Waiting = []acd.WaitingCall{{Call: "w3", Position: 1, Since: now.Add(-8 * time.Second), From: tandem.CallerID{}, Agent: "bob"}}
		x.Queues[0].Agents, x.Queues[0].Offered, x.Queues[0].Answered, x.Queues[0].Abandoned, x.Queues[0].ServiceLevel = acd.AgentCounts{Ready: 1}, 48, 41, 5, 0.74
		x.Queues[0].Talking, x.Queues[1].Talking, x.Queues[1].Answered, x.Queues[1].ServiceLevel = 2, 1, 17, 0.94
		for i, name := range []string{"Carla Gomez", "Dmitri Volkov", "Ewa Nowak", "Farid Haddad"} {
			state := []tandem.AgentState{tandem.AgentOnCall, tandem.AgentWrapUp, tandem.AgentPaused, tandem.AgentUnavailable}[i]
			x.Agents = append(x.Agents, acd.AgentStatus{ID: tandem.AgentID(fmt.Sprintf("x%d", i)), Name: name, State: state, Since: now.Add(-time.Duration(i*50+31) * time.Second), Reason: "Lunch", Queue: "sales"})
		}
	})
	s.centre.agent("bob", tandem.AgentReserved, func(a *acd.AgentStatus) { a.Call, a.Queue = "w3", "support" })
	s.run(t)
	srv := httptest.NewServer(s.server)
	t.Cleanup(srv.Close)
	return s, srv.URL
}

func TestConsole_AnAgentWorksThroughACallInTheBrowser(t *testing.T) {
	t.Parallel()
	phone := &fakePhone{got: make(chan map[string]string, 100)}
	s, base := busySite(t, phone)
	b := openTab(t, base)
	b.do(chromedp.Navigate(base+"/console"), chromedp.WaitVisible("#login"))
	b.accessible("login")
	b.scheme("light")
	b.do(chromedp.SendKeys("#login", "ann"), chromedp.SendKeys("#password", "wrong guess"), chromedp.Click("#log-in"))
	b.text("#login-message", "The login name or the password is wrong.")
	b.do(chromedp.SendKeys("#password", password), chromedp.Click("#log-in"), chromedp.WaitVisible("#stream-status[data-on=true]"))
	b.text("#my-state", "Not at work")
	b.text("#phone-status", "Phone connected")
	b.accessible("out")

	b.do(chromedp.KeyEvent("r"))
	b.text("#my-state", "Ready")
	b.accessible("ready")
	b.do(chromedp.KeyEvent("p"))
	b.do(chromedp.KeyEvent("2"))
	b.text("#my-state", "Paused")
	b.do(chromedp.Click("#ready"))
	b.text("#my-state", "Ready")

	s.centre.ring("ann", "c1", "leg1", tandem.CallerID{Number: "+34911234567"})
	phone.send(t, map[string]any{"type": "offer", "leg": "leg1", "call": "c1", "from": map[string]string{"number": "+34911234567"}, "subject": "Sales", "sdp": b.offerSDP()})
	phone.expect(t, "ringing")
	b.text("#caller", "+34911234567")
	b.text("#caller-name", "Zoe Marchetti")
	b.until(`document.querySelector('#screen-pop')?.href === 'https://crm.example/open?phone=%2B34911234567'`)
	b.until(`document.activeElement?.id === 'answer'`)
	b.accessible("ringing")
	b.do(chromedp.KeyEvent("a"))
	answer := phone.expect(t, "answer")
	require.Equal(t, "leg1", answer["leg"])
	require.Contains(t, answer["sdp"], "m=audio")
	phone.send(t, map[string]any{"type": "answered", "leg": "leg1"})
	s.centre.talk("ann")
	b.text("#my-state", "On a call")
	b.text("#call-timer", "0:0")
	b.do(chromedp.KeyEvent("m"))
	b.until(`document.querySelector('#mute')?.getAttribute('aria-pressed') === 'true'`)
	b.do(chromedp.KeyEvent("k"), chromedp.WaitVisible(".pad"), chromedp.KeyEvent("5"))
	require.Equal(t, "5", phone.expect(t, "digit")["digit"])
	b.accessible("call")
	b.do(chromedp.KeyEvent("h"))
	require.Equal(t, "leg1", phone.expect(t, "hangup")["leg"])
	s.centre.wrapUp("ann")
	b.text("#my-state", "Wrap-up")
	b.do(chromedp.Click("label.choice"), chromedp.SendKeys("#note", "wants two"))
	b.accessible("wrap-up")
	b.do(chromedp.Click("#finish"))
	b.text("#my-state", "Ready")
	require.Contains(t, s.centre.commands(), "dispose c1 sold wants two")

	s.centre.ring("ann", "c2", "leg2", tandem.CallerID{})
	phone.send(t, map[string]any{"type": "offer", "leg": "leg2", "call": "c2", "from": map[string]string{}, "subject": "Sales", "sdp": b.offerSDP()})
	b.text("#caller", "Number withheld")
	b.do(chromedp.WaitVisible("#answer"))
	b.do(chromedp.KeyEvent("x"))
	require.Equal(t, "leg2", phone.expect(t, "reject")["leg"])
	b.quiet()
}

func TestConsole_ThePhoneComesBackAndTheNoteIsNotLost(t *testing.T) {
	t.Parallel()
	phone := &fakePhone{got: make(chan map[string]string, 100)}
	s, base := busySite(t, phone)
	b := openTab(t, base)
	b.logIn("ann")
	b.text("#phone-status", "Phone connected")
	b.do(chromedp.Click("#ready"))
	b.text("#my-state", "Ready")
	s.centre.ring("ann", "c1", "leg1", tandem.CallerID{Number: "+34911234567"})
	phone.send(t, map[string]any{"type": "offer", "leg": "leg1", "call": "c1", "from": map[string]string{"number": "+34911234567"}, "subject": "Sales", "sdp": b.offerSDP()})
	b.do(chromedp.WaitVisible("#answer"), chromedp.Click("#answer"))
	phone.expect(t, "answer")
	phone.send(t, map[string]any{"type": "answered", "leg": "leg1"})
	s.centre.talk("ann")
	b.text(".stage-title", "In conversation")

	phone.cut()
	b.text("#phone-status", "Phone not connected")
	phone.back(t)
	phone.send(t, map[string]any{"type": "answered", "leg": "leg1"})
	b.text("#phone-status", "Phone connected")
	b.do(chromedp.WaitVisible("#mute"))

	phone.forget()
	b.do(chromedp.Reload())
	phone.back(t)
	phone.send(t, map[string]any{"type": "answered", "leg": "leg1"})
	require.Equal(t, "leg1", phone.expect(t, "resume")["leg"], "a page that was loaded afresh asks for the sound")
	phone.send(t, map[string]any{"type": "offer", "leg": "leg1", "call": "c1", "from": map[string]string{"number": "+34911234567"}, "subject": "Sales", "sdp": b.offerSDP()})
	require.Contains(t, phone.expect(t, "answer")["sdp"], "m=audio", "and takes it without being asked")
	phone.send(t, map[string]any{"type": "answered", "leg": "leg1"})

	b.do(chromedp.WaitVisible("#mute"), chromedp.SendKeys("#note", "half a sent"))
	s.centre.wrapUp("ann") // the customer hangs up while the agent types
	phone.send(t, map[string]any{"type": "ended", "leg": "leg1", "cause": "normal"})
	b.do(chromedp.WaitVisible("#finish"), chromedp.KeyEvent("ence"))
	b.until(`document.querySelector('#note').value === 'half a sentence'`)
	b.do(chromedp.Click("#finish"))
	b.text("#my-state", "Ready")
	require.Contains(t, s.centre.commands(), "dispose c1  half a sentence")

	phone.send(t, map[string]any{"type": "replaced"})
	b.text("#phone-status", "taken over by another window")
	b.do(chromedp.Click("#phone-status button"))
	b.text("#phone-status", "Phone connected")
	b.do(chromedp.Click("#use-phone"))
	b.text("#phone-status", "You take calls on your own phone.")
	b.do(chromedp.Click("#use-phone"))
	b.text("#phone-status", "Phone connected")
	b.quiet()
}

func TestConsole_AReloadLosesNoState(t *testing.T) {
	t.Parallel()
	s, base := busySite(t, nil)
	b := openTab(t, base)
	b.logIn("ann")
	b.do(chromedp.Click("#ready"))
	b.text("#my-state", "Ready")
	s.centre.ring("ann", "c1", "leg1", tandem.CallerID{Number: "+34911234567"})
	s.centre.talk("ann")
	b.text("#my-state", "On a call")
	b.do(chromedp.Reload(), chromedp.WaitVisible("#hangup"))
	b.text("#caller", "+34911234567")
	b.do(chromedp.Click("#hangup"))
	b.text("#my-state", "Wrap-up")
	require.Contains(t, s.centre.commands(), "hangup c1 agent")
	b.quiet()
}

func TestBoard_ShowsQueuesCallersAndAgentsAndFollowsThem(t *testing.T) {
	t.Parallel()
	s, base := busySite(t, nil)
	b := openTab(t, base)
	b.logIn("sue")
	b.text("tandem-board", "+34911000111")
	b.text("tandem-board", "rings at Bob Ray")
	b.accessible("board")
	s.centre.alter(func(x *acd.Snapshot) { x.Queues[0].Waiting = x.Queues[0].Waiting[1:] }, tandem.CallLeft{Call: "w1", Reason: tandem.LeaveAbandoned})
	b.until(`!document.querySelector('tandem-board').textContent.includes('+34911000111')`)
	b.do(chromedp.Navigate(base+"/calls"), chromedp.WaitVisible("tandem-calls tbody tr"))
	b.accessible("calls")
	b.do(chromedp.EmulateViewport(1024, 768), chromedp.Navigate(base+"/board"), chromedp.WaitVisible("tandem-board tbody tr"))
	b.accessible("board-1024")
	b.until(`document.documentElement.scrollWidth <= innerWidth`)
	b.do(chromedp.EmulateViewport(390, 844))
	b.shot("board-phone")
	b.until(`document.documentElement.scrollWidth <= innerWidth`)
	b.quiet()
}

func TestCampaigns_AreStartedFromThePage(t *testing.T) {
	t.Parallel()
	_, base := busySite(t, nil)
	b := openTab(t, base)
	b.logIn("sue")
	b.do(chromedp.Navigate(base+"/campaigns"), chromedp.WaitVisible("tandem-campaigns .card"))
	b.text("tandem-campaigns", "46 of 120 contacts done")
	b.accessible("campaigns")
	b.do(chromedp.Click("tandem-campaigns button.primary"))
	b.text("tandem-campaigns .chip", "Active")
	list := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(list, []byte("name,phone\nZoe,1\n"), 0o600))
	b.do(chromedp.SetUploadFiles("#list-spring", []string{list}))
	b.text("tandem-campaigns .hint", "2 added, 0 were there already, 1 not taken. Row 3: number is missing")
	b.quiet()
}

func TestConsole_FitsSmallScreensAndSaysWhenTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.run(t)
	srv := httptest.NewServer(s.server)
	t.Cleanup(srv.Close)
	b := openTab(t, srv.URL)
	b.logIn("ann")
	for _, width := range []int64{1024, 390} {
		b.do(chromedp.EmulateViewport(width, 800))
		b.until(`document.documentElement.scrollWidth <= innerWidth`)
		b.accessible(fmt.Sprintf("console-%d", width))
	}
	address := srv.Listener.Addr().String()
	srv.Listener.Close()
	srv.CloseClientConnections()
	b.text("#stream-status", "Connection lost")
	b.do(chromedp.WaitVisible(".banner"))
	b.accessible("away")
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	back := &http.Server{Handler: s.server, ReadHeaderTimeout: time.Second}
	t.Cleanup(func() { back.Close() })
	go back.Serve(l)
	b.do(chromedp.WaitVisible("#stream-status[data-on=true]"))
	b.until(`document.querySelector('.banner').hidden`)
}

func TestAdmin_UnlocksAnAccount(t *testing.T) {
	t.Parallel()
	s, base := busySite(t, nil)
	a, err := s.people.Account(t.Context(), "ann")
	require.NoError(t, err)
	a.LockedUntil = time.Now().Add(time.Hour)
	require.NoError(t, s.people.SaveAccount(t.Context(), a))
	b := openTab(t, base)
	b.logIn("root")
	b.do(chromedp.Navigate(base+"/admin"), chromedp.WaitVisible("[aria-label='Unlock ann']"))
	b.accessible("admin")
	b.do(chromedp.Click("[aria-label='Unlock ann']"))
	b.until(`!document.querySelector("[aria-label='Unlock ann']")`)
	a, err = s.people.Account(t.Context(), "ann")
	require.NoError(t, err)
	require.True(t, a.LockedUntil.IsZero())
	b.quiet()
}
