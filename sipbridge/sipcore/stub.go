package sipcore

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
)

// Endpoint serves SIP; see [New].
type Endpoint struct{ ready chan struct{} }

// Call is one leg; see [Handler] and [Endpoint.Invite].
type Call struct {
	id, callID, user, trunk string
	maxForwards             int
	in                      *Inbound
	flow                    atomic.Pointer[Flow]
	state                   atomic.Uint32
}

var errStub = errors.New("sipcore: not built yet")

func newEndpoint(Config) (*Endpoint, error)                              { return nil, errStub }
func (e *Endpoint) run(context.Context) error                            { return errStub }
func (e *Endpoint) listenerAddr(string) (netip.AddrPort, bool)           { return netip.AddrPort{}, false }
func (e *Endpoint) invite(context.Context, InviteRequest) (*Call, error) { return nil, errStub }
func (e *Endpoint) do(context.Context, Request) (*Response, error)       { return nil, errStub }
func (e *Endpoint) callByID(string) (*Call, bool)                        { return nil, false }
func (e *Endpoint) countCalls() int                                      { return 0 }
func (e *Endpoint) flowByID(string) (*Flow, bool)                        { return nil, false }
func (e *Endpoint) serveMessages(context.Context, MessageConn) error     { return errStub }
func (c *Call) command(any) error                                        { return errStub }

func (e *Endpoint) snapshot() Counters { var c counters; return c.snapshot() }
