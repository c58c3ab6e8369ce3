package tandem

import (
	"errors"
	"fmt"
)

// The errors that callers branch on, found with errors.Is whatever wraps them.
var (
	// ErrNotFound says that what was named does not exist (any more). A store returns it for "absent", a switch
	// for a leg that it does not know or that has ended.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that someone was first: the name is taken, the lease is held, the version has moved on.
	ErrConflict = errors.New("conflict")
	// ErrState says that the thing exists and its state does not allow the command, such as bridging a leg that
	// has not been answered.
	ErrState = errors.New("not possible in this state")
	// ErrUnsupported says that this adapter lacks what the configuration or the command asks for.
	ErrUnsupported = errors.New("not supported")
	// ErrInvalid says that the input breaks a rule; the message names what and where.
	ErrInvalid = errors.New("invalid")
	// ErrFull says that a bounded queue or a limit is reached. Nothing was taken; trying later may succeed.
	ErrFull = errors.New("full")
	// ErrClosed says that the component is not running (yet, or any more).
	ErrClosed = errors.New("closed")
)

// CallError says which operation on which call or leg failed, and, where the telephone network said why, its cause.
type CallError struct {
	Op    string // the verb: "dial", "bridge", "offer"
	Call  CallID // empty when the leg belongs to no call yet
	Leg   LegID  // empty when the operation is about the call as a whole
	Cause Cause  // CauseUnset when the network was not asked
	Err   error  // what went wrong; never nil
}

// Error names the operation, the leg or call, and what went wrong.
func (e *CallError) Error() string {
	on := string(e.Call)
	if e.Leg != "" {
		on = string(e.Leg)
	}
	if e.Cause != CauseUnset {
		return fmt.Sprintf("%s %s: %s: %v", e.Op, on, e.Cause, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, on, e.Err)
}

// Unwrap returns Err.
func (e *CallError) Unwrap() error { return e.Err }

// ConfigError says which setting is wrong and why, so that an operator finds the line. errors.Is(err, ErrInvalid)
// holds unless Err says otherwise.
type ConfigError struct {
	Where string // the path of the setting: "routes[2].queue"
	What  string // what is wrong with it: `queue "sales" does not exist`
	Err   error  // nil means ErrInvalid
}

// Error names the setting and what is wrong with it.
func (e *ConfigError) Error() string { return e.Where + ": " + e.What }

// Unwrap returns Err, or ErrInvalid when that is nil.
func (e *ConfigError) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	return ErrInvalid
}
