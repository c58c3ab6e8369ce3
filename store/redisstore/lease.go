package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tandem-cc/tandem"
)

// Lease is tandem.Lease over Redis: a hash per name, which stays when the lease has lapsed, for its fencing number.
type Lease struct{ s *Store }

var _ tandem.Lease = (*Lease)(nil)

// Times are whole microseconds, which a Lua number holds exactly; as text they are written in full, because Lua would round them.
const luaNow = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
`

const luaAcquire = luaNow + `
local h = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until')
local fence = tonumber(h[2] or '0')
local held = h[1] and h[1] ~= '' and tonumber(h[3]) > now
if held and h[1] ~= ARGV[1] then return false end
if not held then fence = fence + 1 end
local till = now + ARGV[2]
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', string.format('%.0f', fence), 'until', string.format('%.0f', till))
return {fence, till}`

const luaHeld = luaNow + `
local h = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until')
if not h[1] or h[1] == '' or h[1] ~= ARGV[1] or h[2] ~= ARGV[2] or tonumber(h[3]) <= now then return false end
`

const luaRenew = luaHeld + `
local till = now + ARGV[3]
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', till))
return {tonumber(h[2]), till}`

const luaRelease = luaHeld + `
redis.call('HSET', KEYS[1], 'owner', '', 'until', '0')
return {tonumber(h[2]), 0}`

// Acquire implements tandem.Lease.
func (l *Lease) Acquire(ctx context.Context, name string, owner tandem.NodeID, ttl time.Duration) (tandem.Grant, error) {
	if name == "" || owner == "" || ttl < time.Millisecond {
		return tandem.Grant{}, fmt.Errorf("redisstore: acquire lease %s: needs a name, an owner and at least 1 ms: %w", name, tandem.ErrInvalid)
	}
	g, err := l.do(ctx, luaAcquire, name, string(owner), ttl.Microseconds())
	if err != nil {
		return tandem.Grant{}, fmt.Errorf("redisstore: acquire lease %s: %w", name, err)
	}
	g.Name, g.Owner = name, owner
	return g, nil
}

// Renew implements tandem.Lease.
func (l *Lease) Renew(ctx context.Context, g tandem.Grant, ttl time.Duration) (tandem.Grant, error) {
	if ttl < time.Millisecond {
		return tandem.Grant{}, fmt.Errorf("redisstore: renew lease %s: needs at least 1 ms: %w", g.Name, tandem.ErrInvalid)
	}
	renewed, err := l.do(ctx, luaRenew, g.Name, string(g.Owner), g.Fence, ttl.Microseconds())
	if err != nil {
		return tandem.Grant{}, fmt.Errorf("redisstore: renew lease %s: %w", g.Name, err)
	}
	g.Until = renewed.Until
	return g, nil
}

// Release implements tandem.Lease.
func (l *Lease) Release(ctx context.Context, g tandem.Grant) error {
	if _, err := l.do(ctx, luaRelease, g.Name, string(g.Owner), g.Fence); err != nil {
		return fmt.Errorf("redisstore: release lease %s: %w", g.Name, err)
	}
	return nil
}

// do runs a script, which returns the fencing number and the end in microseconds, or nothing for a conflict.
func (l *Lease) do(ctx context.Context, script, name string, args ...any) (tandem.Grant, error) {
	got, err := redis.NewScript(script).Run(ctx, l.s.client, []string{l.s.prefix + "lease:" + name}, args...).Int64Slice()
	switch {
	case errors.Is(err, redis.Nil):
		return tandem.Grant{}, tandem.ErrConflict
	case err != nil:
		return tandem.Grant{}, err
	case len(got) != 2:
		return tandem.Grant{}, fmt.Errorf("an answer of %d parts: %w", len(got), tandem.ErrInvalid)
	}
	return tandem.Grant{Fence: uint64(got[0]), Until: time.UnixMicro(got[1]).UTC()}, nil //nolint:gosec // it is counted up from 1
}
