package main

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSockets_APortInUseNamesTheFlagThatHelps(t *testing.T) {
	t.Parallel()
	free := netip.MustParseAddrPort("127.0.0.1:0")
	s, err := openSockets(t.Context(), free, free)
	require.NoError(t, err)
	t.Cleanup(s.close)
	web := netip.MustParseAddrPort(s.web.Addr().String())
	for flag, addr := range map[string][2]netip.AddrPort{"--http ": {web, free}, "--sip ": {free, s.sip}} {
		_, err := openSockets(t.Context(), addr[0], addr[1])
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		require.ErrorContains(t, err, flag)
	}
}
