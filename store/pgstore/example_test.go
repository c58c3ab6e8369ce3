package pgstore_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/store/pgstore"
)

// A host says where its server is; what is wrong with that is said before anything else happens.
func Example() {
	ctx := context.Background()
	_, err := pgstore.Open(ctx, pgstore.Config{URL: "postgres://tandem:secret@db:notaport/centre"})
	fmt.Println(err, errors.Is(err, tandem.ErrInvalid))
	// Then: defer store.Close(), store.Migrate(ctx), and hand store.Journal(), store.Archive() and so on to the engines.

	// Output: pgstore.url: is not a connection string true
}
