package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tandem-cc/tandem"
	"github.com/tandem-cc/tandem/web"
)

// saveAccount makes an account, or gives the one that is there a new password, name, role and agent.
func saveAccount(ctx context.Context, store web.Accounts, a web.Account, password string) error {
	hash, err := web.HashPassword(password)
	if err != nil {
		return fmt.Errorf("account %s: %w", a.Login, err)
	}
	old, err := store.Account(ctx, a.Login)
	switch {
	case errors.Is(err, tandem.ErrNotFound):
	case err != nil:
		return fmt.Errorf("account %s: %w", a.Login, err)
	default:
		a.Version = old.Version
	}
	a.Password = hash
	if err := store.SaveAccount(ctx, a); err != nil {
		return fmt.Errorf("account %s: %w", a.Login, err)
	}
	return nil
}

// firstAccounts makes, in a centre that has no account yet, an administrator with a new password, and returns it; and
// the accounts of configured agents that name a password and have none yet.
func firstAccounts(ctx context.Context, store web.Accounts, agents []agentConfig) (adminPassword string, err error) {
	all, err := store.ListAccounts(ctx)
	if err != nil {
		return "", fmt.Errorf("accounts: %w", err)
	}
	known := map[string]bool{}
	for _, a := range all {
		known[a.Login] = true
	}
	if len(all) == 0 {
		adminPassword = newPassword()
		admin := web.Account{Login: "admin", Name: "Administrator", Role: web.RoleAdministrator}
		if err := saveAccount(ctx, store, admin, adminPassword); err != nil {
			return "", err
		}
	}
	for _, a := range agents {
		login := strings.ToLower(a.ID)
		if a.Password == "" || known[login] {
			continue
		}
		acc := web.Account{Login: login, Name: a.Name, Role: web.RoleAgent, Agent: tandem.AgentID(a.ID)}
		if err := saveAccount(ctx, store, acc, string(a.Password)); err != nil {
			return "", err
		}
	}
	return adminPassword, nil
}

// userCmd manages accounts.
type userCmd struct {
	Add    userAddCmd    `cmd:"" help:"Add an account, or give one a new password, name or role; prints the password."`
	List   userListCmd   `cmd:"" help:"List the accounts."`
	Unlock userUnlockCmd `cmd:"" help:"Open an account that too many wrong passwords have locked."`
}

// storeFlags say where the data is.
type storeFlags struct {
	Config   string `short:"c" type:"existingfile" env:"TANDEM_CONFIG" help:"The server's configuration file."`
	Data     string `env:"TANDEM_DATA" help:"Folder for the SQLite file (default: data)."`
	Database string `env:"DATABASE_URL" help:"PostgreSQL URL; empty: SQLite in the data folder. PGHOST and its like count too."`
}

func (f storeFlags) open(ctx context.Context) (*stores, error) {
	cfg, err := f.load()
	if err != nil {
		return nil, err
	}
	return openStores(ctx, cfg)
}

// load reads the file and lets the flags win.
func (f storeFlags) load() (fileConfig, error) {
	var cfg fileConfig
	if f.Config != "" {
		var err error
		if cfg, err = readConfig(f.Config); err != nil {
			return cfg, err
		}
	}
	override(&cfg.Data, f.Data)
	override(&cfg.Database, f.Database)
	if cfg.Data == "" {
		cfg.Data = "data"
	}
	return cfg, nil
}

func override(v *string, flag string) {
	if flag != "" {
		*v = flag
	}
}

// userAddCmd adds an account.
type userAddCmd struct {
	storeFlags

	Login string `arg:"" help:"What is typed at log-in."`
	Name  string `help:"For people to read."`
	Role  string `enum:"agent,supervisor,administrator" default:"agent" help:"What the account may do (${enum})."`
	Agent string `help:"Whose calls the account takes (default for the role agent: the login)."`
}

// Run adds it and prints its new password.
func (c *userAddCmd) Run(ctx context.Context, out io.Writer) (err error) {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var role web.Role
	if err := role.UnmarshalText([]byte(c.Role)); err != nil {
		return err
	}
	a := web.Account{Login: strings.ToLower(c.Login), Name: c.Name, Role: role, Agent: tandem.AgentID(c.Agent)}
	if a.Agent == "" && role == web.RoleAgent {
		a.Agent = tandem.AgentID(c.Login)
	}
	password := newPassword()
	if err := saveAccount(ctx, s.Accounts(), a, password); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s %s, password: %s\n", c.Role, a.Login, password)
	return err
}

// userListCmd lists the accounts.
type userListCmd struct{ storeFlags }

// Run prints them.
func (c *userListCmd) Run(ctx context.Context, out io.Writer) (err error) {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.Accounts().ListAccounts(ctx)
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "LOGIN\tROLE\tAGENT\tSTATE\tNAME") // Flush reports what fails.
	for _, a := range all {
		state := "open"
		switch {
		case a.Disabled:
			state = "disabled"
		case a.LockedUntil.After(time.Now()):
			state = "locked until " + a.LockedUntil.Local().Format(time.TimeOnly)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Login, a.Role, a.Agent, state, a.Name)
	}
	return w.Flush()
}

// userUnlockCmd opens a locked account.
type userUnlockCmd struct {
	storeFlags

	Login string `arg:"" help:"The account's login."`
}

// Run opens it.
func (c *userUnlockCmd) Run(ctx context.Context, out io.Writer) (err error) {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a, err := s.Accounts().Account(ctx, strings.ToLower(c.Login))
	if err != nil {
		return fmt.Errorf("account %s: %w", c.Login, err)
	}
	a.Failures, a.LockedUntil = 0, time.Time{}
	if err := s.Accounts().SaveAccount(ctx, a); err != nil {
		return fmt.Errorf("account %s: %w", c.Login, err)
	}
	_, err = fmt.Fprintf(out, "%s is open\n", a.Login)
	return err
}
