package acdtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd/acdtest"
)

const head = "promise something\nqueue support\nagent ann seats support\nat 1s call c1 to support\n"

func TestParse_SaysWhatIsWrongAndInWhichLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 `line 1: wants "promise"`,
		"queue support":                    `line 1: wants "promise"`,
		"promise":                          "line 1: promise wants a text",
		"promise x\npromise y":             "line 2: promise wants a text, once",
		"promise x\n\nfoo":                 `line 3: "foo" is no statement`,
		head:                               "line 4: the scenario expects nothing",
		head + "expect 1s c1 start":        `line 5: "c1 start" is nothing that can happen`,
		head + "expect 1s c2 started":      `line 5: "c2 started" is nothing`,
		head + "expect 1s offer c1 to bob": "line 5:",
		head + "expect 1s c1 ended nicely by any":              "line 5:",
		head + "expect soon c1 started":                        `line 5: "soon" is no time`,
		head + "expect -1s c1 started":                         `line 5: "-1s" is no time`,
		head + "expect 1s agent ann is happy":                  "line 5:",
		head + "expect 1s queue support counts offered x":      `line 5: "x" is no number`,
		head + "expect 1s queue support counts answered 1":     `line 5: wants "offered"`,
		head + "expect never c1 started after":                 "line 5:",
		head + "expect never c1 started after x":               `line 5: "x" is no time`,
		head + "expect x times c1 started":                     `line 5: "x" is no number`,
		head + "queue support strategy fastest":                `line 5: there is no strategy "fastest"`,
		head + "queue any":                                     `line 5: "any" is no name`,
		head + "queue b speed 3":                               `line 5: "speed" is no setting of a queue`,
		head + "queue b leave-when gone":                       "line 5:",
		head + "queue b ring":                                  `line 5: "" is no time`,
		head + "agent bob sits support":                        `line 5: wants "seats", got "sits"`,
		head + "agent bob seats support:x":                     `line 5: "support:x" is no seat`,
		head + "agent bob seats a:1:2:3":                       `line 5: "a:1:2:3" is no seat`,
		head + "agent bob seats support dances":                `line 5: "dances" is nothing an agent does`,
		head + "agent bob seats support refuses busy now":      `line 5: wants "after", got "now"`,
		head + "at 5s agent bob login":                         `line 5: there is no agent "bob"`,
		head + "at 5s agent ann reject c9":                     `line 5: there is no call "c9"`,
		head + "at 5s device ann broken":                       `line 5: a device is lost or back`,
		head + "at 5s call c1 to support":                      `line 5: call "c1" is there twice`,
		head + "at 5s call c2 at support":                      `line 5: wants "to", got "at"`,
		head + "at 5s call c2 to sales":                        `line 5: there is no queue "sales"`,
		head + "at 5s call c2 to support politely":             `line 5: "politely" is nothing about a call`,
		head + "at 5s c1 sings":                                `line 5: "sings" is nothing a customer does`,
		head + "at 5s c1 hangs up now":                         `line 5: "now" is too much`,
		head + "at 9999h c1 hangs up":                          "line 5:",
		head + "on moon":                                       `line 5: "moon" is no place`,
		head + "on engine engine":                              "line 5:",
		head + "on":                                            "line 5: names no place",
		head + "at 5s switch lost\nexpect 1s c1 started":       `line 5: needs "on engine"`,
		head + "hang-up takes 5s\nexpect 1s c1 started":        `line 5: needs "on engine"`,
		head + "expect 9s c1 started\nend 5s":                  "line 6: the end 5s is before 9s",
		head + "agent bob seats nowhere\nexpect 1s c1 started": `queue "nowhere" does not exist`,
	} {
		_, err := acdtest.Parse(strings.NewReader(text))
		require.ErrorIs(t, err, tandem.ErrInvalid, "%q", text)
		require.ErrorContains(t, err, want, "%q", text)
	}
	_, err := acdtest.Parse(strings.NewReader(strings.Repeat("\n", 10_001)))
	require.ErrorContains(t, err, "too many lines")
	_, err = acdtest.Parse(strings.NewReader("promise " + strings.Repeat("x", 1<<17)))
	require.ErrorContains(t, err, "line 1")
}

// TestCheck_CanFail breaks each kind of expectation.
func TestCheck_CanFail(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"expect 2s c1 started":                       "expected at 2s: c1 started",
		"expect 1s c1 started\nexpect 1s c1 started": "line 7: expected at 1s",
		"expect 2 times c1 started":                  "expected 2 times, came 1 times",
		"expect never any started":                   "must not happen, came at 1s: c1 started",
		"expect never c1 started before 2s":          "must not happen",
		"expect never c1 started after 500ms":        "must not happen",
		"expect 1s c1 waited 5s for ann":             "expected at 1s",
		"expect 2s agent ann is ready":               "at 2s agent ann is on_call, expected ready",
		"expect 2s queue support counts offered 1 answered 0 abandoned 0 left 0 waiting 1 talking 0": "counts offered 1 answered 1 abandoned 0 left 0 waiting 0 talking 1",
	} {
		s, err := acdtest.Parse(strings.NewReader(head + "at 0s agent ann login\n" + line))
		require.NoError(t, err, line)
		h, err := acdtest.RunEngine(s)
		require.NoError(t, err)
		err = s.Check(h, 0)
		require.ErrorContains(t, err, want, line)
		require.ErrorContains(t, err, "1s c1 connected to ann", "the story is told")
	}
	for _, line := range []string{
		"expect never c1 started after 1s", "expect never c1 started before 1s", "expect 1s c1 waited 0s for any", "expect 1 times any connected to any",
		"expect 2s agent ann is on_call",
	} {
		s, err := acdtest.Parse(strings.NewReader(head + "at 0s agent ann login\n" + line))
		require.NoError(t, err, line)
		h, err := acdtest.RunEngine(s)
		require.NoError(t, err)
		require.NoError(t, s.Check(h, 0))
	}
}

func TestCheck_AllowsForTheClockInRealTime(t *testing.T) {
	t.Parallel()
	s, err := acdtest.Parse(strings.NewReader(head + "at 0s agent ann login\nwithin 500ms\nexpect 1200ms c1 started\nexpect 1s c1 waited 300ms for ann"))
	require.NoError(t, err)
	h, err := acdtest.RunEngine(s)
	require.NoError(t, err)
	require.NoError(t, s.Check(h, s.Within))
	require.Error(t, s.Check(h, 0))
}

// FuzzParse requires that every text is either refused or a scenario that can be run.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../testdata/scenarios/*.txt")
	require.NoError(f, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			return
		}
		s, err := acdtest.Parse(strings.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, tandem.ErrInvalid)
			return
		}
		if s.End > 10*60*1e9 {
			return
		}
		h, err := acdtest.RunEngine(s)
		if err != nil {
			require.ErrorContains(t, err, "no rest")
			return
		}
		_ = s.Check(h, 0)
	})
}

// TestRunEngine_EndsAlthoughTheAgentRefusesWithoutPause shows that a scenario without an end is an error and not a test that hangs.
func TestRunEngine_EndsAlthoughTheAgentRefusesWithoutPause(t *testing.T) {
	t.Parallel()
	text := "promise x\nqueue q back-off none\nagent ann seats q refuses busy after 0s\nat 0s agent ann login\nat 1s call c1 to q\nexpect 1s c1 started"
	s, err := acdtest.Parse(strings.NewReader(text))
	require.NoError(t, err)
	_, err = acdtest.RunEngine(s)
	require.ErrorContains(t, err, "no rest after 200000 deeds, at 1s")
}

// A supervisor's rule, written down and checked.
func Example() {
	s, err := acdtest.Parse(strings.NewReader(`
promise An offer that rings out goes to the next agent.
queue support ring 10s
agent ann seats support ignores
agent bob seats support answers after 2s
at 0s agent ann login
at 1s agent bob login
at 5s call c1 to support talks 30s
expect 5s offer c1 to ann
expect 17s c1 connected to bob
expect never offer c1 to ann after 6s
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := acdtest.RunEngine(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Check(h, 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("kept:", s.Title)
	// Output: kept: An offer that rings out goes to the next agent.
}
