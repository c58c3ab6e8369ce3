package storetest_test

import (
	"fmt"

	"github.com/tandem-cc/tandem/store/storetest"
)

// Whoever writes a reader of the journal tries it on one record of every kind.
func ExampleEvents() {
	rs := storetest.Events()
	fmt.Println(len(rs), "kinds, from", rs[0].Event.Kind(), "to", rs[len(rs)-1].Event.Kind())
	// Output: 28 kinds, from node_started to node_stopped
}
