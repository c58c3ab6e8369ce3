package testenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const asteriskRemedy = "test/asterisk/install.sh"

// PBX is a running Asterisk as test/asterisk configures it: its README.md tells the numbers and contexts. Addresses are host:port on loopback.
// Its methods may be called concurrently.
type PBX struct {
	Version    string // such as "22.10.1+dfsg"
	Dir        string // removed at the end; holds etc/, log/ and spool/
	Log        string // the full log
	Recordings string // a directory that Asterisk writes to and the test reads from

	AMIAddr        string // manager interface, TCP
	AMIUser        string // may do everything
	AMISecret      string
	ObserverUser   string // sees calls, may change nothing
	ObserverSecret string

	SIPAddr       string   // where phones register, UDP and TCP
	Phones        []string // user names and numbers of the phones
	PhonePassword string   // of each of them

	TrunkAddr   string // where the trunk "carrier" of Asterisk listens, UDP
	CarrierAddr string // where the test must listen, and from where it must send, to be the other end of that trunk
	FastAGIAddr string // reserved for a FastAGI server of the test

	FreePortFirst, FreePortLast int // reserved for the test, none bound a moment ago

	cli string
}

// AsteriskConfig says how an Asterisk differs from the usual one.
type AsteriskConfig struct {
	// Overlay holds files that replace or join those of test/asterisk/etc, by name: "extra_extensions.conf" and "extra_pjsip.conf" are included
	// at the end of their namesakes. None by default.
	Overlay map[string]string
}

// Asterisk starts a real Asterisk for this test alone and ends it with the test. It boots in half a second or so.
func Asterisk(tb testing.TB) PBX {
	tb.Helper()
	return AsteriskWith(tb, AsteriskConfig{})
}

// AsteriskWith is [Asterisk] with a configuration of one's own.
func AsteriskWith(tb testing.TB, config AsteriskConfig) PBX {
	tb.Helper()
	needServers(tb, "Asterisk")
	scripts := filepath.Join(ModuleRoot(tb), "test", "asterisk")
	if err := exec.CommandContext(tb.Context(), filepath.Join(scripts, "install.sh"), "--find").Run(); err != nil {
		missing(tb, "Asterisk", asteriskRemedy)
	}
	command := []string{filepath.Join(scripts, "up.sh"), "--foreground"}
	if len(config.Overlay) > 0 {
		overlay := tb.TempDir()
		for name, text := range config.Overlay {
			if err := os.WriteFile(filepath.Join(overlay, name), []byte(text), 0o600); err != nil {
				tb.Fatalf("testenv: overlay for Asterisk: %v", err)
			}
		}
		command = append(command, "--overlay", overlay)
	}
	pbx, err := startAsterisk(tb, command)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return pbx
}

func startAsterisk(tb testing.TB, command []string) (PBX, error) {
	tb.Helper()
	dir, err := os.MkdirTemp("/tmp", "tandem-ast-") //nolint:usetesting // the path of the control socket in there must be short
	if err != nil {
		return PBX{}, fmt.Errorf("testenv: directory for Asterisk: %w", err)
	}
	// An orderly end would take Asterisk most of a second, and what it would save is thrown away.
	k, err := keep(tb.Context(), dir, "KILL", nil, append(command, dir)...)
	if err != nil {
		return PBX{}, errors.Join(err, os.RemoveAll(dir))
	}
	k.cleanup(tb)
	var pbx PBX
	err = poll(tb.Context(), func(ctx context.Context) error {
		env, err := os.ReadFile(filepath.Join(dir, "env"))
		if err != nil {
			return err
		}
		if pbx, err = parsePBX(string(env)); err != nil {
			return err
		}
		return fullyBooted(ctx, pbx)
	})
	if err != nil {
		return PBX{}, fmt.Errorf("%w\n%s", err, k.logTail())
	}
	return pbx, nil
}

// parsePBX reads the KEY=VALUE lines of test/asterisk/up.sh.
func parsePBX(env string) (PBX, error) {
	values := make(map[string]string)
	for line := range strings.Lines(env) {
		if key, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), "="); found {
			values[key] = value
		}
	}
	first, last, _ := strings.Cut(values["FREE_PORTS"], "-")
	from, err := strconv.Atoi(first)
	if err != nil {
		return PBX{}, fmt.Errorf("testenv: FREE_PORTS: %w", err)
	}
	to, err := strconv.Atoi(last)
	if err != nil {
		return PBX{}, fmt.Errorf("testenv: FREE_PORTS: %w", err)
	}
	return PBX{
		Version: values["VERSION"], Dir: values["DIR"], Log: values["LOG"], Recordings: values["RECORDINGS"],
		AMIAddr: values["AMI_ADDR"], AMIUser: values["AMI_USER"], AMISecret: values["AMI_SECRET"],
		ObserverUser: values["OBSERVER_USER"], ObserverSecret: values["OBSERVER_SECRET"],
		SIPAddr: values["SIP_ADDR"], Phones: strings.Fields(values["PHONES"]), PhonePassword: values["PHONE_PASSWORD"],
		TrunkAddr: values["TRUNK_ADDR"], CarrierAddr: values["CARRIER_ADDR"], FastAGIAddr: values["FASTAGI_ADDR"],
		FreePortFirst: from, FreePortLast: to,
		cli: values["CLI"],
	}, nil
}

// fullyBooted logs in to the manager interface and waits for the event FullyBooted, which comes when every module runs.
func fullyBooted(ctx context.Context, pbx PBX) (err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", pbx.AMIAddr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "Action: Login\r\nUsername: %s\r\nSecret: %s\r\n\r\n", pbx.AMIUser, pbx.AMISecret); err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch lines.Text() {
		case "Event: FullyBooted":
			return nil
		case "Response: Error":
			return errors.New("testenv: Asterisk refused the login")
		}
	}
	return errors.Join(errors.New("testenv: Asterisk is still booting"), lines.Err())
}

// Console runs one command of Asterisk's console, such as "core show channels concise", and returns what it printed.
func (p PBX) Console(tb testing.TB, command string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), p.cli, command).CombinedOutput()
	if err != nil {
		tb.Fatalf("testenv: console command %q: %v\n%s", command, err, out)
	}
	return string(out)
}
