package storetest

import (
	"context"
	"testing"
	"time"
)

// Durable is a store under test.
type Durable[T any] struct {
	// Store is the store, empty. Required.
	Store T
	// Reopen closes the store and opens it again over the same data. Nil: the store lives in memory, and the cases about
	// reopening go on with the same store.
	Reopen func(t *testing.T) T
}

// reopen returns the store, opened again where it can be.
func (d Durable[T]) reopen(t *testing.T) T {
	t.Helper()
	if d.Reopen == nil {
		return d.Store
	}
	return d.Reopen(t)
}

// cases runs each case as a parallel subtest with a store of its own.
func cases[T any](t *testing.T, open func(t *testing.T) T, byName map[string]func(t *testing.T, open T)) {
	t.Helper()
	for name, run := range byName {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, open(t))
		})
	}
}

// cancelled returns a context that has ended.
func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// start is a time with a fraction that microseconds can hold.
func start() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 123456000, time.UTC) }

// hostile is text as a stranger may send it.
const hostile = "a\x00b\xffc'; DROP TABLE journal; --\u2028\\u0000 ☎"
