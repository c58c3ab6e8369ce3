package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// part is something that runs until its context ends.
type part struct {
	name string
	run  func(ctx context.Context) error
}

// runParts starts the parts in order. When ctx ends, or one of them does by itself, it stops them one after another in
// the reverse order, each before the one that it depends on, and awaits them; it returns the fault that began it, or
// nil when ctx did. A part that does not end within patience is named in the log and waited for no longer.
func runParts(ctx context.Context, log *slog.Logger, patience time.Duration, parts []part) error {
	type running struct {
		part

		stop context.CancelFunc
		done chan error
	}
	started := make([]running, len(parts))
	first := make(chan error, len(parts))
	for i, p := range parts {
		// Each part has a context of its own: the end of ctx must stop them in order, not all at once.
		pctx, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{part: p, stop: stop, done: make(chan error, 1)}
		started[i] = r
		go func() {
			err := r.run(pctx)
			if err == nil || pctx.Err() != nil && errors.Is(err, context.Canceled) {
				err = nil
			}
			if pctx.Err() == nil { // it ended by itself
				if err == nil {
					err = errors.New("ended by itself")
				}
				first <- fmt.Errorf("%s: %w", r.name, err)
			}
			r.done <- err
		}()
	}
	var fault error
	select {
	case <-ctx.Done():
	case fault = <-first:
		log.ErrorContext(ctx, "part failed, stopping", "error", fault)
	}
	for _, r := range slices.Backward(started) {
		r.stop()
		t := time.NewTimer(patience)
		select {
		case err := <-r.done:
			if err != nil && fault == nil {
				fault = fmt.Errorf("%s: %w", r.name, err)
			}
		case <-t.C:
			log.ErrorContext(ctx, "part does not stop", "name", r.name)
		}
		t.Stop()
	}
	return fault
}
