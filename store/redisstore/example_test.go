package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/store/redisstore"
)

// Two nodes want to own the routing group "sales". One gets it, and stamps what it writes with its fencing number.
func Example() {
	server, err := miniredis.Run() // a host has a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	ctx := context.Background()
	store, err := redisstore.Open(ctx, redisstore.Config{URL: "redis://" + server.Addr(), Prefix: "acme"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	lease := store.Lease()
	grant, err := lease.Acquire(ctx, "group/sales", "node-1", 5*time.Second)
	fmt.Println(grant.Owner, "has fence", grant.Fence, err)

	_, err = lease.Acquire(ctx, "group/sales", "node-2", 5*time.Second)
	fmt.Println("node-2 is too late:", errors.Is(err, tandem.ErrConflict))

	_ = lease.Release(ctx, grant)
	grant, err = lease.Acquire(ctx, "group/sales", "node-2", 5*time.Second)
	fmt.Println(grant.Owner, "has fence", grant.Fence, err)
	// Output:
	// node-1 has fence 1 <nil>
	// node-2 is too late: true
	// node-2 has fence 2 <nil>
}
