package sipbridge

import (
	"context"
	"net/http"

	"github.com/tandem-cc/tandem/sipbridge/wsfront"
)

// newFront makes the door for SIP over WebSocket.
func (b *Bridge) newFront() (http.Handler, error) {
	return wsfront.New(wsfront.Config{
		Serve:       func(ctx context.Context, c *wsfront.Conn) error { return b.sip.ServeMessages(ctx, c) },
		CheckOrigin: b.cfg.CheckOrigin, Logger: b.log,
	})
}
