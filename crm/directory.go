package crm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// DirectoryConfig configures a Directory.
type DirectoryConfig struct {
	Lookup Lookup // whom to ask; required
	// Timeout bounds one lookup. Zero means 3 s.
	Timeout time.Duration
	// TTL is how long an answer is remembered. Zero means 5 min; negative remembers nothing.
	TTL time.Duration
	// AbsentTTL is how long "nobody by that number" is remembered. Zero means 1 min; negative remembers nothing.
	AbsentTTL time.Duration
	// Size is how many answers are remembered at most; one that is full forgets the expired ones, and if there are
	// none an arbitrary one. Zero means 10,000.
	Size int
	// Logger hears of lookups that failed. Nil discards.
	Logger *slog.Logger
}

// Directory answers who calls, whatever state the host's system is in: it bounds the time, remembers answers, asks once for
// callers who are asked for at the same time, and answers with the unknown contact when it cannot be found out.
// A failure is not remembered. A Directory may be used concurrently.
type Directory struct {
	cfg DirectoryConfig

	mu      sync.Mutex // guards the fields below
	answers map[cacheKey]answer
	asking  map[cacheKey]chan struct{} // closed when that lookup is over
}

// cacheKey is what an answer depends on: one number may be another contact for another campaign.
type cacheKey struct {
	number   tandem.Number
	campaign tandem.CampaignID
	lead     tandem.LeadID
}

type answer struct {
	contact Contact
	until   time.Time
}

// NewDirectory checks the configuration.
func NewDirectory(cfg DirectoryConfig) (*Directory, error) {
	if cfg.Lookup == nil {
		return nil, &tandem.ConfigError{Where: "crm.lookup", What: "is missing"}
	}
	if cfg.Timeout < 0 || cfg.Size < 0 {
		return nil, &tandem.ConfigError{Where: "crm", What: "timeout and size must not be negative"}
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 3*time.Second)
	cfg.TTL = cmp.Or(cfg.TTL, 5*time.Minute)
	cfg.AbsentTTL = cmp.Or(cfg.AbsentTTL, time.Minute)
	cfg.Size = cmp.Or(cfg.Size, 10_000)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Directory{cfg: cfg, answers: make(map[cacheKey]answer), asking: make(map[cacheKey]chan struct{})}, nil
}

// Contact returns whom the number belongs to, or the zero Contact when nobody is known by it or it could not be found out in time.
func (d *Directory) Contact(ctx context.Context, q Query) Contact {
	if q.Number == "" && q.Lead == "" {
		return Contact{}
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	key := cacheKey{q.Number, q.Campaign, q.Lead}
	for {
		contact, wait, found := d.begin(key)
		if found {
			return contact
		}
		if wait == nil {
			return d.ask(ctx, key, q)
		}
		select {
		case <-wait: // the other one may have failed, or been cancelled: look again
		case <-ctx.Done():
			return Contact{}
		}
	}
}

// begin returns a remembered answer, or what to wait for while somebody else asks, or neither: the caller must ask.
func (d *Directory) begin(key cacheKey) (contact Contact, wait <-chan struct{}, found bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok := d.answers[key]; ok && time.Now().Before(a.until) {
		return a.contact, nil, true
	}
	if ch, ok := d.asking[key]; ok {
		return Contact{}, ch, false
	}
	d.asking[key] = make(chan struct{})
	return Contact{}, nil, false
}

func (d *Directory) ask(ctx context.Context, key cacheKey, q Query) Contact {
	contact, err := d.lookup(ctx, q)
	ttl := d.cfg.TTL
	switch {
	case errors.Is(err, tandem.ErrNotFound):
		contact, ttl = Contact{}, d.cfg.AbsentTTL
	case err != nil:
		d.cfg.Logger.WarnContext(ctx, "contact lookup failed, caller shown as unknown", "call_id", q.Call, "number", q.Number, "error", err)
		contact, ttl = Contact{}, -1
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.asking[key])
	delete(d.asking, key)
	if ttl > 0 {
		d.rememberLocked(key, answer{contact, time.Now().Add(ttl)})
	}
	return contact
}

// lookup calls the host's code and survives its panic: a call must ring whatever the hook does.
func (d *Directory) lookup(ctx context.Context, q Query) (contact Contact, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("crm: lookup panicked: %v", p)
		}
	}()
	contact, err = d.cfg.Lookup.Lookup(ctx, q)
	contact.URL = safeLink(contact.URL)
	return contact, err
}

func (d *Directory) rememberLocked(key cacheKey, a answer) {
	if len(d.answers) >= d.cfg.Size {
		now := time.Now()
		for k, old := range d.answers {
			if !now.Before(old.until) {
				delete(d.answers, k)
			}
		}
	}
	for k := range d.answers {
		if len(d.answers) < d.cfg.Size {
			break
		}
		delete(d.answers, k)
	}
	d.answers[key] = a
}
