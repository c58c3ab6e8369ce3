package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

// Outbox checks a crm.Outbox.
func Outbox(t *testing.T, open func(t *testing.T) Durable[crm.Outbox]) {
	t.Helper()
	cases(t, open, map[string]func(*testing.T, Durable[crm.Outbox]){
		"BeginsEmpty":       outboxBeginsEmpty,
		"KeepsTheMark":      outboxKeepsTheMark,
		"TakesEachOnce":     outboxTakesEachOnce,
		"KeepsOrder":        outboxKeepsOrder,
		"Settles":           outboxSettles,
		"Lists":             outboxLists,
		"HeedsTheContext":   outboxHeedsTheContext,
		"SurvivesReopening": outboxSurvivesReopening,
	})
}

// delivery returns a pending delivery that is due at once.
func delivery(seq uint64, order string) crm.Delivery {
	return crm.Delivery{
		ID: fmt.Sprint("d", seq), Seq: seq, Order: order, Type: "call.ended", Body: []byte("{\"a\": \"\\u0000 ☎\"}\n"),
		State: crm.DeliveryPending, NextAt: start(),
	}
}

// due returns the IDs of what is due.
func due(t *testing.T, o crm.Outbox, now time.Time, limit int) []string {
	t.Helper()
	ds, err := o.Due(t.Context(), now, limit)
	require.NoError(t, err)
	var ids []string
	for _, d := range ds {
		ids = append(ids, d.ID)
	}
	return ids
}

func outboxBeginsEmpty(t *testing.T, d Durable[crm.Outbox]) {
	mark, err := d.Store.Mark(t.Context())
	require.NoError(t, err)
	assert.Zero(t, mark)
	assert.Empty(t, due(t, d.Store, start(), 10))
}

func outboxKeepsTheMark(t *testing.T, d Durable[crm.Outbox]) {
	for _, c := range []struct{ give, want uint64 }{{7, 7}, {3, 7}, {8, 8}} {
		require.NoError(t, d.Store.Enqueue(t.Context(), c.give))
		mark, err := d.Store.Mark(t.Context())
		require.NoError(t, err)
		assert.Equal(t, c.want, mark, "after %d", c.give)
	}
}

func outboxTakesEachOnce(t *testing.T, d Durable[crm.Outbox]) {
	one := delivery(1, "c1")
	require.NoError(t, d.Store.Enqueue(t.Context(), 1, one, delivery(2, "c2")))
	done := one
	done.State = crm.DeliveryDone
	require.NoError(t, d.Store.Settle(t.Context(), done))
	require.NoError(t, d.Store.Enqueue(t.Context(), 3, one, delivery(3, "c3")), "known ones are passed over")
	assert.Equal(t, []string{"d2", "d3"}, due(t, d.Store, start(), 10), "and keep their state")
	ds, err := d.Store.Due(t.Context(), start(), 1)
	require.NoError(t, err)
	assert.Equal(t, []crm.Delivery{delivery(2, "c2")}, ds, "every field is kept, the body byte for byte")
}

func outboxKeepsOrder(t *testing.T, d Durable[crm.Outbox]) {
	var ds []crm.Delivery
	for seq := uint64(1); seq <= 6; seq++ {
		ds = append(ds, delivery(seq, fmt.Sprint("call-", seq%2))) // odd and even
	}
	ds[2].NextAt = start().Add(time.Hour)
	ds[1].NextAt = start().Add(-time.Minute)
	require.NoError(t, d.Store.Enqueue(t.Context(), 6, ds...))
	assert.Equal(t, []string{"d2", "d1"}, due(t, d.Store, start(), 10), "the first of each order, by the time due")
	assert.Equal(t, []string{"d2"}, due(t, d.Store, start(), 1), "at most the limit")
	assert.Equal(t, []string{"d2"}, due(t, d.Store, start().Add(-time.Second), 10), "what is due later is not")
	for _, i := range []int{0, 1} {
		ds[i].State = crm.DeliveryDone
		require.NoError(t, d.Store.Settle(t.Context(), ds[i]))
	}
	assert.Equal(t, []string{"d4"}, due(t, d.Store, start(), 10), "while d3 waits for its retry, d5 waits too")
	ds[2].State = crm.DeliveryDead
	require.NoError(t, d.Store.Settle(t.Context(), ds[2]))
	assert.Equal(t, []string{"d4", "d5"}, due(t, d.Store, start(), 10), "a dead one holds up nobody")
	_, err := d.Store.Due(t.Context(), start(), 0)
	require.ErrorIs(t, err, tandem.ErrInvalid, "limit 0")
}

func outboxSettles(t *testing.T, d Durable[crm.Outbox]) {
	one := delivery(1, "c1")
	require.NoError(t, d.Store.Enqueue(t.Context(), 1, one))
	one.Attempts, one.NextAt, one.LastError = 3, start().Add(time.Minute), "HTTP 503"
	one.Type, one.Order = "changed", "changed" // not Settle's to change
	require.NoError(t, d.Store.Settle(t.Context(), one))
	assert.Empty(t, due(t, d.Store, start(), 10))
	ds, err := d.Store.Due(t.Context(), start().Add(time.Minute), 10)
	require.NoError(t, err)
	require.Len(t, ds, 1)
	one.Type, one.Order = "call.ended", "c1"
	assert.Equal(t, one, ds[0])
	require.ErrorIs(t, d.Store.Settle(t.Context(), delivery(9, "c9")), tandem.ErrNotFound)
}

func outboxLists(t *testing.T, d Durable[crm.Outbox]) {
	for seq := uint64(1); seq <= 5; seq++ {
		one := delivery(seq, fmt.Sprint(seq))
		if seq > 2 {
			one.State = crm.DeliveryDead
		}
		require.NoError(t, d.Store.Enqueue(t.Context(), seq, one))
	}
	ds, err := d.Store.List(t.Context(), crm.DeliveryDead, 2)
	require.NoError(t, err)
	require.Len(t, ds, 2)
	assert.Equal(t, []string{"d5", "d4"}, []string{ds[0].ID, ds[1].ID})
	ds, err = d.Store.List(t.Context(), crm.DeliveryDone, 2)
	require.NoError(t, err)
	assert.Empty(t, ds)
}

func outboxHeedsTheContext(t *testing.T, d Durable[crm.Outbox]) {
	require.ErrorIs(t, d.Store.Enqueue(cancelled(t), 5, delivery(1, "c")), context.Canceled)
	mark, err := d.Store.Mark(t.Context())
	require.NoError(t, err)
	assert.Zero(t, mark, "the mark is part of the transaction")
	assert.Empty(t, due(t, d.Store, start(), 10))
}

func outboxSurvivesReopening(t *testing.T, d Durable[crm.Outbox]) {
	require.NoError(t, d.Store.Enqueue(t.Context(), 4, delivery(4, "c")))
	again := d.reopen(t)
	mark, err := again.Mark(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 4, mark)
	assert.Equal(t, []string{"d4"}, due(t, again, start(), 10))
}
