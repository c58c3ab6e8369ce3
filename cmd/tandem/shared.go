package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/acd"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/redisstore"
)

// The lease on the centre's routing: long enough to outlive a pause of the process, short enough that another node takes
// over within seconds.
const (
	leaseName  = "routing"
	leaseTime  = 6 * time.Second
	renewEvery = 2 * time.Second
	// presenceTime is how long an agent counts as present without being said so again.
	presenceTime = 15 * time.Second
)

// shared is what several processes of one centre share through Redis: who owns the routing, and who is at work. Without
// Redis there is one process, and it is nil.
type shared struct {
	redis *redisstore.Store
	node  tandem.NodeID
	grant tandem.Grant
	held  time.Time // before the request of the last renewal: from here leaseTime counts
	log   *slog.Logger
}

// joinShared connects to Redis and waits until this node owns the routing: nothing may be written before.
func joinShared(ctx context.Context, url string, node tandem.NodeID, log *slog.Logger) (*shared, error) {
	r, err := redisstore.Open(ctx, redisstore.Config{URL: url})
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	s := &shared{redis: r, node: node, log: log}
	for told := false; ; told = true {
		s.held = time.Now()
		s.grant, err = r.Lease().Acquire(ctx, leaseName, node, leaseTime)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, tandem.ErrConflict) {
			return nil, errors.Join(fmt.Errorf("redis: lease: %w", err), r.Close())
		}
		if !told {
			log.InfoContext(ctx, "another process runs this centre, waiting to take over")
		}
		if err := sleep(ctx, time.Second); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep renews the lease until ctx ends, then gives it back. A lost lease is a fault that ends the server: another node may
// own the routing from that moment.
func (s *shared) keep(ctx context.Context) error {
	for {
		if err := s.renew(ctx); err != nil {
			return err
		}
		if err := sleep(ctx, renewEvery); err != nil {
			back, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			if err := s.redis.Lease().Release(back, s.grant); err != nil {
				s.log.WarnContext(ctx, "lease not given back, it lapses by itself", "error", err)
			}
			return err
		}
	}
}

// renew prolongs the lease. A Redis that does not answer is borne for as long as the lease is certainly held.
func (s *shared) renew(ctx context.Context) error {
	at := time.Now()
	try, stop := context.WithTimeout(ctx, renewEvery)
	defer stop()
	g, err := s.redis.Lease().Renew(try, s.grant, leaseTime)
	switch {
	case err == nil:
		s.grant, s.held = g, at
	case errors.Is(err, tandem.ErrConflict):
		return fmt.Errorf("lease on the routing lost: %w", err)
	case ctx.Err() == nil && time.Since(s.held) > leaseTime-renewEvery:
		return fmt.Errorf("lease on the routing cannot be renewed: %w", err)
	case ctx.Err() == nil:
		s.log.WarnContext(ctx, "lease not renewed, trying again", "error", err)
	}
	return nil
}

// publish tells the other processes who is at work until ctx ends: at every change, and again before it is forgotten. A
// Redis that does not answer makes the others' view stale and is logged; no call depends on it.
func (s *shared) publish(ctx context.Context, centre *acd.Center, journal *reports.Journal) error {
	changed := make(chan struct{}, 1)
	followed := make(chan error, 1)
	go func() {
		followed <- journal.Follow(ctx, journal.Last()+1, func(rs []tandem.Record) error {
			for _, r := range rs {
				_, state := r.Event.(tandem.AgentChanged)
				if _, device := r.Event.(tandem.DeviceChanged); !state && !device {
					continue
				}
				select {
				case changed <- struct{}{}:
				default: // one is waiting already
				}
			}
			return nil
		})
	}()
	present := map[tandem.AgentID]bool{}
	for {
		if err := s.put(ctx, centre, present); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "presence not published", "error", err)
		}
		t := time.NewTimer(presenceTime / 3)
		select {
		case <-changed:
		case <-t.C:
		case err := <-followed:
			t.Stop()
			return err
		}
		t.Stop()
	}
}

// put publishes everybody who is at work and removes who has gone since.
func (s *shared) put(ctx context.Context, centre *acd.Center, present map[tandem.AgentID]bool) error {
	snap, err := centre.Snapshot(ctx)
	if err != nil {
		return err
	}
	for _, a := range snap.Agents {
		if a.State == tandem.AgentUnset || a.State == tandem.AgentLoggedOut {
			if present[a.ID] {
				if err := s.redis.Presence().Remove(ctx, a.ID, s.node); err != nil {
					return fmt.Errorf("remove %s: %w", a.ID, err)
				}
				delete(present, a.ID)
			}
			continue
		}
		p := reports.Present{Agent: a.ID, Node: s.node, State: a.State, Reason: a.Reason, Reachable: a.Reachable, Since: a.Since}
		if err := s.redis.Presence().Put(ctx, p, presenceTime); err != nil {
			return fmt.Errorf("put %s: %w", a.ID, err)
		}
		present[a.ID] = true
	}
	return nil
}
