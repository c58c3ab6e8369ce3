package asterisk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/internal/amifake"
)

// headers identifies the n-th channel of the tests below.
func headers(n int) string {
	return fmt.Sprintf("Channel: PJSIP/carrier-%08d\r\nUniqueid: 17.%d", n, n)
}

// obedient answers like an Asterisk that does whatever it is told, at once, and nothing of consequence.
func obedient(a amifake.Action) []string {
	channel := "\r\nChannel: " + a.Header["channel"] + "\r\nUniqueid: 17." + a.Header["channel"][max(0, len(a.Header["channel"])-1):]
	ok := "Response: Success"
	switch a.Name {
	case "AGI":
		return []string{ok, "Event: AsyncAGIExec" + channel + "\r\nCommandId: " + a.Header["commandid"]}
	case "Redirect":
		return []string{ok, "Event: AsyncAGIEnd" + channel, "Event: AsyncAGIStart" + channel + "\r\nContext: tandem"}
	case "Hangup":
		return []string{ok, "Event: Hangup" + channel + "\r\nCause: 16"}
	}
	return nil
}

// arrive lets n answered callers wait in AGI.
func (b *bubble) arrive(n int) {
	b.t.Helper()
	for i := range n {
		require.NoError(b.t, b.server.Event("AsyncAGIStart", headers(i+1), "Context: tandem", "Exten: 1000", "ChannelState: 6"))
		await(b.story, func(e tandem.LegAnswered) bool { return e.Leg == tandem.LegID(fmt.Sprintf("leg%d", i+1)) })
	}
}

// command says whether an action is an AGI command that begins like that.
func command(a amifake.Action, prefix string) bool {
	return a.Name == "AGI" && strings.HasPrefix(a.Header["command"], prefix)
}

func TestSwitch_BridgeInVainIsTriedAndGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		b := newBubble(t, func(a amifake.Action) []string {
			if command(a, "EXEC Bridge") {
				tries++
				if !strings.HasSuffix(a.Header["command"], `,HF(tandem^answered^1)"`) {
					t.Errorf("the guest is not told where to go: %s", a.Header["command"])
				}
			}
			return obedient(a)
		}, nil)
		b.arrive(2)
		require.NoError(t, b.sw.Bridge(t.Context(), "leg1", "leg2"))
		for _, leg := range []tandem.LegID{"leg1", "leg2"} {
			e := await(b.story, func(e tandem.LegEnded) bool { return e.Leg == leg })
			require.Equal(t, tandem.CauseFailed, e.Cause)
			require.True(t, e.Ours)
		}
		require.Equal(t, 3, tries)
		require.Zero(t, count(b.story, any1[tandem.LegBridged]))
		require.Contains(t, b.log.String(), "does not bridge")
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_FileIsPlayedAsOftenAsWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		played := 0
		b := newBubble(t, func(a amifake.Action) []string {
			if command(a, `STREAM FILE "hello" ""`) {
				played++
			}
			return obedient(a)
		}, nil)
		b.arrive(1)
		hello := tandem.Sound{Kind: tandem.SoundFile, Name: "hello", Times: 3}
		require.NoError(t, b.sw.Play(t.Context(), "leg1", hello))
		require.Equal(t, hello, await(b.story, any1[tandem.LegPlayed]).Sound)
		require.Equal(t, 3, played)
		require.Equal(t, 1, count(b.story, any1[tandem.LegPlayed]))
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_FileIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, func(a amifake.Action) []string {
			if command(a, "STREAM FILE") {
				return []string{"Response: Success"} // It goes on and on.
			}
			return obedient(a)
		}, nil)
		b.arrive(1)
		require.NoError(t, b.sw.Play(t.Context(), "leg1", tandem.Sound{Kind: tandem.SoundFile, Name: "sermon"}))
		synctest.Wait()
		require.NoError(t, b.sw.Play(t.Context(), "leg1", tandem.Sound{Kind: tandem.SoundMusic}))
		_, err := b.server.Wait(t.Context(), "Redirect", 1)
		require.NoError(t, err)
		synctest.Wait()
		last, err := b.server.Wait(t.Context(), "AGI", 3) // The hook, the file, the music.
		require.NoError(t, err)
		require.Equal(t, "SET MUSIC ON", last.Header["command"])
		require.Zero(t, count(b.story, any1[tandem.LegPlayed]), "it did not come to its end")
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_ChannelThatTakesNoCommandsIsBroughtBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := false
		b := newBubble(t, func(a amifake.Action) []string {
			if command(a, "SET MUSIC ON") && !refused {
				refused = true
				return []string{"Response: Error\r\nMessage: Failed to add AGI command to queue"}
			}
			return obedient(a)
		}, nil)
		b.arrive(1)
		require.NoError(t, b.sw.Play(t.Context(), "leg1", tandem.Sound{Kind: tandem.SoundMusic}))
		_, err := b.server.Wait(t.Context(), "AGI", 3) // The hook, the music in vain, the music.
		require.NoError(t, err)
		_, err = b.server.Wait(t.Context(), "Redirect", 1)
		require.NoError(t, err)
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_HangupIsAskedForUntilItIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := newBubble(t, func(a amifake.Action) []string {
			if a.Name == "Hangup" {
				if asked++; asked < 3 {
					return []string{"Response: Success"}
				}
			}
			return obedient(a)
		}, nil)
		b.arrive(1)
		began := time.Now()
		require.NoError(t, b.sw.Hangup(t.Context(), "leg1", tandem.CauseNormal))
		require.True(t, await(b.story, any1[tandem.LegEnded]).Ours)
		require.Equal(t, 3, asked)
		require.Equal(t, 4*time.Second, time.Since(began))
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}

func TestSwitch_ChannelThatIsNotThereEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, func(a amifake.Action) []string {
			if a.Name == "Hangup" {
				return []string{"Response: Error\r\nMessage: No such channel"}
			}
			return obedient(a)
		}, nil)
		b.arrive(1)
		require.NoError(t, b.sw.Hangup(t.Context(), "leg1", tandem.CauseBusy))
		e := await(b.story, any1[tandem.LegEnded])
		require.Equal(t, tandem.CauseBusy, e.Cause)
		require.Contains(t, e.Detail, "No such channel")
		require.ErrorIs(t, b.stop(), context.Canceled)
	})
}
