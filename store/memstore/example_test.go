package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/store/memstore"
)

// A simulation journals into memory and looks at what happened.
func Example() {
	ctx := context.Background()
	journal := memstore.NewJournal()
	rs := []tandem.Record{{At: time.Now(), Event: tandem.NodeStarted{Node: "n1"}}}
	if err := journal.Append(ctx, rs); err != nil {
		fmt.Println(err)
		return
	}
	rs, err := journal.Read(ctx, 1, 10)
	fmt.Println(rs[0].Seq, rs[0].Event.Kind(), err)
	// Output: 1 node_started <nil>
}
