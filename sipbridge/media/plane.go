package media

import (
	"context"
	"errors"
	"net/netip"
)

var errNotYet = errors.New("media: not built yet") //nolint:gochecknoglobals // Goes with the first body.

// Plane owns the media sockets of one server. All methods may be called concurrently.
type Plane struct{}

// New checks the configuration and binds the browsers' shared port; it starts nothing. Close or Run releases the port.
func New(c Config) (*Plane, error) { return nil, errNotYet }

// Run carries sound until ctx is done; then it closes every end and the sockets and returns ctx.Err(). A plane runs once.
func (p *Plane) Run(ctx context.Context) error { return errNotYet }

// Close closes every end and the sockets and makes Run return ErrClosed. It may be called more than once and without
// Run.
func (p *Plane) Close() {}

// WebAddr returns the address that browsers send to, as advertised.
func (p *Plane) WebAddr() netip.AddrPort { return netip.AddrPort{} }

// OpenRTP opens a plain end with a socket of its own. It waits for Run to have begun, or for ctx.
func (p *Plane) OpenRTP(ctx context.Context, c RTPConfig) (*End, error) { return nil, errNotYet }

// OpenWeb opens a browser end on the shared port. It waits for Run to have begun, or for ctx.
func (p *Plane) OpenWeb(ctx context.Context, c WebConfig) (*End, error) { return nil, errNotYet }

// Join relays sound and digits between a and b, both ways. What either was playing goes on until the other's first
// packet comes (at most a second), so that nobody hears a gap. The ends may be joined before or after Apply, and each
// may be applied anew while joined. It errs with ErrJoined when one of them is joined with a third end and ErrClosed.
func (p *Plane) Join(a, b *End) error { return errNotYet }

// Part ends the relay between a and b; both stay open and silent until something is played or joined. It does nothing
// when they are not joined with each other.
func (p *Plane) Part(a, b *End) {}

// Stats returns the plane's figures.
func (p *Plane) Stats() PlaneStats { return PlaneStats{} }
