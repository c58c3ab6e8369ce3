package crm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandem-cc/tandem"
)

// HTTPLookupConfig configures an HTTPLookup.
type HTTPLookupConfig struct {
	// URL is where to ask: http or https, a literal host, and {number}, {call}, {queue}, {did}, {campaign}, {lead} in the path
	// or query. Required.
	URL string
	// Method is GET or POST; empty means GET. A POST carries the query as a JSON object with the same names.
	Method string
	// Header is sent along, such as Authorization. Its values are never logged.
	Header http.Header
	// The names of the fields in the answer; empty means "id", "name" and "url".
	IDField, NameField, URLField string
	// MaxBytes bounds the answer; a longer one is an error. Zero means 64 KiB.
	MaxBytes int64
	// Client makes the requests. Nil means one of its own. Its redirect policy is replaced in a copy: only the configured
	// host is followed, at most three times.
	Client *http.Client
}

// HTTPLookup asks a web service for a contact. The answer is a JSON object, or an array whose first object counts; 404, 204, null and an empty array
// mean that nobody is known. Its members become the contact's ID, name and URL, and those that are text, number or
// truth value its fields. It may be used concurrently.
type HTTPLookup struct {
	cfg      HTTPLookupConfig
	template *urlTemplate
	client   *http.Client
}

var _ Lookup = (*HTTPLookup)(nil)

// What bounds the fields of an answer: more of them, or longer ones, are left out or cut.
const (
	maxFields     = 50
	maxFieldRunes = 500
	maxRedirects  = 3
)

var errRedirect = errors.New("redirected to another host")

// NewHTTPLookup checks the configuration; errors are a tandem.ConfigError.
func NewHTTPLookup(cfg HTTPLookupConfig) (*HTTPLookup, error) {
	t, err := parseTemplate("crm.lookup.url", cfg.URL, queryNames())
	if err != nil {
		return nil, err
	}
	cfg.Method = cmp.Or(cfg.Method, http.MethodGet)
	if cfg.Method != http.MethodGet && cfg.Method != http.MethodPost {
		return nil, &tandem.ConfigError{Where: "crm.lookup.method", What: fmt.Sprintf("is %q; GET or POST", cfg.Method)}
	}
	if cfg.MaxBytes < 0 {
		return nil, &tandem.ConfigError{Where: "crm.lookup.max_bytes", What: "is negative"}
	}
	cfg.IDField = cmp.Or(cfg.IDField, "id")
	cfg.NameField = cmp.Or(cfg.NameField, "name")
	cfg.URLField = cmp.Or(cfg.URLField, "url")
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 64<<10)
	return &HTTPLookup{cfg: cfg, template: t, client: sameHostClient(cfg.Client)}, nil
}

// sameHostClient returns a copy of c that follows redirects within the first request's scheme and host only.
func sameHostClient(c *http.Client) *http.Client {
	copied := http.Client{}
	if c != nil {
		copied = *c
	}
	copied.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return errors.New("too many redirects")
		}
		if req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host {
			return errRedirect
		}
		return nil
	}
	return &copied
}

// Lookup asks the service.
func (l *HTTPLookup) Lookup(ctx context.Context, q Query) (Contact, error) {
	var body io.Reader
	if l.cfg.Method == http.MethodPost {
		values := make(map[string]string)
		for _, name := range queryNames() {
			values[name] = q.value(name)
		}
		text, err := json.Marshal(values)
		if err != nil {
			return Contact{}, fmt.Errorf("crm: lookup: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, l.cfg.Method, l.template.fill(q.value), body)
	if err != nil {
		return Contact{}, fmt.Errorf("crm: lookup: %w", withoutURL(err))
	}
	for name, values := range l.cfg.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return Contact{}, fmt.Errorf("crm: lookup: %w", withoutURL(err))
	}
	contact, err := l.read(resp)
	return contact, errors.Join(err, resp.Body.Close())
}

// withoutURL takes the address out of an error of the HTTP client: it holds the caller's number.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (l *HTTPLookup) read(resp *http.Response) (Contact, error) {
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusNoContent {
		return Contact{}, fmt.Errorf("crm: lookup: %w", tandem.ErrNotFound)
	}
	if resp.StatusCode != http.StatusOK {
		return Contact{}, fmt.Errorf("crm: lookup: the service answered with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, l.cfg.MaxBytes+1))
	if err != nil {
		return Contact{}, fmt.Errorf("crm: lookup: read the answer: %w", withoutURL(err))
	}
	if int64(len(text)) > l.cfg.MaxBytes {
		return Contact{}, fmt.Errorf("crm: lookup: the answer is longer than %d bytes", l.cfg.MaxBytes)
	}
	object, err := firstObject(text)
	if err != nil {
		return Contact{}, err
	}
	return l.contact(object), nil
}

// firstObject returns the JSON object that the answer is or begins with.
func firstObject(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, errors.New("crm: lookup: the answer is not JSON") // The decoder's words could quote the answer.
	}
	if list, ok := value.([]any); ok {
		if len(list) == 0 {
			return nil, fmt.Errorf("crm: lookup: %w", tandem.ErrNotFound)
		}
		value = list[0]
	}
	switch object := value.(type) {
	case nil:
		return nil, fmt.Errorf("crm: lookup: %w", tandem.ErrNotFound)
	case map[string]any:
		return object, nil
	}
	return nil, errors.New("crm: lookup: the answer is not a JSON object")
}

func (l *HTTPLookup) contact(object map[string]any) Contact {
	c := Contact{
		ID: scalar(object[l.cfg.IDField]), Name: scalar(object[l.cfg.NameField]), URL: safeLink(scalar(object[l.cfg.URLField])),
		Fields: make(map[string]string),
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == l.cfg.IDField || name == l.cfg.NameField || name == l.cfg.URLField || len(c.Fields) == maxFields {
			continue
		}
		if text := scalar(object[name]); text != "" {
			c.Fields[cut(name)] = text
		}
	}
	return c
}

// scalar returns a text, number or truth value as text, and everything else as the empty text.
func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return cut(v)
	case json.Number:
		return cut(v.String())
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// cut bounds a text and takes out control characters.
func cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if runes := []rune(s); len(runes) > maxFieldRunes {
		return string(runes[:maxFieldRunes])
	}
	return s
}
