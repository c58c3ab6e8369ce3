package acd

import (
	"context"

	"github.com/tandem-cc/tandem"
)

// Routes sends calls to queues by the number at which they came in (the DID). Its method Route is a RouteFunc:
//
//	acd.Config{Route: acd.Routes{DIDs: map[tandem.Number]acd.Route{"1000": {Queue: "support"}}}.Route}
//
// The zero value refuses every call with CauseUnallocated.
type Routes struct {
	DIDs    map[tandem.Number]Route // by the exact number
	Default Route                   // for every other number
}

// Route returns the route of the number that was called. It never fails, and may be called concurrently as long as nobody changes r.
func (r Routes) Route(_ context.Context, in tandem.LegIncoming) (Route, error) {
	if route, ok := r.DIDs[in.To]; ok {
		return route, nil
	}
	return r.Default, nil
}
