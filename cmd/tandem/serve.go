package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
)

// serveCmd runs the server.
type serveCmd struct {
	storeFlags
	logFlags

	HTTP    string `name:"http" env:"TANDEM_HTTP" help:"Where the web server listens (default: 127.0.0.1:8080); port 0 takes a free one."`
	SIP     string `name:"sip" env:"TANDEM_SIP" help:"Where SIP listens, UDP and TCP (default: 127.0.0.1:5060); port 0 takes a free one."`
	Public  string `env:"TANDEM_PUBLIC" help:"The IP address at which phones and carriers reach this server."`
	Domain  string `env:"TANDEM_DOMAIN" help:"SIP domain and realm."`
	Redis   string `env:"REDIS_URL" help:"Redis URL: processes that share one run the centre one at a time and see who is at work. REDIS_HOSTNAME and REDIS_PORT count too."`
	TLSCert string `name:"tls-cert" type:"existingfile" env:"TANDEM_TLS_CERT" help:"Certificate (PEM); browsers give the microphone to https and localhost only."`
	TLSKey  string `name:"tls-key" type:"existingfile" env:"TANDEM_TLS_KEY" help:"The certificate's key (PEM)."`
	Lock    int    `name:"login-failure-limit" default:"3" env:"LOGIN_FAILURE_LIMIT" help:"Wrong passwords that lock an account for a quarter of an hour."`
	Proxied bool   `env:"TANDEM_PROXIED" help:"A proxy in front speaks https: mark cookies Secure, and take the last address of X-Forwarded-For for the client's."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, out io.Writer) error {
	log, err := c.logger(os.Stderr)
	if err != nil {
		return err
	}
	cfg, err := c.settings()
	if err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fmt.Errorf("--tls-cert and --tls-key go together")
	}
	socks, err := cfg.listen(ctx)
	if err != nil {
		return err
	}
	s, err := newServer(ctx, cfg, socks, options{tlsCert: c.TLSCert, tlsKey: c.TLSKey, proxied: c.Proxied, failureLimit: c.Lock}, log)
	if err != nil {
		socks.close()
		return err
	}
	defer s.shut()
	admin, err := firstAccounts(ctx, s.stores.Accounts(), cfg.Agents)
	if err != nil {
		return err
	}
	if admin != "" {
		_, _ = fmt.Fprintf(out, "First start: log in as admin with password %s\n", admin) // a closed stdout stops nothing
	}
	_, _ = fmt.Fprintf(out, "Web  %s/\nSIP  %s (UDP, TCP)\nData %s\n", s.url(), socks.sip, s.stores.name) // the same
	return s.run(ctx)
}

// settings lets the flags win over the file.
func (c *serveCmd) settings() (fileConfig, error) {
	cfg, err := c.load()
	if err != nil {
		return cfg, err
	}
	override(&cfg.HTTP, c.HTTP)
	override(&cfg.SIP, c.SIP)
	override(&cfg.Public, c.Public)
	override(&cfg.Domain, c.Domain)
	override(&cfg.Redis, c.Redis)
	if host := os.Getenv("REDIS_HOSTNAME"); cfg.Redis == "" && host != "" {
		cfg.Redis = "redis://" + net.JoinHostPort(host, cmp.Or(os.Getenv("REDIS_PORT"), "6379"))
	}
	if cfg.HTTP == "" {
		cfg.HTTP = "127.0.0.1:8080"
	}
	if cfg.SIP == "" {
		cfg.SIP = "127.0.0.1:5060"
	}
	return cfg, cfg.check()
}

// listen opens the configured sockets.
func (c fileConfig) listen(ctx context.Context) (*sockets, error) {
	h, err := listenAddr("http", c.HTTP)
	if err != nil {
		return nil, err
	}
	s, err := listenAddr("sip", c.SIP)
	if err != nil {
		return nil, err
	}
	return openSockets(ctx, h, s)
}
