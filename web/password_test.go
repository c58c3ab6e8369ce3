package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web"
)

func TestPassword_IsKeptAsArgon2idWithASaltOfItsOwn(t *testing.T) {
	t.Parallel()
	first, err := web.HashPassword(password)
	require.NoError(t, err)
	second, err := web.HashPassword(password)
	require.NoError(t, err)
	require.NotEqual(t, first, second, "salts")
	require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, first)
	for candidate, want := range map[string]bool{password: true, password + " ": false, "": false} {
		got, err := web.CheckPassword(first, candidate)
		require.NoError(t, err)
		require.Equal(t, want, got, "password %q", candidate)
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 257)} {
		_, err := web.HashPassword(bad)
		require.ErrorIs(t, err, tandem.ErrInvalid, "length %d", len(bad))
	}
}

func TestPassword_AHashThatWouldCostTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "plain", "$2a$10$abc", "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=64,t=99,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=16$m=64,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$eA", "$argon2i$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
	} {
		_, err := web.CheckPassword(bad, password)
		require.ErrorIs(t, err, tandem.ErrInvalid, bad)
		require.NotContains(t, err.Error(), "a2V5", "a hash stays out of errors")
	}
}

func FuzzPasswordHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=-1,t=0,p=999$$")
	f.Fuzz(func(t *testing.T, hash string) {
		text, err := web.ParseHash(hash)
		if err != nil {
			return
		}
		again, err := web.ParseHash(text)
		require.NoError(t, err)
		require.Equal(t, text, again)
	})
}
