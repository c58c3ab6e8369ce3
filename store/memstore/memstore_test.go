package memstore_test

import (
	"testing"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/crm"
	"github.com/tandem-cc/tandem/reports"
	"github.com/tandem-cc/tandem/store/memstore"
	"github.com/tandem-cc/tandem/store/storetest"
	"github.com/tandem-cc/tandem/web/account"
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

func TestLeads(t *testing.T) {
	t.Parallel()
	storetest.Leads(t, func(*testing.T) storetest.Durable[storetest.LeadStore] {
		s := memstore.NewLeads()
		return storetest.Durable[storetest.LeadStore]{Store: storetest.LeadStore{Store: s, Lists: s, DoNotCall: s}}
	})
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	storetest.Accounts(t, func(*testing.T) storetest.Durable[account.Accounts] {
		return storetest.Durable[account.Accounts]{Store: memstore.NewAccounts()}
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	storetest.Sessions(t, func(*testing.T) storetest.Durable[account.Sessions] {
		return storetest.Durable[account.Sessions]{Store: memstore.NewAccounts()}
	})
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	storetest.Outbox(t, func(*testing.T) storetest.Durable[crm.Outbox] {
		return storetest.Durable[crm.Outbox]{Store: memstore.NewOutbox()}
	})
}

func BenchmarkJournal(b *testing.B) {
	storetest.BenchJournal(b, func(*testing.B) reports.Store { return memstore.NewJournal() })
}

func BenchmarkArchive(b *testing.B) {
	storetest.BenchArchive(b, func(*testing.B) reports.Archive { return memstore.NewArchive() })
}
