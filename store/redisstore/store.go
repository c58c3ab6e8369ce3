package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Config says which Redis is used.
type Config struct {
	// URL is redis://user:password@host:port/db, or rediss:// for TLS. Required.
	URL string
	// Prefix begins every key; centres that share a Redis need different ones. Default "tandem".
	Prefix string
}

// Store is a Redis behind the ports of presence and leases. All methods may be called concurrently.
type Store struct {
	client *redis.Client
	prefix string // with the braces and colon
}

// Open connects.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.URL == "" {
		return nil, &tandem.ConfigError{Where: "redisstore.url", What: "is missing"}
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "tandem"
	}
	opts, err := redis.ParseURL(cfg.URL)
	if err != nil {
		// The parser's error may repeat the password.
		return nil, &tandem.ConfigError{Where: "redisstore.url", What: "is not a Redis URL"}
	}
	opts.ContextTimeoutEnabled = true
	// A script is never sent twice: an acquisition whose answer was lost must not look like someone else's.
	opts.MaxRetries = -1
	client := redis.NewClient(opts)
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("redisstore: open: %w", err), client.Close())
	}
	return &Store{client: client, prefix: "{" + cfg.Prefix + "}:"}, nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// Lease returns the leases.
func (s *Store) Lease() tandem.Lease { return &Lease{s: s} }

// Presence returns who is at work.
func (s *Store) Presence() reports.Presence { return newPresence(s) }
