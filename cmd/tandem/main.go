package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // Calling windows need zones on machines that have none installed.

	"github.com/alecthomas/kong"
)

// cli is the command line. Flags win over the environment, the environment over the file.
type cli struct {
	Demo    demoCmd    `cmd:"" help:"Run a living call centre: simulated carrier, customers and colleagues, and seats free for you."`
	Serve   serveCmd   `cmd:"" help:"Run the server with your own configuration."`
	Check   checkCmd   `cmd:"" help:"Read a configuration file and say what is wrong with it."`
	User    userCmd    `cmd:"" help:"Manage accounts."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "tandem:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// run is main without the process: it ends when ctx does, or at the first fault.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c cli
	exited := false
	parser, err := kong.New(&c,
		kong.Name("tandem"), kong.Description("Tandem, an embeddable call centre."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	k, err := parser.Parse(args)
	if exited {
		return nil // help was asked for and printed
	}
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints it.
func (versionCmd) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, "tandem", version())
	return err
}

// version is the module's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" {
		return v
	}
	return "(devel)"
}

// checkCmd reads a configuration.
type checkCmd struct {
	File   string `arg:"" help:"The configuration file (YAML)."`
	Public string `env:"TANDEM_PUBLIC" help:"As for serve."`
}

// Run reports the first thing that is wrong, or that nothing is.
func (c checkCmd) Run(out io.Writer) error {
	cfg, err := readConfig(c.File)
	if err != nil {
		return err
	}
	// What serve would find only at its start; its other flags can mend nothing.
	if sip, perr := netip.ParseAddrPort(cfg.SIP); perr == nil {
		if _, _, err := mediaAddr(sip, cmp.Or(c.Public, cfg.Public)); err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
	}
	_, err = fmt.Fprintf(out, "%s is right: %d trunks, %d queues, %d agents, %d routes, %d campaigns\n",
		c.File, len(cfg.Trunks), len(cfg.Queues), len(cfg.Agents), len(cfg.Routes), len(cfg.Campaigns))
	return err
}

// logFlags are the flags of every command that runs for long.
type logFlags struct {
	LogLevel  string `enum:"debug,info,warn,error" default:"info" env:"TANDEM_LOG_LEVEL" help:"Least level to log (${enum})."`
	LogFormat string `enum:"text,json" default:"text" env:"TANDEM_LOG_FORMAT" help:"Form of the log (${enum})."`
}

// logger returns the program's logger, on w.
func (f logFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	o := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return slog.New(slog.NewTextHandler(w, o)), nil
}
