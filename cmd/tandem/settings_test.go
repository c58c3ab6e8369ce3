package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfig_TrunkTakesAThousandCallsUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	c := fileConfig{Trunks: []trunkConfig{{ID: "a", Remote: "192.0.2.1:5060"}, {ID: "b", Remote: "192.0.2.2:5060", MaxChannels: 7}}}
	got := c.trunks(5060)
	require.Equal(t, 1000, got[0].MaxChannels)
	require.Equal(t, 7, got[1].MaxChannels)
}
