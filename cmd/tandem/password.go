package main

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// newPassword returns a password of 80 random bits in four groups that can be typed.
func newPassword() string {
	var b [10]byte
	// crypto/rand.Read never returns an error: it ends the process when the system has no randomness.
	_, _ = rand.Read(b[:])
	s := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}
