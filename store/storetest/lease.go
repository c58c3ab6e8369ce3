package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
)

// The lengths of the suite's leases: one that does not lapse while a case runs, and one that does soon.
const (
	longLease  = time.Minute
	shortLease = 100 * time.Millisecond
)

// Lease checks a tandem.Lease.
func Lease(t *testing.T, open func(t *testing.T) Durable[tandem.Lease]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[tandem.Lease]){
		"OneHolder":             leaseOneHolder,
		"SameHolderKeepsFence":  leaseSameHolderKeepsFence,
		"ReleaseRaisesFence":    leaseReleaseRaisesFence,
		"ExpiryFreesAndFences":  leaseExpiry,
		"RefusesStrangersGrant": leaseRefusesStrangers,
		"RefusesNonsense":       leaseRefusesNonsense,
		"OneOfManyWins":         leaseOneOfManyWins,
		"HeedsTheContext":       leaseHeedsTheContext,
		"SurvivesReopening":     leaseSurvivesReopening,
	})
}

func leaseOneHolder(t *testing.T, d Durable[tandem.Lease]) {
	g, err := d.Store.Acquire(t.Context(), "group", "n1", longLease)
	require.NoError(t, err)
	assert.Equal(t, "group", g.Name)
	assert.Equal(t, tandem.NodeID("n1"), g.Owner)
	assert.GreaterOrEqual(t, g.Fence, uint64(1))
	assert.WithinDuration(t, time.Now().Add(longLease), g.Until, 10*time.Second)
	_, err = d.Store.Acquire(t.Context(), "group", "n2", longLease)
	require.ErrorIs(t, err, tandem.ErrConflict)
	_, err = d.Store.Acquire(t.Context(), "other", "n2", longLease)
	require.NoError(t, err, "another name is another lease")
}

func leaseSameHolderKeepsFence(t *testing.T, d Durable[tandem.Lease]) {
	g, err := d.Store.Acquire(t.Context(), "group", "n1", longLease)
	require.NoError(t, err)
	again, err := d.Store.Acquire(t.Context(), "group", "n1", 2*longLease)
	require.NoError(t, err)
	assert.Equal(t, g.Fence, again.Fence)
	assert.True(t, again.Until.After(g.Until), "%s is not after %s", again.Until, g.Until)
	renewed, err := d.Store.Renew(t.Context(), g, 3*longLease)
	require.NoError(t, err)
	assert.Equal(t, g.Fence, renewed.Fence)
	assert.True(t, renewed.Until.After(again.Until), "%s is not after %s", renewed.Until, again.Until)
}

func leaseReleaseRaisesFence(t *testing.T, d Durable[tandem.Lease]) {
	var before uint64
	for range 3 {
		for _, node := range []tandem.NodeID{"n1", "n2"} {
			g, err := d.Store.Acquire(t.Context(), "group", node, longLease)
			require.NoError(t, err)
			require.Greater(t, g.Fence, before, "the fencing number grows with each holder")
			before = g.Fence
			require.NoError(t, d.Store.Release(t.Context(), g))
			require.ErrorIs(t, d.Store.Release(t.Context(), g), tandem.ErrConflict, "released twice")
			_, err = d.Store.Renew(t.Context(), g, longLease)
			require.ErrorIs(t, err, tandem.ErrConflict, "renewed after release")
		}
	}
}

func leaseExpiry(t *testing.T, d Durable[tandem.Lease]) {
	g, err := d.Store.Acquire(t.Context(), "group", "n1", shortLease)
	require.NoError(t, err)
	var next tandem.Grant
	require.Eventually(t, func() bool {
		var err error
		next, err = d.Store.Acquire(t.Context(), "group", "n2", longLease)
		return err == nil
	}, 10*time.Second, 5*time.Millisecond, "an expired lease is free")
	assert.Greater(t, next.Fence, g.Fence)
	_, err = d.Store.Renew(t.Context(), g, longLease)
	require.ErrorIs(t, err, tandem.ErrConflict, "the former holder renews")
	require.ErrorIs(t, d.Store.Release(t.Context(), g), tandem.ErrConflict, "the former holder releases")
	_, err = d.Store.Renew(t.Context(), next, longLease)
	require.NoError(t, err, "the present holder is not disturbed")

	lapsed, err := d.Store.Acquire(t.Context(), "own", "n1", shortLease)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := d.Store.Renew(t.Context(), lapsed, shortLease/100)
		return errors.Is(err, tandem.ErrConflict)
	}, 10*time.Second, 5*time.Millisecond, "nobody renews a lease that has expired, not even when nobody took it")
}

func leaseRefusesStrangers(t *testing.T, d Durable[tandem.Lease]) {
	g, err := d.Store.Acquire(t.Context(), "group", "n1", longLease)
	require.NoError(t, err)
	for name, forged := range map[string]tandem.Grant{
		"another owner": {Name: g.Name, Owner: "n2", Fence: g.Fence},
		"another fence": {Name: g.Name, Owner: g.Owner, Fence: g.Fence + 1},
		"another name":  {Name: "nothing", Owner: g.Owner, Fence: g.Fence},
		"no owner":      {Name: g.Name, Fence: g.Fence},
	} {
		_, err := d.Store.Renew(t.Context(), forged, longLease)
		require.ErrorIs(t, err, tandem.ErrConflict, "renew by %s", name)
		require.ErrorIs(t, d.Store.Release(t.Context(), forged), tandem.ErrConflict, "release by %s", name)
	}
	_, err = d.Store.Renew(t.Context(), g, longLease)
	require.NoError(t, err)
}

func leaseRefusesNonsense(t *testing.T, d Durable[tandem.Lease]) {
	_, err := d.Store.Acquire(t.Context(), "", "n1", longLease)
	require.ErrorIs(t, err, tandem.ErrInvalid, "no name")
	_, err = d.Store.Acquire(t.Context(), "group", "", longLease)
	require.ErrorIs(t, err, tandem.ErrInvalid, "no owner")
	_, err = d.Store.Acquire(t.Context(), "group", "n1", 0)
	require.ErrorIs(t, err, tandem.ErrInvalid, "no time")
	g, err := d.Store.Acquire(t.Context(), "group", "n1", longLease)
	require.NoError(t, err)
	_, err = d.Store.Renew(t.Context(), g, -time.Second)
	require.ErrorIs(t, err, tandem.ErrInvalid, "negative time")
}

func leaseOneOfManyWins(t *testing.T, d Durable[tandem.Lease]) {
	var winners, fences atomic.Uint64
	var wg sync.WaitGroup
	for _, node := range []tandem.NodeID{"a", "b", "c", "d", "e", "f", "g", "h"} {
		wg.Go(func() {
			g, err := d.Store.Acquire(t.Context(), "group", node, longLease)
			if errors.Is(err, tandem.ErrConflict) {
				return
			}
			if assert.NoError(t, err) {
				winners.Add(1)
				fences.Store(g.Fence)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, winners.Load(), "holders of one lease")
	assert.EqualValues(t, 1, fences.Load(), "the first fencing number")
}

func leaseHeedsTheContext(t *testing.T, d Durable[tandem.Lease]) {
	_, err := d.Store.Acquire(cancelled(t), "group", "n1", longLease)
	require.ErrorIs(t, err, context.Canceled)
	_, err = d.Store.Acquire(t.Context(), "group", "n2", longLease)
	require.NoError(t, err, "nothing was taken")
}

func leaseSurvivesReopening(t *testing.T, d Durable[tandem.Lease]) {
	g, err := d.Store.Acquire(t.Context(), "group", "n1", longLease)
	require.NoError(t, err)
	again := d.reopen(t)
	_, err = again.Acquire(t.Context(), "group", "n2", longLease)
	require.ErrorIs(t, err, tandem.ErrConflict, "a lease outlives the process that took it")
	require.NoError(t, again.Release(t.Context(), g))
	next, err := again.Acquire(t.Context(), "group", "n2", longLease)
	require.NoError(t, err)
	assert.Greater(t, next.Fence, g.Fence)
}
