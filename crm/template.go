package crm

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tandem-cc/tandem"
)

// urlTemplate is an http or https URL with {names} in its path, query and fragment, never in its scheme or host.
type urlTemplate struct {
	parts []templatePart
}

// templatePart is literal text followed by the value called name; name is empty in the last part.
type templatePart struct {
	text string
	name string
}

// contactPrefix begins the names that stand for a field of the contact.
const contactPrefix = "contact."

// parseTemplate checks text; where names the setting in errors, names are the values there are. A name that begins with
// "contact." is allowed when "contact." is among names.
func parseTemplate(where, text string, names []string) (*urlTemplate, error) {
	wrong := func(format string, args ...any) error {
		return &tandem.ConfigError{Where: where, What: fmt.Sprintf(format, args...)}
	}
	if what := literalHost(text); what != "" {
		return nil, wrong("%s", what)
	}
	t := &urlTemplate{}
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return nil, wrong("has a } without a {")
		}
		if !found {
			t.parts = append(t.parts, templatePart{text: before})
			return t, nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, wrong("has a { without a }")
		}
		known := slices.Contains(names, name) || (len(name) > len(contactPrefix) && strings.HasPrefix(name, contactPrefix) && slices.Contains(names, contactPrefix))
		if !known {
			return nil, wrong("has {%s}; known are %s", name, strings.Join(names, ", "))
		}
		t.parts = append(t.parts, templatePart{text: before, name: name})
		rest = tail
	}
}

// literalHost says what is wrong with the part of a template that names whom to talk to; the empty text: nothing.
func literalHost(text string) string {
	u, err := url.Parse(strings.NewReplacer("{", "x", "}", "x").Replace(text))
	switch {
	case err != nil:
		return "is not a URL"
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		return "must begin with http:// or https:// and a host"
	case u.User != nil:
		return "holds a user name or password; use a header"
	}
	_, rest, _ := strings.Cut(text, "://")
	host := rest[:len(rest)-len(strings.TrimLeft(rest, hostChars))]
	if len(host) < len(rest) && !strings.ContainsRune("/?#", rune(rest[len(host)])) {
		return fmt.Sprintf("has %q in its host; values may stand in the path and the query only", rest[len(host)])
	}
	return ""
}

// hostChars are what a literal host with its port may hold.
const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_"

// fill returns the URL with each name replaced by its escaped value.
func (t *urlTemplate) fill(value func(name string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.name != "" {
			b.WriteString(escape(value(p.name)))
		}
	}
	return b.String()
}

// escape writes everything but the unreserved characters of RFC 3986 section 2.3 as %XX, which is right in a path, a query and a fragment alike.
func escape(s string) string {
	// A segment of dots alone would climb in the path, and dots may not be escaped: browsers decode %2e before they resolve.
	if s == "." || s == ".." {
		return ""
	}
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}
