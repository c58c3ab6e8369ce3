package crm

import (
	"context"
	"time"
)

// Outbox keeps deliveries until they are made, across restarts: the port that a store implements. One Webhooks works on an outbox
// at a time (under a lease where there are several nodes). Its methods may be called concurrently.
type Outbox interface {
	// Enqueue stores new deliveries and, in the same transaction, the mark. A delivery whose ID is known, in
	// whatever state, is passed over without an error, so that the journal may be read twice.
	// A mark lower than the stored one is not stored.
	Enqueue(ctx context.Context, mark uint64, ds ...Delivery) error
	// Mark returns the highest mark stored; 0 when there is none.
	Mark(ctx context.Context) (uint64, error)
	// Due returns at most limit pending deliveries whose NextAt is not after now, by NextAt and then by Seq. Of each Order
	// only the pending delivery with the lowest Seq is considered: while that one waits for its retry the later ones wait too.
	Due(ctx context.Context, now time.Time, limit int) ([]Delivery, error)
	// Settle stores State, Attempts, NextAt and LastError of the delivery named d.ID, after an attempt or to replay
	// a dead one. ErrNotFound says that there is no such delivery.
	Settle(ctx context.Context, d Delivery) error
	// List returns at most limit deliveries in state, the newest Seq first: what an operator looks at.
	List(ctx context.Context, state DeliveryState, limit int) ([]Delivery, error)
}

// Delivery is one message to a receiver.
type Delivery struct {
	// ID names the delivery for ever; it is the receiver's idempotency key (the header webhook-id).
	ID string
	// Seq is the journal's number of the record that brought the delivery about; it orders those of one Order.
	Seq uint64
	// Order names what the order is kept within: the call.
	Order string
	// Type is the message's type, such as "call.ended".
	Type string
	// Body is the JSON text to send, the same bytes at each attempt.
	Body []byte

	State    DeliveryState
	Attempts int       // how many were made
	NextAt   time.Time // when the next is due (UTC)
	// LastError is what the last attempt came to, for an operator; empty after a success. It holds no secrets and no numbers.
	LastError string
}
