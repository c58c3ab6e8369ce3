package memstore_test

import (
	"testing"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
	"github.com/tandem-cc/tandem/store/storetest"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	storetest.Journal(t, func(*testing.T) storetest.Durable[reports.Store] {
		return storetest.Durable[reports.Store]{Store: memstore.NewJournal()}
	})
}

func TestArchive(t *testing.T) {
	t.Parallel()
	storetest.Archive(t, func(*testing.T) storetest.Durable[reports.Archive] {
		return storetest.Durable[reports.Archive]{Store: memstore.NewArchive()}
	})
}

func TestLease(t *testing.T) {
	t.Parallel()
	storetest.Lease(t, func(*testing.T) storetest.Durable[tandem.Lease] {
		return storetest.Durable[tandem.Lease]{Store: memstore.NewLease()}
	})
}

func TestPresence(t *testing.T) {
	t.Parallel()
	storetest.Presence(t, func(*testing.T) storetest.Durable[reports.Presence] {
		return storetest.Durable[reports.Presence]{Store: memstore.NewPresence()}
	})
}
