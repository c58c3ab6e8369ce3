// Package redisstore keeps in Redis (6 or later) what several nodes share from moment to moment: who is at work
// (reports.Presence) and who owns what (tandem.Lease, with fencing numbers). Facts and history belong in a database.
//
// Every operation is one Lua script, so that it happens wholly or not at all, and takes the time from Redis (TIME), so that the
// nodes' clocks do not matter. All keys begin with the prefix in braces, so that a cluster keeps a centre's keys together.
//
// A fencing number must never come again. Redis must therefore keep the lease keys: run it with appendonly yes and
// without an eviction policy that may take keys without an expiry. A failover may lose the last writes (Redis replicates
// asynchronously): where that is not acceptable use the leases of pgstore.
//
// The package starts no goroutine of its own; the client keeps its connections until Close.
package redisstore
