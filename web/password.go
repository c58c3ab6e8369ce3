package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/tandem-cc/tandem"
)

// The argon2id setting of new hashes: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonLanes   = 1
	argonSaltLen = 16
	argonKeyLen  = 32
)

// The bounds of a password's length in bytes.
const (
	MinPassword = 8
	MaxPassword = 256
)

// HashPassword returns the argon2id hash of a password in PHC form, for Account.Password. ErrInvalid: too short or too long.
func HashPassword(password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("web: a password has %d to %d bytes: %w", MinPassword, MaxPassword, tandem.ErrInvalid)
	}
	salt := make([]byte, argonSaltLen)
	// crypto/rand.Read never returns an error: it ends the process when the system has no randomness.
	_, _ = rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonKeyLen)
	return phc{memory: argonMemory, passes: argonPasses, lanes: argonLanes, salt: salt, key: key}.String(), nil
}

// phc is a parsed hash.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.key))
}

// parsePHC reads a hash and refuses settings that would take more than 256 MiB or ten passes: a hash is data.
func parsePHC(text string) (phc, error) {
	wrong := fmt.Errorf("web: the stored password hash is not an argon2id hash that is understood: %w", tandem.ErrInvalid)
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, wrong
	}
	var p phc
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil || n != 3 {
		return phc{}, wrong
	}
	var errSalt, errKey error
	p.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	p.key, errKey = base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || !p.sane() {
		return phc{}, wrong
	}
	return p, nil
}

// sane says whether the hash is of a strength and cost that a log-in may take.
func (p phc) sane() bool {
	within := func(n, least, most uint32) bool { return n >= least && n <= most }
	return len(p.salt) >= 8 && len(p.key) >= 16 && len(p.key) <= 64 &&
		within(p.memory, 8, 256*1024) && within(p.passes, 1, 10) && within(uint32(p.lanes), 1, 16)
}

// matches compares in constant time.
func (p phc) matches(password string) bool {
	key := argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.key))) //nolint:gosec // parsePHC bounds it
	return subtle.ConstantTimeCompare(key, p.key) == 1
}
