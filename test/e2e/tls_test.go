package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificate writes a certificate for 127.0.0.1 of its own making, and its key, into dir.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	shape := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e.invalid"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, shape, shape, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}

func TestTLS_BrowsersTalkOverSecureWebSockets(t *testing.T) {
	requireServers(t)
	for _, kind := range seats[1:] {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			dir, caller := t.TempDir(), newSIPPhone(t, "15550100")
			cert, key := certificate(t, dir)
			s := launch(t, dir, centre(caller.port, ""), "--tls-cert", cert, "--tls-key", key)
			s.listening(t)
			require.True(t, strings.HasPrefix(s.URL, "https://"), s.URL)
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			ann := kind.sit(t, s)
			customer, err := caller.call(ctx, s.SIP, "100", customerTone)
			require.NoError(t, err)
			ann.rings(ctx)
			ann.answer(ctx)
			require.NoError(t, customer.WaitTone(ctx, agentTone), "the customer hears the agent's microphone")
			ann.hears(ctx)
			require.NoError(t, customer.hang(ctx))
			ann.dropped(ctx)
		})
	}
}
