package sqlitestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/store/sqlitestore"
)

// A host keeps its centre in one file.
func Example() {
	dir, err := os.MkdirTemp("", "centre") // a host has a data folder
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	store, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: filepath.Join(dir, "tandem.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	if err := store.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}

	rs := []tandem.Record{{At: time.Now(), Event: tandem.NodeStarted{Node: "n1"}}}
	if err := store.Journal().Append(ctx, rs); err != nil {
		fmt.Println(err)
		return
	}
	last, err := store.Journal().Last(ctx)
	fmt.Println(last, err)
	// Output: 1 <nil>
}
