package acdtest

import (
	"slices"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
)

// Scenario is a parsed file. It is not changed by being run.
type Scenario struct {
	Title  string // what it shows
	Defect bool   // it shows that a known defect of other systems is absent
	On     []string
	Within time.Duration // by how much a time may be off in real time
	Queues []acd.QueueConfig
	Agents []acd.AgentConfig
	Manner map[tandem.AgentID]Manner
	Away   map[tandem.AgentID]bool // has no device at the start
	// HangUp is how long the switch takes to end a leg that it was told to hang up.
	HangUp time.Duration
	Steps  []Step // by time
	Expect []Expectation
	End    time.Duration
}

// The places where a scenario may run.
const (
	OnEngine   = "engine"   // the engine alone, virtual time
	OnLoopback = "loopback" // a Center over a switch in memory, virtual time
	OnReal     = "real"     // a Center over SIP, real time
)

// RunsOn says whether the scenario is meant for a place.
func (s *Scenario) RunsOn(place string) bool { return slices.Contains(s.On, place) }

// Manner is what an agent does when the device rings. The zero value answers at once.
type Manner struct {
	After   time.Duration
	Ignores bool
	Refuses tandem.Cause // unless unset
}

// Step is something that a person or the switch does.
type Step struct {
	At     time.Duration
	Line   int
	Deed   Deed
	Agent  tandem.AgentID
	Call   tandem.CallID
	Reason string       // DeedPause
	Cause  tandem.Cause // DeedRefuse
	Manner Manner       // DeedManner
	Route  acd.Route    // DeedCall
	Talk   time.Duration
	// Patience is how long the customer stays on the line without being connected; zero: for ever.
	Patience time.Duration
}

// Deed is what a step does.
type Deed uint8

// The deeds.
const (
	DeedUnset Deed = iota
	DeedLogin
	DeedLogout
	DeedReady
	DeedPause
	DeedFinish
	DeedReject
	DeedAgentHangsUp
	DeedAnswer
	DeedRefuse
	DeedManner
	DeedDeviceLost
	DeedDeviceBack
	DeedCall
	DeedHangsUp
	DeedSupervisorHangsUp
	DeedSwitchLost
	DeedLook // take a snapshot for an expectation
)

// Expectation is what must have happened.
type Expectation struct {
	Line  int
	Kind  ExpectationKind
	At    time.Duration // ExpectAt, ExpectState, ExpectCounts
	Times int           // ExpectTimes
	From  time.Duration // ExpectNever: from here
	To    time.Duration // ExpectNever: to here; zero: to the end
	// Words are those of the sentence.
	Words []string
	Agent tandem.AgentID
	State tandem.AgentState
	Queue tandem.QueueID
	// Counts are offered, answered, abandoned, left, waiting and talking.
	Counts [6]int
}

// ExpectationKind is a kind of expectation.
type ExpectationKind uint8

// The kinds of expectation.
const (
	ExpectUnset ExpectationKind = iota
	ExpectAt
	ExpectTimes
	ExpectNever
	ExpectState
	ExpectCounts
)
