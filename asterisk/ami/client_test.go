package ami_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/asterisk/ami"
	"github.com/tandem-cc/tandem/asterisk/internal/amifake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a client that runs against a server in memory.
type rig struct {
	t       *testing.T
	server  *amifake.Server
	client  *ami.Client
	notices chan ami.Notice
	cancel  context.CancelFunc
	done    chan error
}

// bench starts a client in a bubble.
func bench(t *testing.T, server *amifake.Server, change func(*ami.Config)) *rig {
	t.Helper()
	server.Secret = "s3cret"
	cfg := ami.Config{Addr: "127.0.0.1:5038", Username: "tandem", Secret: "s3cret", Dial: server.Dial}
	if change != nil {
		change(&cfg)
	}
	client, err := ami.New(cfg)
	require.NoError(t, err)
	r := &rig{t: t, server: server, client: client, notices: make(chan ami.Notice, 1000), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() {
		r.done <- client.Run(ctx, func(_ context.Context, n ami.Notice) error {
			r.notices <- n
			return nil
		})
	}()
	return r
}

// end stops the client.
func (r *rig) end() {
	r.t.Helper()
	r.cancel()
	require.ErrorIs(r.t, <-r.done, context.Canceled, "what Run returned")
	r.server.Close()
}

// next returns the next notice, which must be of a kind.
func (r *rig) next(kind ami.NoticeKind) ami.Notice {
	r.t.Helper()
	n := <-r.notices
	require.Equal(r.t, kind, n.Kind, "notice: %v %v", n.Message.Event(), n.Err)
	return n
}

func TestClient_LogsInByChallengeAndDoesActions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Answer: func(a amifake.Action) []string {
			switch a.Name {
			case "CoreShowChannels":
				return []string{
					"Response: Success\r\nEventList: start", "Event: CoreShowChannel\r\nChannel: PJSIP/a",
					"Event: CoreShowChannelsComplete\r\nEventList: Complete",
				}
			case "Originate":
				return []string{"Response: Success", "Event: OriginateResponse\r\nResponse: Failure\r\nReason: 0"}
			case "Hangup":
				return []string{"Response: Error\r\nMessage: No such channel"}
			}
			return []string{"Response: Success\r\nValue: " + a.Header["variable"]}
		}}
		r := bench(t, server, nil)
		r.next(ami.NoticeUp)

		got, err := r.client.Do(t.Context(), ami.NewAction("Getvar").With("Variable", "X"))
		require.NoError(t, err)
		require.Equal(t, "X", got.Get("value"))

		got, err = r.client.Do(t.Context(), ami.NewAction("CoreShowChannels"))
		require.NoError(t, err)
		require.Len(t, got.List, 1, "the list without its end")
		require.Equal(t, "PJSIP/a", got.List[0].Get("Channel"))

		_, err = r.client.Do(t.Context(), ami.NewAction("Hangup").With("Channel", "x"))
		refused, ok := errors.AsType[*ami.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, ami.Error{Action: "Hangup", Message: "No such channel"}, *refused)

		// An OriginateResponse has the ActionID and a Response, and is an event all the same.
		_, err = r.client.Do(t.Context(), ami.NewAction("Originate"))
		require.NoError(t, err)
		require.Equal(t, "OriginateResponse", r.next(ami.NoticeEvent).Message.Event())

		id, err := r.client.Send(ami.NewAction("Getvar").With("Variable", "Y"))
		require.NoError(t, err)
		require.Equal(t, id, r.next(ami.NoticeResponse).Message.ActionID())

		login, err := server.Wait(t.Context(), "Login", 1)
		require.NoError(t, err)
		require.NotContains(t, login.Text, "s3cret", "the secret travels in the clear")
		r.end()
	})
}

func TestClient_TellsLossAndComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Answer: func(amifake.Action) []string { return nil }}
		r := bench(t, server, nil)
		r.next(ami.NoticeUp)
		lost := make(chan error, 1)
		go func() {
			_, err := r.client.Do(t.Context(), ami.NewAction("Getvar"))
			lost <- err
		}()
		synctest.Wait()
		server.Refuse()
		server.Cut()
		require.ErrorIs(t, <-lost, ami.ErrLost, "what is under way")
		require.ErrorIs(t, r.next(ami.NoticeLost).Err, ami.ErrLost)
		_, err := r.client.Do(t.Context(), ami.NewAction("Ping"))
		require.ErrorIs(t, err, tandem.ErrClosed, "without a connection")
		_, err = r.client.Send(ami.NewAction("Ping"))
		require.ErrorIs(t, err, tandem.ErrClosed, "without a connection")

		time.Sleep(time.Hour) // Virtual: the pauses grow to 15 s.
		tries := server.Dials()
		require.InDelta(t, 3600/15, tries, 10, "tries in an hour")
		server.Accept()
		r.next(ami.NoticeUp)
		r.end()
	})
}

func TestClient_SilenceIsALoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mute sync.Map
		server := &amifake.Server{Mute: func(a amifake.Action) bool {
			_, yes := mute.Load("yes")
			return yes && a.Name == "Ping"
		}}
		r := bench(t, server, nil)
		r.next(ami.NoticeUp)
		time.Sleep(time.Hour)
		require.Empty(t, r.notices, "pings keep an idle connection, and are told to nobody")
		mute.Store("yes", true)
		began := time.Now()
		r.next(ami.NoticeLost)
		require.LessOrEqual(t, time.Since(began), 41*time.Second)
		r.next(ami.NoticeUp)
		r.end()
	})
}

func TestClient_OverflowDropsTheConnectionAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Secret: "s3cret"}
		client, err := ami.New(ami.Config{Addr: "h:1", Username: "u", Secret: "s3cret", Dial: server.Dial, Queue: 10})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		release, done := make(chan struct{}), make(chan error, 1)
		var got []ami.Notice
		go func() {
			done <- client.Run(ctx, func(_ context.Context, n ami.Notice) error {
				got = append(got, n)
				<-release
				return nil
			})
		}()
		_, err = server.Wait(t.Context(), "Login", 1)
		require.NoError(t, err)
		synctest.Wait()
		sent := 0
		for ; sent < 100; sent++ {
			if server.Event("E", fmt.Sprintf("Number: %d", sent)) != nil {
				break
			}
		}
		require.Less(t, sent, 20, "the connection was not dropped")
		server.Refuse()
		close(release)
		synctest.Wait()
		cancel()
		<-done
		require.Equal(t, ami.NoticeUp, got[0].Kind)
		for i, n := range got[1 : len(got)-1] {
			require.Equal(t, fmt.Sprint(i), n.Message.Get("Number"), "no hole before the loss is told")
		}
		require.Len(t, got, 12)
		require.ErrorIs(t, got[11].Err, ami.ErrOverflow)
		server.Close()
	})
}

func TestClient_WrongSecretEndsTheFirstRunAndIsNotLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Secret: "another"}
		var log bytes.Buffer
		client, err := ami.New(ami.Config{
			Addr: "h:1", Username: "u", Secret: "s3cret", Dial: server.Dial, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		require.NoError(t, err)
		err = client.Run(t.Context(), func(context.Context, ami.Notice) error { return nil })
		require.ErrorIs(t, err, ami.ErrAuth)
		require.NotContains(t, err.Error()+log.String(), "s3cret")
		require.ErrorIs(t, client.Run(t.Context(), nil), tandem.ErrState, "a second Run")
		server.Close()
	})
}

func TestClient_MuteServerEndsTheLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Mute: func(amifake.Action) bool { return true }}
		r := bench(t, server, nil)
		time.Sleep(time.Minute)
		require.Greater(t, server.Dials(), 2, "each try is given up in time")
		require.Empty(t, r.notices)
		r.end()
	})
}

func TestClient_HandlerErrorEndsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &amifake.Server{Secret: "s"}
		client, err := ami.New(ami.Config{Addr: "h:1", Username: "u", Secret: "s", Dial: server.Dial})
		require.NoError(t, err)
		boom := errors.New("boom")
		require.ErrorIs(t, client.Run(t.Context(), func(context.Context, ami.Notice) error { return boom }), boom)
		server.Close()
	})
}

func TestAction_CannotBreakOutOfItsLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := bench(t, &amifake.Server{}, nil)
		r.next(ami.NoticeUp)
		for name, a := range map[string]*ami.Action{
			"value":  ami.NewAction("Originate").With("Channel", "x\r\nAction: Logoff"),
			"NUL":    ami.NewAction("Originate").With("Channel", "x\x00"),
			"name":   ami.NewAction("Originate").With("A\r\nB", "x"),
			"colon":  ami.NewAction("Originate").With("A: b", "x"),
			"length": ami.NewAction("Originate").With("Channel", strings.Repeat("x", 2000)),
		} {
			_, err := r.client.Send(a)
			require.ErrorIs(t, err, tandem.ErrInvalid, name)
		}
		r.end()
	})
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := ami.Config{Addr: "127.0.0.1:5038", Username: "u", Secret: "s"}
	for where, spoil := range map[string]func(*ami.Config){
		"ami.addr":     func(c *ami.Config) { c.Addr = "" },
		"ami.username": func(c *ami.Config) { c.Username = "" },
		"ami.secret":   func(c *ami.Config) { c.Secret = "" },
		"ami.queue":    func(c *ami.Config) { c.Queue = -1 },
		"ami.ping":     func(c *ami.Config) { c.Ping = -1 },
	} {
		c := good
		spoil(&c)
		_, err := ami.New(c)
		require.ErrorIs(t, err, tandem.ErrInvalid)
		require.ErrorContains(t, err, where)
	}
	good.Addr = "nonsense"
	_, err := ami.New(good)
	require.ErrorContains(t, err, "host:port")
}

func TestClient_CommandsWorkWhenUpIsTold(t *testing.T) {
	t.Parallel()
	for range 50 {
		server := &amifake.Server{Secret: "s"}
		client, err := ami.New(ami.Config{Addr: "h:1", Username: "u", Secret: "s", Dial: server.Dial})
		require.NoError(t, err)
		told := errors.New("told")
		err = client.Run(t.Context(), func(context.Context, ami.Notice) error {
			_, err := client.Send(ami.NewAction("CoreShowChannels"))
			return errors.Join(told, err)
		})
		require.ErrorIs(t, err, told)
		require.NotErrorIs(t, err, tandem.ErrClosed)
		server.Close()
	}
}

func TestClient_SpeaksTLSAndChecksTheCertificate(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // For its certificate.
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	server := &amifake.Server{Secret: "s", TLS: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}}
	cfg := ami.Config{Addr: "h:1", Username: "u", Secret: "s", Dial: server.Dial, TLS: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}}
	client, err := ami.New(cfg)
	require.NoError(t, err)
	up := errors.New("up")
	require.ErrorIs(t, client.Run(t.Context(), func(_ context.Context, n ami.Notice) error {
		require.Equal(t, ami.NoticeUp, n.Kind)
		return up
	}), up)
	server.Close()

	cfg.TLS = &tls.Config{ServerName: "example.com", MinVersion: tls.VersionTLS12}
	client, err = ami.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = client.Run(ctx, func(context.Context, ami.Notice) error { return up })
	require.ErrorIs(t, err, context.DeadlineExceeded, "a certificate of nobody's")
	server.Close()
}

func TestDo_ListsThatAreCancelledOrTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := "Response: Success\r\nEventList: start"
		r := bench(t, &amifake.Server{Answer: func(a amifake.Action) []string {
			switch a.Name {
			case "Cancelled":
				return []string{start, "Event: Done\r\nEventList: cancelled"}
			case "Silent":
				return nil
			}
			return []string{start, "Event: One", "Event: Two", "Event: Three", "Event: Done\r\nEventList: Complete"}
		}}, func(c *ami.Config) { c.MaxList = 2 })
		r.next(ami.NoticeUp)
		_, err := r.client.Do(t.Context(), ami.NewAction("Cancelled"))
		require.ErrorContains(t, err, "cancelled")
		_, err = r.client.Do(t.Context(), ami.NewAction("Long"))
		require.ErrorIs(t, err, tandem.ErrFull)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = r.client.Do(ctx, ami.NewAction("Silent"))
		require.ErrorIs(t, err, context.Canceled)
		r.end()
	})
}
