package crm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
)

const caller = tandem.Number("+34911234567")

func TestDirectory_RemembersAnswersAndAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		d, err := crm.NewDirectory(crm.DirectoryConfig{Lookup: crm.LookupFunc(func(_ context.Context, q crm.Query) (crm.Contact, error) {
			asked.Add(1)
			if q.Number != caller {
				return crm.Contact{}, tandem.ErrNotFound
			}
			return crm.Contact{ID: "7", Name: "Ann", URL: "javascript:alert(1)"}, nil
		})})
		require.NoError(t, err)
		for range 3 {
			require.Equal(t, crm.Contact{ID: "7", Name: "Ann"}, d.Contact(t.Context(), crm.Query{Number: caller}), "the unsafe link must be gone")
			require.False(t, d.Contact(t.Context(), crm.Query{Number: "1"}).Known())
		}
		require.EqualValues(t, 2, asked.Load(), "one question each")
		time.Sleep(time.Minute) // bubble time
		d.Contact(t.Context(), crm.Query{Number: "1"})
		d.Contact(t.Context(), crm.Query{Number: caller})
		require.EqualValues(t, 3, asked.Load(), "absence is forgotten first")
		require.False(t, d.Contact(t.Context(), crm.Query{}).Known(), "a withheld number is nobody")
		require.EqualValues(t, 3, asked.Load())
	})
}

func TestDirectory_SlowOrBrokenServiceMeansUnknownAndIsLoggedWithoutTheNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		fault := ""
		d, err := crm.NewDirectory(crm.DirectoryConfig{
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Lookup: crm.LookupFunc(func(ctx context.Context, _ crm.Query) (crm.Contact, error) {
				switch fault {
				case "panic":
					panic("host bug")
				case "error":
					return crm.Contact{ID: "half"}, errors.New("database down")
				}
				<-ctx.Done()
				return crm.Contact{}, ctx.Err()
			}),
		})
		require.NoError(t, err)
		for _, fault = range []string{"slow", "panic", "error"} {
			start := time.Now()
			require.False(t, d.Contact(t.Context(), crm.Query{Number: caller, Call: "c1"}).Known(), fault)
			require.LessOrEqual(t, time.Since(start), 3*time.Second, fault)
		}
		require.Equal(t, 3, strings.Count(log.String(), "contact lookup failed"), log.String())
		require.NotContains(t, log.String(), string(caller))
	})
}

func TestDirectory_AsksOnceForConcurrentCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		d, err := crm.NewDirectory(crm.DirectoryConfig{Size: 1, Lookup: crm.LookupFunc(func(context.Context, crm.Query) (crm.Contact, error) {
			asked.Add(1)
			time.Sleep(time.Second) // bubble time
			return crm.Contact{ID: "7"}, nil
		})})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if got := d.Contact(t.Context(), crm.Query{Number: caller}); got.ID != "7" {
					t.Errorf("contact: got %+v, want 7", got)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, asked.Load())
		d.Contact(t.Context(), crm.Query{Number: "2"})
		d.Contact(t.Context(), crm.Query{Number: caller})
		require.EqualValues(t, 3, asked.Load(), "a full memory forgets")
	})
}

func lookupAt(t *testing.T, cfg crm.HTTPLookupConfig, h http.HandlerFunc) *crm.HTTPLookup {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg.URL = srv.URL + cfg.URL
	l, err := crm.NewHTTPLookup(cfg)
	require.NoError(t, err)
	return l
}

func TestHTTPLookup_FillsTheTemplateAndReadsTheAnswer(t *testing.T) {
	t.Parallel()
	l := lookupAt(t, crm.HTTPLookupConfig{URL: "/by/{number}?q={queue}", Header: http.Header{"Authorization": {"Bearer k"}}, IDField: "Id"},
		func(w http.ResponseWriter, r *http.Request) {
			if r.RequestURI != "/by/%2B34911234567?q=a%26b%2Fc" || r.Header.Get("Authorization") != "Bearer k" {
				http.Error(w, r.RequestURI, http.StatusTeapot)
				return
			}
			_, _ = io.WriteString(w, `[{"Id":42,"name":"Ann\nLee","url":"https://crm.example/42","vip":true,"nested":{"x":1},"balance":10.50}]`)
		})
	got, err := l.Lookup(t.Context(), crm.Query{Number: caller, Queue: "a&b/c"})
	require.NoError(t, err)
	require.Equal(t, crm.Contact{ID: "42", Name: "Ann Lee", URL: "https://crm.example/42", Fields: map[string]string{"vip": "true", "balance": "10.50"}}, got)
}

func TestHTTPLookup_PostsTheQuery(t *testing.T) {
	t.Parallel()
	l := lookupAt(t, crm.HTTPLookupConfig{URL: "/find", Method: "POST"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"id":"1","echo":%q}`, body)
	})
	got, err := l.Lookup(t.Context(), crm.Query{Number: caller, Call: "c1"})
	require.NoError(t, err)
	require.JSONEq(t, `{"number":"+34911234567","call":"c1","queue":"","did":"","campaign":"","lead":""}`, got.Fields["echo"])
}

func TestHTTPLookup_NobodyIsNotFoundAndFaultsAreErrorsWithoutTheNumber(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		absent bool
	}{
		"404":        {404, "no", true},
		"204":        {204, "", true},
		"empty list": {200, "[]", true},
		"null":       {200, "null", true},
		"500":        {500, "boom +34911234567", false},
		"not JSON":   {200, "<html>+34911234567", false},
		"a text":     {200, `"+34911234567"`, false},
		"too long":   {200, `{"id":"` + strings.Repeat("x", 70_000) + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lookupAt(t, crm.HTTPLookupConfig{URL: "/{number}"}, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := l.Lookup(t.Context(), crm.Query{Number: caller})
			require.Error(t, err)
			require.Equal(t, c.absent, errors.Is(err, tandem.ErrNotFound), "got %v", err)
			require.NotContains(t, err.Error(), "34911234567")
		})
	}
}

func TestHTTPLookup_FollowsNoRedirectToAnotherHost(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(other.Close)
	l := lookupAt(t, crm.HTTPLookupConfig{URL: "/{number}"}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/internal", http.StatusFound)
	})
	_, err := l.Lookup(t.Context(), crm.Query{Number: caller})
	require.ErrorContains(t, err, "redirected to another host")
	require.NotContains(t, err.Error(), "34911234567")
	require.False(t, reached.Load())
}

func TestTemplates_RefuseWhatCouldLeadElsewhere(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "crm.example/{number}", "ftp://crm.example/{number}", "javascript:alert({number})", "https://{number}.example/", "https://crm{queue}/",
		"https://user:pw@crm.example/", "https://crm.example/{nummer}", "https://crm.example/{number", "https://crm.example/}{", "https://{contact.id}/",
		"https://crm.example\\@evil/{number}",
	} {
		_, err := crm.NewScreenPop(bad)
		require.ErrorIs(t, err, tandem.ErrInvalid, "screen pop %q", bad)
		_, err = crm.NewHTTPLookup(crm.HTTPLookupConfig{URL: bad})
		require.ErrorIs(t, err, tandem.ErrInvalid, "lookup %q", bad)
	}
	_, err := crm.NewHTTPLookup(crm.HTTPLookupConfig{URL: "https://crm.example/{contact.id}"})
	require.ErrorIs(t, err, tandem.ErrInvalid, "a lookup knows no contact yet")
}

func TestScreenPop_EscapesEveryValue(t *testing.T) {
	t.Parallel()
	s, err := crm.NewScreenPop("https://crm.example/{contact.id}/open?n={number}&c={call}&q={queue}&a={agent}&v={contact.vip}#{contact.name}")
	require.NoError(t, err)
	got := s.URL(crm.Pop{
		Query: crm.Query{Number: caller, Call: "c1", Queue: "a b"}, Agent: "ann",
		Contact: crm.Contact{ID: "../7?x", Name: "Ñ&", Fields: map[string]string{"vip": "yes"}},
	})
	require.Equal(t, "https://crm.example/..%2F7%3Fx/open?n=%2B34911234567&c=c1&q=a%20b&a=ann&v=yes#%C3%91%26", got)
}

func FuzzScreenPop(f *testing.F) {
	f.Add("https://crm.example/{number}", "+34 911/../?#&")
	f.Add("http://h:1/{contact.id}?{call}", "..")
	f.Fuzz(func(t *testing.T, template, value string) {
		s, err := crm.NewScreenPop(template)
		if err != nil {
			return
		}
		at := func(v string) string {
			return s.URL(crm.Pop{Query: crm.Query{Number: tandem.Number(v), Call: tandem.CallID(v)}, Contact: crm.Contact{ID: v}})
		}
		request, err := http.NewRequest(http.MethodGet, at(value), nil) //nolint:noctx // it is never sent
		if err != nil {
			return
		}
		plain, err := http.NewRequest(http.MethodGet, at("x"), nil) //nolint:noctx // it is never sent
		require.NoError(t, err)
		require.Equal(t, plain.URL.Host, request.URL.Host, "a value must not choose the host")
		require.Equal(t, plain.URL.Scheme, request.URL.Scheme)
	})
}
