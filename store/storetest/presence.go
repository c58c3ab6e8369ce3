package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Presence checks a reports.Presence.
func Presence(t *testing.T, open func(t *testing.T) Durable[reports.Presence]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[reports.Presence]){
		"PutGetList":      presencePutGetList,
		"ForgetsInTime":   presenceForgets,
		"LatestNodeWins":  presenceLatestNodeWins,
		"RefusesNonsense": presenceRefusesNonsense,
		"ManyAtOnce":      presenceManyAtOnce,
		"HeedsTheContext": presenceHeedsTheContext,
		"HostileText":     presenceHostileText,
	})
}

func presencePutGetList(t *testing.T, d Durable[reports.Presence]) {
	who, err := d.Store.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, who)
	_, err = d.Store.Get(t.Context(), "ana")
	require.ErrorIs(t, err, tandem.ErrNotFound)

	ana := reports.Present{Agent: "ana", Node: "n1", State: tandem.AgentPaused, Reason: "lunch", Reachable: true, Since: start()}
	bo := reports.Present{Agent: "bo", Node: "n1", State: tandem.AgentReady, Since: start()}
	require.NoError(t, d.Store.Put(t.Context(), bo, longLease))
	require.NoError(t, d.Store.Put(t.Context(), ana, longLease))
	got, err := d.Store.Get(t.Context(), "ana")
	require.NoError(t, err)
	assert.Equal(t, ana, got)
	ana.State, ana.Reason = tandem.AgentReady, ""
	require.NoError(t, d.Store.Put(t.Context(), ana, longLease))
	who, err = d.Store.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []reports.Present{ana, bo}, who)

	require.NoError(t, d.Store.Remove(t.Context(), "ana", "n1"))
	require.NoError(t, d.Store.Remove(t.Context(), "nobody", "n1"))
	_, err = d.Store.Get(t.Context(), "ana")
	require.ErrorIs(t, err, tandem.ErrNotFound)
	who, err = d.Store.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []reports.Present{bo}, who)
}

func presenceForgets(t *testing.T, d Durable[reports.Presence]) {
	require.NoError(t, d.Store.Put(t.Context(), reports.Present{Agent: "ana", Node: "n1"}, shortLease))
	require.NoError(t, d.Store.Put(t.Context(), reports.Present{Agent: "bo", Node: "n1"}, longLease))
	require.Eventually(t, func() bool {
		_, err := d.Store.Get(t.Context(), "ana")
		return errors.Is(err, tandem.ErrNotFound)
	}, 10*time.Second, 5*time.Millisecond, "who is not renewed is forgotten")
	who, err := d.Store.List(t.Context())
	require.NoError(t, err)
	require.Len(t, who, 1)
	assert.Equal(t, tandem.AgentID("bo"), who[0].Agent)
}

func presenceLatestNodeWins(t *testing.T, d Durable[reports.Presence]) {
	require.NoError(t, d.Store.Put(t.Context(), reports.Present{Agent: "ana", Node: "n1"}, longLease))
	require.NoError(t, d.Store.Put(t.Context(), reports.Present{Agent: "ana", Node: "n2"}, longLease))
	require.NoError(t, d.Store.Remove(t.Context(), "ana", "n1"), "a node that lost the agent cleans up late")
	got, err := d.Store.Get(t.Context(), "ana")
	require.NoError(t, err)
	assert.Equal(t, tandem.NodeID("n2"), got.Node)
	who, err := d.Store.List(t.Context())
	require.NoError(t, err)
	assert.Len(t, who, 1)
}

func presenceRefusesNonsense(t *testing.T, d Durable[reports.Presence]) {
	for name, p := range map[string]reports.Present{"no agent": {Node: "n"}, "no node": {Agent: "a"}} {
		require.ErrorIs(t, d.Store.Put(t.Context(), p, longLease), tandem.ErrInvalid, name)
	}
	require.ErrorIs(t, d.Store.Put(t.Context(), reports.Present{Agent: "a", Node: "n"}, 0), tandem.ErrInvalid, "no time")
}

func presenceManyAtOnce(t *testing.T, d Durable[reports.Presence]) {
	const n = 64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			p := reports.Present{Agent: tandem.AgentID(fmt.Sprintf("agent-%03d", i)), Node: "n1"}
			assert.NoError(t, d.Store.Put(t.Context(), p, longLease))
		})
	}
	wg.Wait()
	who, err := d.Store.List(t.Context())
	require.NoError(t, err)
	require.Len(t, who, n)
	for i := range who {
		require.Equal(t, tandem.AgentID(fmt.Sprintf("agent-%03d", i)), who[i].Agent, "in order")
	}
}

func presenceHeedsTheContext(t *testing.T, d Durable[reports.Presence]) {
	require.ErrorIs(t, d.Store.Put(cancelled(t), reports.Present{Agent: "a", Node: "n"}, longLease), context.Canceled)
	_, err := d.Store.List(cancelled(t))
	require.ErrorIs(t, err, context.Canceled)
}

func presenceHostileText(t *testing.T, d Durable[reports.Presence]) {
	p := reports.Present{Agent: "a:*{}\r\nDEL b ☎", Node: "n1", Reason: "a \"pause\"\n☎"}
	require.NoError(t, d.Store.Put(t.Context(), p, longLease))
	got, err := d.Store.Get(t.Context(), p.Agent)
	require.NoError(t, err)
	assert.Equal(t, p, got)
	who, err := d.Store.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []reports.Present{p}, who)
}
