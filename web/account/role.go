package account

import (
	"fmt"
	"slices"

	"github.com/tandem-cc/tandem"
)

// Role is what an account may do. Each role may do what the one before it may. The zero value is unset and may do nothing.
type Role uint8

// The roles.
const (
	RoleUnset         Role = iota
	RoleAgent              // takes calls; sees its own calls and the boards
	RoleSupervisor         // sees every call and agent, exports records, runs campaigns
	RoleAdministrator      // manages accounts, sees the metrics
)

func roleNames() []string { return []string{"", "agent", "supervisor", "administrator"} }

// String returns the role's name; the zero value is the empty text.
func (r Role) String() string {
	if names := roleNames(); int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// MarshalText returns the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText takes a name that String returns; any other is ErrInvalid.
func (r *Role) UnmarshalText(text []byte) error {
	i := slices.Index(roleNames(), string(text))
	if i < 0 {
		return fmt.Errorf("account: %q is not a role: %w", text, tandem.ErrInvalid)
	}
	*r = Role(i) //nolint:gosec // the list has four names
	return nil
}

// May says whether r includes what the role need may do.
func (r Role) May(need Role) bool { return r != RoleUnset && r >= need }
