package media_test

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/media"
	"github.com/tandem-cc/tandem/sipbridge/sdp"
)

// handshake connects a bare DTLS client to a browser end and forgets it without a word, as a browser that is switched off.
func (k *kit) handshake(tb testing.TB, cert tls.Certificate) *media.End {
	tb.Helper()
	e, err := k.OpenWeb(tb.Context(), media.WebConfig{})
	require.NoError(tb, err)
	sock := rawPeer(tb)
	sum := sha256.Sum256(cert.Certificate[0])
	hash := strings.ToUpper(strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":"))
	offer := sdp.Offer(sdp.Description{
		Addr: addrOf(sock), Web: &sdp.Web{Ufrag: "peer", Pwd: "peerpeerpeerpeerpeerpeer", Fingerprint: "sha-256 " + hash},
	})
	answer, err := sdp.Answer(offer, e.Local())
	require.NoError(tb, err)
	require.NoError(tb, e.Apply(answer, offer))
	w := e.Local().Web
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(w.Ufrag+":peer"), stun.NewShortTermIntegrity(w.Pwd))
	require.NoError(tb, err)
	_, err = sock.WriteToUDPAddrPort(m.Raw, k.WebAddr())
	require.NoError(tb, err)
	buf := make([]byte, 200)
	_, _, err = sock.ReadFromUDPAddrPort(buf)
	require.NoError(tb, err)
	conn, err := dtls.ClientWithOptions(sock, net.UDPAddrFromAddrPort(k.WebAddr()), dtls.WithCertificates(cert),
		dtls.WithInsecureSkipVerify(true), dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM))
	require.NoError(tb, err)
	require.NoError(tb, conn.HandshakeContext(within(tb, 5*time.Second)))
	require.NoError(tb, sock.Close())
	_ = conn.Close() // The socket is gone already.
	require.Eventually(tb, func() bool { return e.Stats().Profile != "" }, 5*time.Second, time.Millisecond)
	return e
}

// BenchmarkCallMemory reports the bytes and goroutines that a bridged call of a browser and a plain leg holds.
func BenchmarkCallMemory(b *testing.B) {
	k := newKit(b, media.Config{})
	cert, err := selfsign.GenerateSelfSigned()
	require.NoError(b, err)
	k.handshake(b, cert).Close()
	measure := func() (uint64, int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse, runtime.NumGoroutine()
	}
	const calls = 100
	for b.Loop() {
		bytes, goroutines := measure()
		var ends []*media.End
		for range calls {
			web, plain := k.handshake(b, cert), k.openRTP(b, media.RTPConfig{})
			applyRaw(b, plain, k.WebAddr())
			require.NoError(b, k.Join(web, plain))
			ends = append(ends, web, plain)
		}
		after, now := measure()
		b.ReportMetric((float64(after)-float64(bytes))/calls, "B/call")
		b.ReportMetric(float64(now-goroutines)/calls, "goroutines/call")
		for _, e := range ends {
			e.Close()
		}
	}
}
