package crm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

func TestDeliveryState_KeepsItsNameAndOnlyTheDeadRise(t *testing.T) {
	t.Parallel()
	for s := crm.DeliveryUnset; s <= crm.DeliveryDead; s++ {
		text, err := s.MarshalText()
		require.NoError(t, err)
		var got crm.DeliveryState
		require.NoError(t, got.UnmarshalText(text))
		require.Equal(t, s, got)
		require.Equal(t, s == crm.DeliveryUnset || s == crm.DeliveryPending || s == crm.DeliveryDead, s.CanBecome(crm.DeliveryPending), "%s", s)
	}
	var s crm.DeliveryState
	require.ErrorIs(t, s.UnmarshalText([]byte("lost")), tandem.ErrInvalid)
	require.Equal(t, "delivery state(9)", crm.DeliveryState(9).String())
}
