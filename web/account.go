package web

import "github.com/tandem-cc/tandem/web/account"

// The names of package account, for hosts that import this package anyway. Stores import that one alone.
type (
	// Account is a person who may log in.
	Account = account.Account
	// Session is one log-in of one browser, or one API token.
	Session = account.Session
	// Accounts keeps who may log in.
	Accounts = account.Accounts
	// Sessions keeps who is logged in.
	Sessions = account.Sessions
	// Role is what an account may do.
	Role = account.Role
)

// The roles.
const (
	RoleUnset         = account.RoleUnset
	RoleAgent         = account.RoleAgent
	RoleSupervisor    = account.RoleSupervisor
	RoleAdministrator = account.RoleAdministrator
)
