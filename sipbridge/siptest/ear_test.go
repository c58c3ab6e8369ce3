package siptest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

func samples(s media.Source, n int) []int16 {
	out := make([]int16, n)
	s.Fill(out)
	return out
}

func TestEar_SaysWhatItHeardInstead(t *testing.T) {
	t.Parallel()
	var e siptest.Ear
	require.Zero(t, e.Level(1000))
	e.HearSound(samples(media.Sine(600, 0.3), 4000))
	require.Greater(t, e.Level(600), 0.99)
	require.Len(t, e.Recording(), 4000)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.NoError(t, e.WaitTone(ctx, 600))
	err := e.WaitTone(ctx, 1000)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "at 600 Hz")
	e.Reset()
	require.Empty(t, e.Recording())
}

func TestEar_KeyCountsOnceAtItsEnd(t *testing.T) {
	t.Parallel()
	var e siptest.Ear
	for _, p := range []struct {
		ts  uint32
		end byte
	}{{0, 0}, {0, 0x80}, {0, 0x80}, {160, 0}, {160, 0x80}, {160, 0x80}} {
		e.HearEvent(p.ts, []byte{7, p.end, 0, 160})
	}
	e.HearEvent(320, []byte{99, 0x80, 0, 1})
	e.HearEvent(480, []byte{1})
	require.Equal(t, "77", e.Digits())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, e.WaitDigits(ctx, "77"))
	require.ErrorContains(t, e.WaitDigits(ctx, "7"), `heard keys "77"`)
}

func TestRTPPhone_Refuses(t *testing.T) {
	t.Parallel()
	p, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	require.NoError(t, err)
	defer p.Close()
	require.Error(t, p.Press("1"), "nothing is agreed")
	offer := sdp.Offer(p.Local())
	require.NoError(t, p.Connect(offer, offer))
	require.Error(t, p.Press("x"))
	_, err = siptest.NewRTPPhone(siptest.RTPConfig{Addr: p.Local().Addr})
	require.Error(t, err, "the port is taken")
}

// Two simulated phones talk to each other without anything between them.
func ExampleRTPPhone() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	alice, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	bob, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error, 2)
	for _, p := range []*siptest.RTPPhone{alice, bob} {
		go func() { done <- p.Run(ctx) }()
	}
	offer := sdp.Offer(alice.Local())
	answer, err := sdp.Answer(offer, bob.Local())
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := alice.Connect(offer, answer); err != nil {
		fmt.Println(err)
	}
	if err := bob.Connect(answer, offer); err != nil {
		fmt.Println(err)
	}
	alice.Speak(media.Sine(1000, 0.3))
	fmt.Println("bob hears alice:", bob.WaitTone(ctx, 1000) == nil)
	if err := bob.Press("42"); err != nil {
		fmt.Println(err)
	}
	fmt.Println("alice hears the keys:", alice.WaitDigits(ctx, "42") == nil)
	cancel()
	<-done
	<-done
	// Output:
	// bob hears alice: true
	// alice hears the keys: true
}
