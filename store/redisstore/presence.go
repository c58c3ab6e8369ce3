package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
)

// Presence is reports.Presence over Redis: one hash of agents and one sorted set of when each is forgotten.
type Presence struct {
	s    *Store
	keys []string

	put, remove, get, list *redis.Script
}

var _ reports.Presence = (*Presence)(nil)

const luaPut = luaNow + `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), ARGV[1])
return 1`

const luaRemove = `
local p = redis.call('HGET', KEYS[1], ARGV[1])
if p and cjson.decode(p).node == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1`

const luaGet = luaNow + `
local till = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not till or tonumber(till) <= now then return false end
return redis.call('HGET', KEYS[1], ARGV[1])`

// Those to be forgotten are taken out a thousand at a time: a script must not take long, and an HDEL has a limit of arguments.
const luaList = luaNow + `
local gone
repeat
  gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, 1000)
  if #gone > 0 then
    redis.call('HDEL', KEYS[1], unpack(gone))
    redis.call('ZREM', KEYS[2], unpack(gone))
  end
until #gone == 0
return redis.call('HVALS', KEYS[1])`

func newPresence(s *Store) *Presence {
	return &Presence{
		s: s, keys: []string{s.prefix + "presence", s.prefix + "presence:until"},
		put: redis.NewScript(luaPut), remove: redis.NewScript(luaRemove), get: redis.NewScript(luaGet), list: redis.NewScript(luaList),
	}
}

// Put implements reports.Presence.
func (p *Presence) Put(ctx context.Context, who reports.Present, ttl time.Duration) error {
	if err := who.Validate(); err != nil {
		return fmt.Errorf("redisstore: presence: %w", err)
	}
	if ttl < time.Millisecond {
		return fmt.Errorf("redisstore: presence of %s: needs at least 1 ms: %w", who.Agent, tandem.ErrInvalid)
	}
	data, err := json.Marshal(who)
	if err == nil {
		err = p.put.Run(ctx, p.s.client, p.keys, string(who.Agent), data, ttl.Microseconds()).Err()
	}
	if err != nil {
		return fmt.Errorf("redisstore: presence of %s: %w", who.Agent, err)
	}
	return nil
}

// Remove implements reports.Presence.
func (p *Presence) Remove(ctx context.Context, agent tandem.AgentID, node tandem.NodeID) error {
	if err := p.remove.Run(ctx, p.s.client, p.keys, string(agent), string(node)).Err(); err != nil {
		return fmt.Errorf("redisstore: presence of %s: %w", agent, err)
	}
	return nil
}

// Get implements reports.Presence.
func (p *Presence) Get(ctx context.Context, agent tandem.AgentID) (reports.Present, error) {
	data, err := p.get.Run(ctx, p.s.client, p.keys, string(agent)).Text()
	if errors.Is(err, redis.Nil) {
		err = tandem.ErrNotFound
	}
	var who reports.Present
	if err == nil {
		err = json.Unmarshal([]byte(data), &who)
	}
	if err != nil {
		return reports.Present{}, fmt.Errorf("redisstore: presence of %s: %w", agent, err)
	}
	return who, nil
}

// List implements reports.Presence.
func (p *Presence) List(ctx context.Context) ([]reports.Present, error) {
	all, err := p.list.Run(ctx, p.s.client, p.keys).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("redisstore: presence: %w", err)
	}
	out := make([]reports.Present, len(all))
	for i := range all {
		if err := json.Unmarshal([]byte(all[i]), &out[i]); err != nil {
			return nil, fmt.Errorf("redisstore: presence: %w", err)
		}
	}
	slices.SortFunc(out, func(a, b reports.Present) int { return cmp.Compare(a.Agent, b.Agent) })
	return out, nil
}
