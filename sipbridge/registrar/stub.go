package registrar

import (
	"context"
	"errors"

	"github.com/tandem-cc/tandem/sipbridge/sipcore"
)

// Registrar keeps bindings and judges credentials; see [New].
type Registrar struct{}

var errStub = errors.New("registrar: not built yet")

func newRegistrar(Config) (*Registrar, error)                                 { return nil, errStub }
func (r *Registrar) run(context.Context) error                                { return errStub }
func (r *Registrar) register(context.Context, *sipcore.Inbound) sipcore.Reply { return sipcore.Reply{} }
func (r *Registrar) authenticate(context.Context, *sipcore.Inbound) sipcore.Admission {
	return sipcore.Admission{}
}
func (r *Registrar) lookup(string) []Binding  { return nil }
func (r *Registrar) flowClosed(*sipcore.Flow) {}
func (r *Registrar) unlock(string)            {}
func (r *Registrar) removeUser(string)        {}
func (r *Registrar) counters() Counters       { return Counters{} }
