package digest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/digest"
)

func TestAnswer_FitsTheExamplesOfTheRFC(t *testing.T) {
	t.Parallel()
	// RFC 7616 section 3.9.1.
	for _, c := range []struct {
		alg  digest.Algorithm
		want string
	}{
		{digest.MD5, "8ca523f5e9506fed4657c9700eebdbec"},
		{digest.SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	} {
		alg, want := c.alg, c.want
		ch, err := digest.ParseChallenge(fmt.Sprintf(`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, `+
			`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`, alg))
		require.NoError(t, err)
		cr, err := ch.Answer(digest.Login{
			Username: "Mufasa", Password: "Circle of Life", Method: "GET", URI: "/dir/index.html",
			CNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", NC: 1,
		})
		require.NoError(t, err)
		require.Equal(t, want, cr.Response, alg)
		again, err := digest.ParseCredentials(cr.String())
		require.NoError(t, err)
		require.Equal(t, cr, again)
		ha1 := digest.HA1(alg, "Mufasa", "http-auth@example.org", "Circle of Life")
		require.True(t, again.Verify(ha1, "GET"))
		require.False(t, again.Verify(ha1, "POST"))
		require.False(t, again.Verify(digest.HA1(alg, "Mufasa", "http-auth@example.org", "circle of life"), "GET"))
	}
}

func TestAnswer_WithoutQualityOfProtection(t *testing.T) {
	t.Parallel()
	ch, err := digest.ParseChallenge(`Digest realm="r", nonce="n"`)
	require.NoError(t, err)
	require.Equal(t, digest.MD5, ch.Algorithm)
	cr, err := ch.Answer(digest.Login{Username: "u", Password: "p", Method: "REGISTER", URI: "sip:r"})
	require.NoError(t, err)
	require.Empty(t, cr.QOP)
	require.True(t, cr.Verify(digest.HA1(digest.MD5, "u", "r", "p"), "REGISTER"))
	_, err = digest.Challenge{Nonce: "n", Algorithm: digest.MD5, QOP: []string{"auth-int"}}.Answer(digest.Login{})
	require.Error(t, err)
}

func TestStrongest_SkipsWhatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	values := []string{
		"Basic realm=x", `Digest realm="a",nonce="1",algorithm=SHA-999`, `Digest realm="a",nonce="2",algorithm=md5`,
		`Digest realm="b",nonce="3",algorithm=SHA-256`,
	}
	ch, ok := digest.Strongest(values, "")
	require.True(t, ok)
	require.Equal(t, "3", ch.Nonce)
	ch, ok = digest.Strongest(values, "a")
	require.True(t, ok)
	require.Equal(t, "2", ch.Nonce)
	_, ok = digest.Strongest(values, "c")
	require.False(t, ok)
}

func TestParse_RefusesWhatIsMalformed(t *testing.T) {
	t.Parallel()
	good := `Digest username="u",realm="r",nonce="n",uri="sip:r",response="00"`
	_, err := digest.ParseCredentials(good)
	require.NoError(t, err)
	for _, bad := range []string{
		"", "Digest", "Basic dTpw", `Digest username="u"`, good + `,qop=auth`, good + `,qop=auth,nc=1,cnonce="c"`,
		good + `,qop=auth,nc=zzzzzzzz,cnonce="c"`, good + `,realm="twice"`, `Digest username="u`, `Digest =x`,
		"Digest a=\"b\r\nc\"", "Digest " + strings.Repeat("a", 5000),
	} {
		_, err := digest.ParseCredentials(bad)
		require.ErrorIs(t, err, digest.ErrSyntax, bad)
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add(`Digest username="u",realm="r",nonce="n",uri="sip:r",response="00",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := digest.ParseCredentials(s)
		if err != nil {
			return
		}
		require.NotContains(t, c.Username, "\n")
		_ = c.Verify([]byte("0"), "REGISTER")
	})
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n\"", qop="auth,auth-int", stale=TRUE, algorithm=SHA-256`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := digest.ParseChallenge(s)
		if err != nil || !c.Algorithm.Known() {
			return
		}
		again, err := digest.ParseChallenge(c.String())
		require.NoError(t, err, "%q", c.String())
		require.Equal(t, c.Nonce, again.Nonce)
		require.Equal(t, c.Realm, again.Realm)
	})
}

func BenchmarkVerify(b *testing.B) {
	ch := digest.Challenge{Realm: "r", Nonce: "n", Algorithm: digest.MD5, QOP: []string{"auth"}}
	cr, err := ch.Answer(digest.Login{Username: "u", Password: "p", Method: "REGISTER", URI: "sip:r", CNonce: "c", NC: 1})
	require.NoError(b, err)
	ha1 := digest.HA1(digest.MD5, "u", "r", "p")
	b.ReportAllocs()
	for b.Loop() {
		if !cr.Verify(ha1, "REGISTER") {
			b.Fatal("wrong")
		}
	}
}

func ExampleStrongest() {
	ch, _ := digest.Strongest([]string{
		`Digest realm="carrier", nonce="abc", algorithm=MD5, qop="auth"`,
		`Digest realm="carrier", nonce="abc", algorithm=SHA-256, qop="auth"`,
	}, "carrier")
	fmt.Println(ch.Algorithm)
	// Output: SHA-256
}
