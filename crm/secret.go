package crm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/tandem-cc/tandem"
)

// Secret is a key that webhooks are signed with. It shows itself nowhere: logs and formatted texts read "whsec_***".
type Secret struct {
	key []byte
}

// secretPrefix marks a secret in its text form, by the Standard Webhooks specification.
const secretPrefix = "whsec_"

// ParseSecret takes a key of 24 to 64 bytes in base64, with or without the prefix "whsec_".
func ParseSecret(text string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil {
		return Secret{}, fmt.Errorf("crm: the webhook secret is not base64: %w", tandem.ErrInvalid)
	}
	if len(key) < 24 || len(key) > 64 {
		return Secret{}, fmt.Errorf("crm: the webhook secret has %d bytes, not 24 to 64: %w", len(key), tandem.ErrInvalid)
	}
	return Secret{key: key}, nil
}

// String returns "whsec_***".
func (Secret) String() string { return secretPrefix + "***" }

// GoString returns "whsec_***".
func (s Secret) GoString() string { return s.String() }

// LogValue hides the key.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sign returns the header webhook-signature of a message: "v1," and the HMAC-SHA256 of id, Unix seconds and body, joined by dots.
func (s Secret) Sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s.key)
	// A hash never returns an error from Write.
	_, _ = mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
