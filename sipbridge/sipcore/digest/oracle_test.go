package digest_test

import (
	"testing"

	oracle "github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

func TestAnswer_IsWhatAnotherImplementationComputes(t *testing.T) {
	t.Parallel()
	for _, alg := range []digest.Algorithm{digest.MD5, digest.SHA256, digest.SHA512256} {
		for _, qop := range [][]string{nil, {"auth"}, {"auth", "auth-int"}} {
			ours := digest.Challenge{Realm: `a "realm"`, Nonce: "bm9uY2U=", Opaque: "o", Algorithm: alg, QOP: qop, Stale: true}
			theirs, err := oracle.ParseChallenge(ours.String())
			require.NoError(t, err)
			require.Equal(t, &oracle.Challenge{Realm: ours.Realm, Nonce: ours.Nonce, Opaque: "o", Algorithm: string(alg), QOP: qop, Stale: true}, theirs)
			again, err := digest.ParseChallenge(theirs.String())
			require.NoError(t, err)
			require.Equal(t, ours, again)

			got, err := ours.Answer(digest.Login{Username: "ann", Password: "secret", Method: "REGISTER", URI: "sip:h", CNonce: "c", NC: 7})
			require.NoError(t, err)
			want, err := oracle.Digest(theirs, oracle.Options{Username: "ann", Password: "secret", Method: "REGISTER", URI: "sip:h", Cnonce: "c", Count: 7})
			require.NoError(t, err)
			require.Equal(t, want.Response, got.Response, "%s %v", alg, qop)

			read, err := oracle.ParseCredentials(got.String())
			require.NoError(t, err)
			require.Equal(t, got.Username, read.Username)
			require.Equal(t, got.Response, read.Response)
			back, err := digest.ParseCredentials(want.String())
			require.NoError(t, err)
			require.True(t, back.Verify(digest.HA1(alg, "ann", ours.Realm, "secret"), "REGISTER"), want.String())
			require.False(t, back.Verify(digest.HA1(alg, "ann", ours.Realm, "wrong"), "REGISTER"), want.String())
		}
	}
}

func TestParse_KeepsTheBytesThatCame(t *testing.T) {
	t.Parallel()
	nonce := "\xff\xfe" // bytes that are no text in UTF-8
	c, err := digest.ParseChallenge("Digest\trealm=\"r\"")
	require.ErrorIs(t, err, digest.ErrSyntax, "a scheme ends with a blank: %+v", c)
	c, err = digest.ParseChallenge("Digest REALM=\"r\",\tNonce=\"" + nonce + "\", qop=\"auth-int, auth\"")
	require.NoError(t, err)
	require.Equal(t, nonce, c.Nonce)
	require.Equal(t, "r", c.Realm)
	require.Equal(t, []string{"auth-int", "auth"}, c.QOP)
	cr, err := c.Answer(digest.Login{Username: "u\"\xe9", Password: "p", Method: "REGISTER", URI: "sip:r", CNonce: "c", NC: 1})
	require.NoError(t, err)
	require.Equal(t, "auth", cr.QOP)
	again, err := digest.ParseCredentials(cr.String())
	require.NoError(t, err)
	require.Equal(t, cr, again)
}
