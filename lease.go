package tandem

import (
	"context"
	"time"
)

// Lease grants one node at a time the right to own something (a routing group, a campaign), with a fencing number that
// grows at every change of hands, so that what a former owner still writes can be told and refused.
// A Lease may be used concurrently. Package store/storetest holds this contract as a suite.
type Lease interface {
	// Acquire grants name to owner for ttl. ErrConflict says that another node holds it; a node that holds it
	// already gets its grant prolonged, under the same fencing number. An expired lease is free to anyone.
	Acquire(ctx context.Context, name string, owner NodeID, ttl time.Duration) (Grant, error)
	// Renew prolongs a grant to ttl from now. ErrConflict says that it is lost: expired or in other hands. The
	// owner must then stop acting on it at once.
	Renew(ctx context.Context, g Grant, ttl time.Duration) (Grant, error)
	// Release gives the grant back. ErrConflict says that it was lost before.
	Release(ctx context.Context, g Grant) error
}

// Grant is a lease that is held.
type Grant struct {
	Name  string
	Owner NodeID
	// Fence is the fencing number: greater at each new holder, never reused for the name, at least 1.
	Fence uint64
	// Until is when it lapses by the store's clock. An owner counts from before its request instead.
	Until time.Time
}
