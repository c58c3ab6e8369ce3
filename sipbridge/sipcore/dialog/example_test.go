package dialog_test

import (
	"fmt"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// ExampleMachine answers a call and is hung up on; the owner of the machine would send what
// is printed.
func ExampleMachine() {
	m := dialog.New(dialog.Config{Role: dialog.RoleUAS})
	for _, ev := range []dialog.Event{
		dialog.Received{Message: dialog.Message{
			Method: "INVITE", Seq: 1, Tag: "caller", Contact: "sip:caller@192.0.2.1", Tx: "t1",
			BodyType: dialog.SDPType, Body: []byte("offer"),
		}},
		dialog.Progress{Status: 180},
		dialog.Accept{SDP: []byte("answer")},
		dialog.Received{Message: dialog.Message{Method: "ACK", Seq: 1, Tag: "caller"}},
		dialog.Received{Message: dialog.Message{Method: "BYE", Seq: 2, Tag: "caller", Tx: "t2"}},
	} {
		actions, err := m.Step(ev)
		if err != nil {
			fmt.Println(err)
		}
		for _, a := range actions {
			switch a := a.(type) {
			case dialog.Respond:
				fmt.Println("answer", a.Status, "on", a.Tx)
			case dialog.Confirmed:
				fmt.Println("the call is up")
			case dialog.Ended:
				fmt.Println("ended:", a.Reason)
			}
		}
	}
	// Output:
	// answer 180 on t1
	// answer 200 on t1
	// the call is up
	// answer 200 on t2
	// ended: remote
}
