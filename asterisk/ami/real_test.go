package ami_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/asterisk/ami"
	"github.com/tandem-cc/tandem/internal/testenv"
)

// TestClient_TalksToARealAsterisk sees a login, a list, a call and a refusal on a real Asterisk.
func TestClient_TalksToARealAsterisk(t *testing.T) {
	t.Parallel()
	pbx := testenv.Asterisk(t)
	client, err := ami.New(ami.Config{Addr: pbx.AMIAddr, Username: pbx.AMIUser, Secret: pbx.AMISecret, Events: "call"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	notices, done := make(chan ami.Notice, 1000), make(chan error, 1)
	go func() {
		done <- client.Run(ctx, func(_ context.Context, n ami.Notice) error {
			notices <- n
			return nil
		})
	}()
	require.Equal(t, ami.NoticeUp, (<-notices).Kind)

	list, err := client.Do(t.Context(), ami.NewAction("ListCommands"))
	require.NoError(t, err)
	require.Greater(t, list.Len(), 50, "one header for each command")
	modules, err := client.Do(t.Context(), ami.NewAction("PJSIPShowEndpoints"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(modules.List), 5, "phones and trunk")

	_, err = client.Send(ami.NewAction("Originate").With("Channel", "Local/10000@sim/n").With("Application", "Wait").With("Data", "1").
		With("Async", "true").With("ChannelId", "ours").With("OtherChannelId", "theirs"))
	require.NoError(t, err)
	seen := map[string]bool{}
	for !seen["Hangup"] || !seen["OriginateResponse"] {
		n := <-notices
		if n.Message.Get("Uniqueid") == "ours" {
			seen[n.Message.Event()] = true
		}
	}
	require.True(t, seen["Newchannel"])
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)

	wrong, err := ami.New(ami.Config{Addr: pbx.AMIAddr, Username: pbx.AMIUser, Secret: "wrong"})
	require.NoError(t, err)
	require.ErrorIs(t, wrong.Run(t.Context(), nil), ami.ErrAuth)
}
