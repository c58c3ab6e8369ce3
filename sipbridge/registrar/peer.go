package registrar

import (
	"context"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// AuthenticatePeer judges credentials like [Registrar.Authenticate], for a PBX or carrier that proves who it is by password:
// its From names the caller, so it need not name the user. The admission's User is the one who proved to be there.
func (r *Registrar) AuthenticatePeer(ctx context.Context, in *sipcore.Inbound) sipcore.Admission {
	d := proxyDoor()
	v := r.judge(ctx, in, d)
	if v.user == "" {
		return sipcore.Admission{Status: v.status, Headers: r.headers(v, d, in.Source.Addr()), Reason: v.reason}
	}
	return sipcore.Admission{Allow: true, User: v.user}
}
