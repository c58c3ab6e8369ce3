package acd

import "fmt"

// task is what the engine has going on with an agent: the finer grain beneath tandem.AgentState, which says what others see.
//
//	idle ─► ringing ─► bridging ─► talking ─► wrapping ─► idle
//	           └───────────┴───► clearing ◄──────┴─────────► idle
type task uint8

const (
	taskIdle     task = iota // nothing; ready, paused, unavailable or logged out
	taskRinging              // an offer rings; the timer is its deadline
	taskBridging             // the offer was answered; the timer bounds the bridging
	taskTalking              // in conversation; no timer
	taskWrapping             // in wrap-up; the timer is its end
	taskClearing             // done, but for the end of the agent's leg, which the timer bounds
)

// String returns the task's name.
func (t task) String() string {
	names := [...]string{"idle", "ringing", "bridging", "talking", "wrapping", "clearing"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("task(%d)", t)
}
