package media_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
	"github.com/tandem-cc/tandem/sipbridge/siptest"
)

// A caller and an agent are bridged. Their phones are simulated here; in a program they are out there, and their
// descriptions come in SIP bodies.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	plane, err := media.New(media.Config{})
	if err != nil {
		cancel()
		fmt.Println(err)
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { _ = plane.Run(ctx) })

	caller, callerEnd := exampleCall(ctx, plane, &running)
	agent, agentEnd := exampleCall(ctx, plane, &running)
	if err := callerEnd.Play(media.RingBack(media.Europe)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("caller hears ring-back:", caller.WaitTone(ctx, 425) == nil)
	if err := plane.Join(callerEnd, agentEnd); err != nil {
		fmt.Println(err)
		return
	}
	agent.Speak(media.Sine(1000, 0.3))
	fmt.Println("caller hears the agent:", caller.WaitTone(ctx, 1000) == nil)
	// Output:
	// caller hears ring-back: true
	// caller hears the agent: true
}

func exampleCall(ctx context.Context, plane *media.Plane, running *sync.WaitGroup) (*siptest.RTPPhone, *media.End) {
	phone, err := siptest.NewRTPPhone(siptest.RTPConfig{})
	if err != nil {
		fmt.Println(err)
		return nil, nil
	}
	running.Go(func() { _ = phone.Run(ctx) })
	end, err := plane.OpenRTP(ctx, media.RTPConfig{})
	if err != nil {
		fmt.Println(err)
		return phone, nil
	}
	offer := sdp.Offer(phone.Local())
	answer, err := sdp.Answer(offer, end.Local())
	if err == nil {
		err = end.Apply(answer, offer)
	}
	if err == nil {
		err = phone.Connect(offer, answer)
	}
	if err != nil {
		fmt.Println(err)
	}
	return phone, end
}
