package sipbridge_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/tandem-cc/tandem/sipbridge"
	"github.com/tandem-cc/tandem/switchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSwitch_KeepsTheContractWithDeskPhones(t *testing.T) {
	t.Parallel()
	switchtest.Run(t, switchtest.Config{
		Open: func(tb testing.TB) switchtest.Rig {
			tb.Helper()
			return newBridge(tb, nil).withDesks()
		},
		Parallel: true, Calls: 40,
	})
}

func TestSwitch_KeepsTheContractWithBrowserPhones(t *testing.T) {
	t.Parallel()
	switchtest.Run(t, switchtest.Config{
		Open: func(tb testing.TB) switchtest.Rig {
			tb.Helper()
			return newBridge(tb, func(c *sipbridge.Config) { c.Credentials = nil }).withPages()
		},
		Parallel: true,
	})
}

func TestSwitch_KeepsTheContractWithSIPPhonesInBrowsers(t *testing.T) {
	t.Parallel()
	switchtest.Run(t, switchtest.Config{
		Open: func(tb testing.TB) switchtest.Rig {
			tb.Helper()
			return newBridge(tb, nil).withWSPhones()
		},
		Parallel: true,
	})
}
