package registrar_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/tandem-cc/tandem/sipbridge/registrar"
	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

// ExampleNew keeps passwords as hashes only and tells who can be reached. A REGISTER
// without credentials is challenged.
func ExampleNew() {
	stored := map[string][]byte{"1001": digest.HA1(digest.MD5, "1001", "tandem", "secret")}
	reg, err := registrar.New(registrar.Config{
		Realm: "tandem",
		Credentials: registrar.CredentialsFunc(func(_ context.Context, user, _ string, _ digest.Algorithm) ([]byte, error) {
			if ha1, ok := stored[user]; ok {
				return ha1, nil
			}
			return nil, registrar.ErrUnknownUser
		}),
		OnPresence: func(p registrar.Presence) { fmt.Println(p.User, p.Up) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// An endpoint calls these; see sipcore.Config.
	cfg := sipcore.Config{Register: reg, Admit: reg.Authenticate, FlowClosed: reg.FlowClosed}

	flow := sipcore.NewFlow("ws/1", sipcore.TransportWS, netip.MustParseAddrPort("192.0.2.1:4711"), nil)
	in, err := sipcore.ParseInbound([]byte("REGISTER sip:tandem SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"+
		"From: <sip:1001@tandem>;tag=1\r\nTo: <sip:1001@tandem>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n"), flow)
	if err != nil {
		fmt.Println(err)
		return
	}
	reply := cfg.Register.Register(context.Background(), in)
	fmt.Println(reply.Status, reply.Headers[0].Name, len(reg.Lookup("1001")))
	// Output: 401 WWW-Authenticate 0
}
