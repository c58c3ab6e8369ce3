package acdtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// anything is the word of an expectation that stands for any name.
const anything = "any"

// sentences are the forms that a sentence may have; a word in capitals stands for a name of that kind.
func sentences() [][]string {
	var forms [][]string
	for _, form := range []string{
		"CALL started", "CALL queued in QUEUE at N", "offer CALL to AGENT", "offer CALL to AGENT ended CAUSE", "CALL connected to AGENT",
		"CALL waited TIME for AGENT", "CALL left REASON", "CALL released by PARTY", "CALL ended CAUSE by PARTY", "agent AGENT STATE", "CALL decided RULE",
	} {
		forms = append(forms, strings.Fields(form))
	}
	return forms
}

// sentence checks that the words have a form, and name only what there is: an expectation with a slip of the pen would never fail.
func (p *parser) sentence(words []string) error {
	for _, form := range sentences() {
		if p.fits(words, form) {
			return nil
		}
	}
	return fmt.Errorf("%q is nothing that can happen, or names something that is not there", strings.Join(words, " "))
}

func (p *parser) fits(words, form []string) bool {
	if len(words) != len(form) {
		return false
	}
	for i, w := range words {
		if w == form[i] && strings.ToLower(w) == w {
			continue
		}
		if strings.ToLower(form[i]) == form[i] || !p.isA(form[i], w) {
			return false
		}
	}
	return true
}

// isA says whether a word names something of a kind.
func (p *parser) isA(kind, w string) bool {
	var err error
	if w == anything {
		return true
	}
	sub := parser{s: p.s, calls: p.calls, words: []string{w}}
	switch kind {
	case "CALL":
		_, err = sub.callID()
	case "QUEUE":
		_, err = sub.queueID()
	case "AGENT":
		_, err = sub.agentID()
	case "CAUSE":
		_, err = enum[tandem.Cause](w)
	case "REASON":
		_, err = enum[tandem.LeaveReason](w)
	case "PARTY":
		_, err = enum[tandem.Party](w)
	case "STATE":
		_, err = enum[tandem.AgentState](w)
	case "TIME":
		_, err = sub.duration()
	case "N":
		_, err = sub.number()
	default:
		return isName(w)
	}
	return err == nil
}

// tell puts an event into words; nil: nobody asks for it. A connection makes two sentences.
func tell(ev tandem.Event) [][]string {
	var text string
	switch ev := ev.(type) {
	case tandem.CallStarted:
		text = fmt.Sprintf("%s started", ev.Call.ID)
	case tandem.CallQueued:
		text = fmt.Sprintf("%s queued in %s at %d", ev.Call, ev.Queue, ev.Position)
	case tandem.CallOffered:
		text = fmt.Sprintf("offer %s to %s", ev.Call, ev.Agent)
	case tandem.OfferEnded:
		text = fmt.Sprintf("offer %s to %s ended %s", ev.Call, ev.Agent, ev.Cause)
	case tandem.CallConnected:
		return [][]string{
			{string(ev.Call), "connected", "to", string(ev.Agent)},
			{string(ev.Call), "waited", ev.Waited.String(), "for", string(ev.Agent)},
		}
	case tandem.CallLeft:
		text = fmt.Sprintf("%s left %s", ev.Call, ev.Reason)
	case tandem.CallReleased:
		text = fmt.Sprintf("%s released by %s", ev.Call, ev.By)
	case tandem.CallEnded:
		text = fmt.Sprintf("%s ended %s by %s", ev.Call, ev.Cause, ev.By)
	case tandem.AgentChanged:
		text = fmt.Sprintf("agent %s %s", ev.Agent, ev.To)
	case tandem.Decided:
		text = fmt.Sprintf("%s decided %s", ev.Call, ev.Rule)
	default:
		return nil
	}
	return [][]string{strings.Fields(text)}
}

// means says whether a sentence that happened is the one that was expected.
func means(happened, expected []string, within time.Duration) bool {
	if len(happened) != len(expected) {
		return false
	}
	for i, w := range expected {
		if w == anything || w == happened[i] {
			continue
		}
		if i != 2 || expected[1] != "waited" || !near(happened[i], w, within) {
			return false
		}
	}
	return true
}

// near compares two durations in words.
func near(a, b string, within time.Duration) bool {
	x, err := time.ParseDuration(a)
	y, err2 := time.ParseDuration(b)
	return err == nil && err2 == nil && (x-y).Abs() <= within
}

// countsText puts the counters of a queue into words.
func countsText(counts [6]int) string {
	var b strings.Builder
	for i, what := range [...]string{"offered", "answered", "abandoned", "left", "waiting", "talking"} {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(what + " " + strconv.Itoa(counts[i]))
	}
	return b.String()
}
