package digest

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RFC 3261 phones know nothing else; SHA-256 is offered first where configured.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// ErrSyntax is wrapped by the errors of the parsers.
var ErrSyntax = errors.New("digest: malformed")

// Algorithm is the hash of a challenge.
type Algorithm string

// The algorithms (RFC 7616 section 6.1), without the session variants.
const (
	MD5       Algorithm = "MD5"
	SHA256    Algorithm = "SHA-256"
	SHA512256 Algorithm = "SHA-512-256"
)

// Known says whether the algorithm can be computed here.
func (a Algorithm) Known() bool { return a == MD5 || a == SHA256 || a == SHA512256 }

// strength orders algorithms; a client takes the strongest that it is offered.
func (a Algorithm) strength() int {
	switch a {
	case SHA512256:
		return 3
	case SHA256:
		return 2
	case MD5:
		return 1
	}
	return 0
}

func (a Algorithm) new() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case SHA512256:
		return sha512.New512_256()
	case MD5:
	}
	return md5.New()
}

func (a Algorithm) hex(parts ...string) string {
	h := a.new()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// HA1 is the hash of user, realm and password in lower-case hexadecimal text: what a
// server stores instead of the password.
func HA1(alg Algorithm, user, realm, password string) []byte {
	return []byte(alg.hex(user, realm, password))
}

// Challenge is one WWW-Authenticate or Proxy-Authenticate header field.
type Challenge struct {
	Realm, Nonce, Opaque string
	Algorithm            Algorithm
	// QOP lists the offered qualities of protection; empty for RFC 2069 servers.
	QOP   []string
	Stale bool
}

// String returns the header field value.
func (c Challenge) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Digest realm=%s,nonce=%s,algorithm=%s", quote(c.Realm), quote(c.Nonce), c.Algorithm)
	if len(c.QOP) > 0 {
		fmt.Fprintf(&b, ",qop=%s", quote(strings.Join(c.QOP, ",")))
	}
	if c.Opaque != "" {
		fmt.Fprintf(&b, ",opaque=%s", quote(c.Opaque))
	}
	if c.Stale {
		b.WriteString(",stale=true")
	}
	return b.String()
}

// Credentials is one Authorization or Proxy-Authorization header field.
type Credentials struct {
	Username, Realm, Nonce, URI, Response, CNonce, Opaque, QOP string
	Algorithm                                                  Algorithm
	// NC is the nonce count; 0 when there was none.
	NC uint32
}

// String returns the header field value.
func (c Credentials) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s,realm=%s,nonce=%s,uri=%s,response=%s,algorithm=%s",
		quote(c.Username), quote(c.Realm), quote(c.Nonce), quote(c.URI), quote(c.Response), c.Algorithm)
	if c.QOP != "" {
		fmt.Fprintf(&b, ",qop=%s,nc=%08x,cnonce=%s", c.QOP, c.NC, quote(c.CNonce))
	}
	if c.Opaque != "" {
		fmt.Fprintf(&b, ",opaque=%s", quote(c.Opaque))
	}
	return b.String()
}

// ParseChallenge reads a header field value. An unknown algorithm is not an error, so that
// the next challenge can be looked at.
func ParseChallenge(s string) (Challenge, error) {
	p, err := parse(s)
	if err != nil {
		return Challenge{}, err
	}
	c := Challenge{
		Realm: p["realm"], Nonce: p["nonce"], Opaque: p["opaque"],
		Algorithm: algorithm(p["algorithm"]), Stale: strings.EqualFold(p["stale"], "true"),
	}
	for q := range strings.SplitSeq(p["qop"], ",") {
		if q = strings.ToLower(strings.TrimSpace(q)); q != "" {
			c.QOP = append(c.QOP, q)
		}
	}
	if c.Nonce == "" {
		return Challenge{}, fmt.Errorf("%w: challenge without nonce", ErrSyntax)
	}
	return c, nil
}

// ParseCredentials reads a header field value.
func ParseCredentials(s string) (Credentials, error) {
	p, err := parse(s)
	if err != nil {
		return Credentials{}, err
	}
	c := Credentials{
		Username: p["username"], Realm: p["realm"], Nonce: p["nonce"], URI: p["uri"], Response: p["response"],
		CNonce: p["cnonce"], Opaque: p["opaque"], QOP: strings.ToLower(p["qop"]), Algorithm: algorithm(p["algorithm"]),
	}
	for _, k := range []string{"username", "realm", "nonce", "uri", "response"} {
		if p[k] == "" {
			return Credentials{}, fmt.Errorf("%w: credentials without %s", ErrSyntax, k)
		}
	}
	if c.QOP != "" {
		n, err := strconv.ParseUint(p["nc"], 16, 32)
		if err != nil || len(p["nc"]) != 8 || c.CNonce == "" {
			return Credentials{}, fmt.Errorf("%w: qop without nc of eight digits and cnonce", ErrSyntax)
		}
		c.NC = uint32(n)
	}
	return c, nil
}

func algorithm(s string) Algorithm {
	if s == "" {
		return MD5
	}
	return Algorithm(strings.ToUpper(s))
}

// limits of one header field: more is an attack, not a phone.
const (
	maxLength = 4096
	maxParams = 32
)

func parse(s string) (map[string]string, error) {
	if len(s) > maxLength {
		return nil, fmt.Errorf("%w: %d bytes", ErrSyntax, len(s))
	}
	s = strings.TrimSpace(s)
	if strings.ContainsFunc(s, func(r rune) bool { return (r < ' ' && r != '\t') || r == 0x7f }) {
		return nil, fmt.Errorf("%w: control character", ErrSyntax)
	}
	scheme, rest, ok := strings.Cut(s, " ")
	if !ok || !strings.EqualFold(scheme, "Digest") {
		return nil, fmt.Errorf("%w: not the Digest scheme", ErrSyntax)
	}
	out := make(map[string]string, 12)
	for rest != "" {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			break
		}
		name, after, ok := strings.Cut(rest, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsAny(name, " \t\",") {
			return nil, fmt.Errorf("%w: parameter without name or value", ErrSyntax)
		}
		value, left, err := parseValue(strings.TrimLeft(after, " \t"))
		if err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice || len(out) >= maxParams {
			return nil, fmt.Errorf("%w: parameter given twice or too many", ErrSyntax)
		}
		out[name] = value
		rest = left
	}
	return out, nil
}

func parseValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexByte(s, ',')
		if i < 0 {
			i = len(s)
		}
		return strings.TrimSpace(s[:i]), s[i:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", fmt.Errorf("%w: quote without end", ErrSyntax)
}

func quote(s string) string {
	if !strings.ContainsAny(s, "\"\\\r\n") {
		return `"` + s + `"`
	}
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "", "\n", "")
	return `"` + r.Replace(s) + `"`
}

// Verify says whether the response of the credentials fits the HA1 (lower-case hexadecimal
// text) and the method. It takes the same time for every wrong response.
func (c Credentials) Verify(ha1 []byte, method string) bool {
	if !c.Algorithm.Known() || (c.QOP != "" && c.QOP != "auth") {
		return false
	}
	want := c.compute(ha1, method)
	return hmac.Equal([]byte(want), []byte(strings.ToLower(c.Response)))
}

func (c Credentials) compute(ha1 []byte, method string) string {
	ha2 := c.Algorithm.hex(method, c.URI)
	if c.QOP == "" {
		return c.Algorithm.hex(string(ha1), c.Nonce, ha2)
	}
	return c.Algorithm.hex(string(ha1), c.Nonce, fmt.Sprintf("%08x", c.NC), c.CNonce, c.QOP, ha2)
}

// Login is what a client needs to answer a challenge.
type Login struct {
	Username, Password string
	Method, URI        string
	// CNonce is random text, NC the count of uses of the nonce, from 1.
	CNonce string
	NC     uint32
}

// Answer computes the credentials for a challenge.
func (c Challenge) Answer(l Login) (Credentials, error) {
	if !c.Algorithm.Known() {
		return Credentials{}, fmt.Errorf("digest: answer: unsupported algorithm %q", c.Algorithm)
	}
	cr := Credentials{
		Username: l.Username, Realm: c.Realm, Nonce: c.Nonce, URI: l.URI, Opaque: c.Opaque, Algorithm: c.Algorithm,
	}
	for _, q := range c.QOP {
		if q == "auth" {
			cr.QOP, cr.CNonce, cr.NC = "auth", l.CNonce, l.NC
		}
	}
	if cr.QOP == "" && len(c.QOP) > 0 {
		return Credentials{}, errors.New("digest: answer: only qualities of protection that are not supported")
	}
	cr.Response = cr.compute(HA1(c.Algorithm, l.Username, c.Realm, l.Password), l.Method)
	return cr, nil
}

// Strongest returns the strongest challenge that can be answered for the realm (empty
// fits any), from header field values (RFC 8760 section 2.4).
func Strongest(values []string, realm string) (Challenge, bool) {
	var best Challenge
	for _, v := range values {
		c, err := ParseChallenge(v)
		if err != nil || !c.Algorithm.Known() || (realm != "" && c.Realm != realm) {
			continue
		}
		if c.Algorithm.strength() > best.Algorithm.strength() {
			best = c
		}
	}
	return best, best.Algorithm.Known()
}
