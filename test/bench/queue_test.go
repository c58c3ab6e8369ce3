package bench_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/internal/testenv"
)

// window is how many calls are in the queue at a time while cycles are measured.
const window = 10

// watched is for how long waiting calls are watched.
const watched = 4 * time.Second

// BenchmarkAsteriskQueue sends calls through Asterisk's application Queue, whose members are Local channels that answer and hang up, and measures the CPU time of the
// Asterisk process per call; then it lets as many callers wait as there are members, all of them busy, and measures what each costs per
// second. Beside it runs the engine of package acd with as many agents and callers. Asterisk's figure holds the work on its channels, which the engine does not do: compare
// how the figures grow with the members, which is the cost of the decision.
func BenchmarkAsteriskQueue(b *testing.B) {
	var first, firstWaiting, firstEngine float64
	for _, members := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			a := startQueue(b, members)
			before, calls := a.cpu(b), 0
			for b.Loop() {
				a.free <- struct{}{} // waits while the window is full
				a.call(b, "served", calls)
				calls++
			}
			for range window { // until all are done
				a.free <- struct{}{}
			}
			perCall := (a.cpu(b) - before).Seconds() * 1e6 / float64(calls)
			waiting := a.wait(b, members)
			engine := engineCycle(b, members)
			if members == 10 {
				first, firstWaiting, firstEngine = perCall, waiting, engine
			}
			b.ReportMetric(perCall, "asterisk-cpu-us/call")
			b.ReportMetric(waiting, "asterisk-cpu-us/waiting-call/s")
			b.ReportMetric(engine, "engine-cpu-us/call")
			b.ReportMetric(perCall/engine, "times-engine")
			b.ReportMetric(perCall/first, "asterisk-growth")
			b.ReportMetric(waiting/firstWaiting, "asterisk-waiting-growth")
			b.ReportMetric(engine/firstEngine, "engine-growth")
		})
	}
}

// exchange is an Asterisk with two queues of the same members: "served", and "busy", where all are always busy.
type exchange struct {
	pid  int
	conn net.Conn
	free chan struct{} // holds one for each call under way
	mu   sync.Mutex
	in   int // callers in the queue "busy"
}

func startQueue(b *testing.B, members int) *exchange {
	b.Helper()
	modules, err := os.ReadFile(filepath.Join(testenv.ModuleRoot(b), "test", "asterisk", "etc", "modules.conf"))
	require.NoError(b, err)
	var queues strings.Builder
	queues.WriteString("[general]\nautofill = yes\npersistentmembers = no\n")
	for _, queue := range []string{"served", "busy"} {
		fmt.Fprintf(&queues, "[%s]\nstrategy = leastrecent\ntimeout = 15\nretry = 1\nwrapuptime = 0\nringinuse = no\njoinempty = yes\nleavewhenempty = no\n", queue)
		for i := range members {
			state := ""
			if queue == "busy" {
				state = ",Custom:busy"
			}
			fmt.Fprintf(&queues, "member => Local/%d@members/n,0,m%d%s\n", i, i, state)
		}
	}
	pbx := testenv.AsteriskWith(b, testenv.AsteriskConfig{Overlay: map[string]string{
		"modules.conf": string(modules) + "\nload = app_queue.so\n",
		"queues.conf":  queues.String(),
		"extra_extensions.conf": `
[members]
exten => _X!,1,Answer()
 same => n,Wait(0.02)
 same => n,Hangup()
[callers]
exten => here,1,Answer()
 same => n,Wait(3600)
[queues]
exten => served,1,Queue(served,r)
 same => n,Hangup()
exten => busy,1,Queue(busy,r)
`,
	}})
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", pbx.AMIAddr)
	require.NoError(b, err)
	a := &exchange{pid: process(b, pbx.Dir), conn: conn, free: make(chan struct{}, window)}
	var read sync.WaitGroup
	b.Cleanup(func() {
		_ = conn.Close()
		read.Wait()
	})
	a.send(b, "Login", "Username: "+pbx.AMIUser, "Secret: "+pbx.AMISecret, "Events: call,agent")
	a.send(b, "Setvar", "Variable: DEVICE_STATE(Custom:busy)", "Value: INUSE")
	read.Go(func() { a.read(conn) }) // ends when the connection is closed
	return a
}

// read counts the callers who have been served, and those who wait.
func (a *exchange) read(r io.Reader) {
	var event, queue string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case key == "Event":
			event = value
		case key == "Queue":
			queue = value
		case lines.Text() == "":
			if event == "QueueCallerLeave" && queue == "served" {
				<-a.free
			}
			if event == "QueueCallerJoin" && queue == "busy" {
				a.mu.Lock()
				a.in++
				a.mu.Unlock()
			}
			event, queue = "", ""
		}
	}
}

func (a *exchange) send(b *testing.B, action string, fields ...string) {
	b.Helper()
	_, err := io.WriteString(a.conn, "Action: "+action+"\r\n"+strings.Join(fields, "\r\n")+"\r\n\r\n")
	require.NoError(b, err)
}

// call lets a caller come to a queue.
func (a *exchange) call(b *testing.B, queue string, n int) {
	b.Helper()
	a.send(b, "Originate", "Channel: Local/here@callers/n", "Context: queues", "Exten: "+queue, "Priority: 1", "Async: true", "ActionID: c"+strconv.Itoa(n))
}

// wait returns the CPU time in microseconds that a caller costs in each second of waiting.
func (a *exchange) wait(b *testing.B, callers int) float64 {
	b.Helper()
	idle := a.spent(b)
	for i := range callers {
		a.call(b, "busy", i)
		time.Sleep(2 * time.Millisecond) // a real server is loaded by a real rate
	}
	require.Eventually(b, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.in >= callers
	}, 2*time.Minute, 50*time.Millisecond, "%d callers wait", callers)
	return (a.spent(b) - idle) * 1e6 / float64(callers)
}

// spent returns how much CPU time Asterisk uses in each second now.
func (a *exchange) spent(b *testing.B) float64 {
	b.Helper()
	start, before := time.Now(), a.cpu(b)
	time.Sleep(watched)
	return (a.cpu(b) - before).Seconds() / time.Since(start).Seconds()
}

// process finds the Asterisk whose files are in a directory.
func process(b *testing.B, dir string) int {
	b.Helper()
	best, most := 0, 0
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(b, err)
	for _, name := range names {
		line, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(line), dir) {
			continue // gone, or another's
		}
		tasks, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "task", "*"))
		if len(tasks) > most { // its keeper has one thread
			best, _ = strconv.Atoi(filepath.Base(filepath.Dir(name)))
			most = len(tasks)
		}
	}
	require.Greater(b, most, 5, "Asterisk's process is not found")
	return best
}

// cpu returns the CPU time that the process has used. The kernel counts it in hundredths of a second.
func (a *exchange) cpu(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.pid))
	require.NoError(b, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(b, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(b, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// engineCycle returns the CPU time in microseconds of a call's whole way through the engine, records included, with so many agents and as many callers waiting.
func engineCycle(b *testing.B, agents int) float64 {
	b.Helper()
	cfg := acd.EngineConfig{Queues: []acd.QueueConfig{{Queue: tandem.Queue{ID: "bench"}, Strategy: acd.LongestIdle{}, WrapUp: -1}}}
	for i := range agents {
		id := tandem.AgentID(fmt.Sprintf("m%d", i))
		cfg.Agents = append(cfg.Agents, acd.AgentConfig{Agent: tandem.Agent{ID: id}, AlwaysReachable: true, Queues: []acd.Seat{{Queue: "bench"}}})
	}
	e, err := acd.NewEngine(cfg)
	require.NoError(b, err)
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for _, a := range cfg.Agents {
		require.NoError(b, e.Login(now, a.ID))
	}
	var out acd.Output
	var records []tandem.Record
	var ringing []acd.Action
	n, next := 0, 0
	arrive := func() {
		n++
		id := strconv.Itoa(n)
		require.NoError(b, e.Enqueue(now, tandem.Arrival{
			Call: tandem.Call{ID: tandem.CallID(id), Direction: tandem.Inbound, Customer: tandem.LegID("in" + id)}, Queue: "bench", Answered: true,
		}))
		now = now.Add(time.Microsecond)
	}
	take := func() {
		out = e.Take(out)
		records = out.Records(records[:0])
		for _, a := range out.Actions {
			if a.Kind == acd.ActionDial {
				ringing = append(ringing, a)
			}
		}
	}
	for range 2 * agents { // half of them ring, half of them wait
		arrive()
	}
	take()
	const cycles = 50_000
	start := ownCPU(b)
	for range cycles {
		arrive()
		a := ringing[next]
		if next++; next == 10_000 {
			ringing, next = append(ringing[:0], ringing[next:]...), 0
		}
		e.Handle(now, tandem.LegAnswered{Leg: a.Leg})
		e.Handle(now, tandem.LegBridged{Leg: a.Leg, Peer: a.Peer})
		e.Handle(now, tandem.LegEnded{Leg: a.Peer, Cause: tandem.CauseNormal})
		e.Handle(now, tandem.LegEnded{Leg: a.Leg, Cause: tandem.CauseNormal, Ours: true})
		take()
	}
	return (ownCPU(b) - start).Seconds() * 1e6 / cycles
}

// ownCPU returns the CPU time that this process has used.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
