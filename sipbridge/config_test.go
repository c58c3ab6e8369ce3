package sipbridge_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/sipbridge"
)

func TestNew_NamesWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	good := func() sipbridge.Config {
		return sipbridge.Config{
			Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, Addr: "127.0.0.1:0"}},
			Trunks: []sipbridge.Trunk{{ID: "a", Remotes: []string{"192.0.2.1:5060"}}},
		}
	}
	for want, spoil := range map[string]func(*sipbridge.Config){
		"listen[0].transport":        func(c *sipbridge.Config) { c.Listen[0].Transport = 0 },
		"listen[0].addr":             func(c *sipbridge.Config) { c.Listen[0].Addr = "" },
		"trunks[0].id":               func(c *sipbridge.Config) { c.Trunks[0].ID = "" },
		"trunks[0]: has neither":     func(c *sipbridge.Config) { c.Trunks[0].Remotes = nil },
		"trunks[0].remotes[0]":       func(c *sipbridge.Config) { c.Trunks[0].Remotes[0] = "192.0.2.1" },
		"trunks[0].match[1]":         func(c *sipbridge.Config) { c.Trunks[0].Match = []string{"192.0.2.1", "x"} },
		"trunks[0].codecs[0]":        func(c *sipbridge.Config) { c.Trunks[0].Codecs = []string{"opus"} },
		"trunks[0].max_channels":     func(c *sipbridge.Config) { c.Trunks[0].MaxChannels = -1 },
		"trunks[0].cps":              func(c *sipbridge.Config) { c.Trunks[0].CPS = -1 },
		"trunks[0].auth_in":          func(c *sipbridge.Config) { c.Trunks[0].AuthIn.User = "u" },
		"trunks[0].preset.port":      func(c *sipbridge.Config) { c.Trunks[0].Preset = sipbridge.NAT() },
		"trunks[0].preset.transport": func(c *sipbridge.Config) { c.Trunks[0].Preset.Transport = 77 },
		"trunks[1].id":               func(c *sipbridge.Config) { c.Trunks = append(c.Trunks, c.Trunks[0]) },
		"trunks[1].auth_in.user": func(c *sipbridge.Config) {
			c.Trunks[0].AuthIn = sipbridge.Auth{User: "u", Password: "p"}
			c.Trunks = append(c.Trunks, sipbridge.Trunk{ID: "b", AuthIn: c.Trunks[0].AuthIn})
		},
		"waiting": func(c *sipbridge.Config) { c.Waiting = tandem.SoundBusy },
	} {
		c := good()
		spoil(&c)
		_, err := sipbridge.New(c)
		require.ErrorIs(t, err, tandem.ErrInvalid, want)
		require.ErrorContains(t, err, want)
	}
	b, err := sipbridge.New(good())
	require.NoError(t, err)
	b.Close()
	b.Close()
	<-b.Ready()
	require.ErrorIs(t, b.Run(t.Context(), tandem.Handlers{}), tandem.ErrState, "Run after Close")
}

func TestPreset_IsTheFiveKnobs(t *testing.T) {
	t.Parallel()
	require.Equal(t, sipbridge.Preset{Transport: sipbridge.UDP, Port: 5161}, sipbridge.LAN())
	require.Equal(t, sipbridge.Preset{Transport: sipbridge.UDP, Port: 5162, RTPSymmetric: true, ForceRport: true}, sipbridge.NAT())
	require.Equal(t, sipbridge.Preset{
		Transport: sipbridge.UDP, Port: 5163, RTPSymmetric: true, ForceRport: true, RewriteContact: true,
	}, sipbridge.Docker())
}

func TestTrunk_MostExactSourceWins(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort("192.0.2.7:5060")
	last := 0
	for _, s := range []string{"0.0.0.0/0", "192.0.0.0/8", "192.0.2.0/24", "192.0.2.7", "192.0.2.7:5060"} {
		w, err := sipbridge.SourceWeight(s, addr)
		require.NoError(t, err)
		require.Greater(t, w, last, s)
		last = w
	}
	for _, s := range []string{"192.0.2.8", "192.0.2.7:5061", "10.0.0.0/8", "::/0"} {
		w, err := sipbridge.SourceWeight(s, addr)
		require.NoError(t, err)
		require.Zero(t, w, s)
	}
	w, err := sipbridge.SourceWeight("192.0.2.7", netip.MustParseAddrPort("[::ffff:192.0.2.7]:9"))
	require.NoError(t, err)
	require.NotZero(t, w, "an IPv4 address in IPv6 clothes")
}

func TestSecrets_StayOutOfText(t *testing.T) {
	t.Parallel()
	require.NotContains(t, sipbridge.Auth{User: "u", Password: "s3cret"}.String(), "s3cret")
	require.NotContains(t, sipbridge.Account{Agent: "ana", HA1: "c0ffee"}.String(), "c0ffee")
}

func TestHA1_IsThatOfRFC2617(t *testing.T) {
	t.Parallel()
	require.Equal(t, "939e7578ed9e3c518a452acee763bce9", sipbridge.HA1("Mufasa", "testrealm@host.com", "Circle Of Life"))
}

func FuzzUserPart(f *testing.F) {
	for _, s := range []string{`"Ada" <sip:+15550100@carrier.test>;x=y`, "<tel:+1-555;phone-context=x>", "sips:a", "<sip:>", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := sipbridge.UserPart(s); strings.ContainsAny(got, "@>;, ") || !strings.Contains(s, got) {
			t.Errorf("user part of %q: %q", s, got)
		}
	})
}

func FuzzTextForHeaders(f *testing.F) {
	f.Add("+15550100")
	f.Add("Support\r\nEvil: yes")
	f.Fuzz(func(t *testing.T, s string) {
		if sipbridge.Dialable(tandem.Number(s)) && strings.ContainsAny(s, "@:;<>\"\r\n %?&=/") {
			t.Errorf("%q may be dialled", s)
		}
		if strings.ContainsAny(sipbridge.PlainText(s), "\r\n\x00") {
			t.Errorf("%q keeps a line end", s)
		}
	})
}

func TestRun_PortInUseIsNamed(t *testing.T) {
	t.Parallel()
	taken := loopbackUDP(t)
	defer taken.Close()
	b, err := sipbridge.New(sipbridge.Config{
		Listen: []sipbridge.Listen{{Transport: sipbridge.UDP, Addr: taken.LocalAddr().String()}},
	})
	require.NoError(t, err)
	err = b.Run(t.Context(), tandem.Handlers{})
	require.ErrorContains(t, err, taken.LocalAddr().String())
	<-b.Ready()
	require.ErrorIs(t, b.Hangup(t.Context(), "l", tandem.CauseNormal), tandem.ErrClosed)
}
