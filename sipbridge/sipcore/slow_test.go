package sipcore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
	"github.com/tandem-cc/tandem/sipbridge/siptest/rawpeer"
)

func TestTCP_ConnectionsThatOnlyHoldRoomAreClosed(t *testing.T) {
	t.Parallel()
	ep, _ := start(t, func(c *sipcore.Config) { c.MessageTimeout = 50 * time.Millisecond })
	const ping = "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" +
		"To: <sip:x@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	for name, text := range map[string]string{
		"silent":        "",
		"half a head":   "INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: ",
		"half a body":   "MESSAGE sip:x@b SIP/2.0\r\nContent-Length: 9\r\n\r\nhalf",
		"one and a bit": ping + "INVITE ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := rawpeer.TCP(t, addr(t, ep, "tcp"))
			if text != "" {
				p.SendRaw("", text)
			}
			require.True(t, p.Gone())
		})
	}
	t.Run("a peer that has spoken may rest", func(t *testing.T) {
		t.Parallel()
		p := rawpeer.TCP(t, addr(t, ep, "tcp"))
		p.SendRaw("", ping)
		require.Equal(t, 200, p.Next().Status())
		p.Silent(300 * time.Millisecond)
		p.SendRaw("", ping)
		require.Equal(t, 200, p.Next().Status())
	})
}
