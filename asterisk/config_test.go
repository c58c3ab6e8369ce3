package asterisk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk"
	"github.com/tandem-cc/tandem/asterisk/ami"
)

func TestNew_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	trunk := asterisk.Trunk{ID: "carrier", Dial: "PJSIP/{number}@carrier"}
	ana := asterisk.Agent{ID: "ana", Device: "PJSIP/1001"}
	for where, c := range map[string]asterisk.Config{
		"context":             {Context: "tandem^x"},
		"trunks[0].id":        {Trunks: []asterisk.Trunk{{Dial: trunk.Dial}}},
		"trunks[1].id":        {Trunks: []asterisk.Trunk{trunk, {ID: "carrier", Dial: "PJSIP/{number}@other"}}},
		"trunks[0].dial":      {Trunks: []asterisk.Trunk{{ID: "carrier", Dial: "PJSIP/carrier"}}},
		"trunks[1].devices":   {Trunks: []asterisk.Trunk{trunk, {ID: "b", Dial: trunk.Dial}}},
		"agents[0].id":        {Agents: []asterisk.Agent{{Device: "PJSIP/1001"}}},
		"agents[1].id":        {Agents: []asterisk.Agent{ana, {ID: "ana", Device: "PJSIP/1002"}}},
		"agents[0].device":    {Agents: []asterisk.Agent{{ID: "ana", Device: "PJSIP/1001&PJSIP/1002"}}},
		"agents[1].device":    {Agents: []asterisk.Agent{ana, {ID: "ben", Device: "PJSIP/1001"}}},
		"grace":               {Grace: -1},
		"ami.addr: \"nowhere": {AMI: ami.Config{Addr: "nowhere"}},
	} {
		if c.AMI.Addr == "" {
			c.AMI.Addr = "127.0.0.1:5038"
		}
		c.AMI.Username, c.AMI.Secret = "u", "s3cret"
		_, err := asterisk.New(c)
		require.ErrorIs(t, err, tandem.ErrInvalid, where)
		require.ErrorContains(t, err, where)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestRun_WantsAHandler(t *testing.T) {
	t.Parallel()
	sw, err := asterisk.New(asterisk.Config{AMI: ami.Config{Addr: "127.0.0.1:5038", Username: "u", Secret: "s"}})
	require.NoError(t, err)
	require.ErrorIs(t, sw.Run(t.Context(), nil), tandem.ErrInvalid)
}
