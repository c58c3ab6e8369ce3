package ami

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/tandem-cc/tandem"
)

// The errors of a connection, found with errors.Is in Notice.Err and in what Do, Send and Run return.
var (
	// ErrLost says that the connection ended; an action whose response had not come yet may or may not have been done.
	ErrLost = errors.New("connection to asterisk lost")
	// ErrOverflow says that the handler was too slow for the events and the connection was dropped for it.
	ErrOverflow = errors.New("more events than the queue holds")
	// ErrAuth says that Asterisk refused the user name, secret or address.
	ErrAuth = errors.New("asterisk refused the login")
)

// Config says how to reach an Asterisk.
type Config struct {
	// Addr is host:port of the manager interface. Required.
	Addr string
	// Username and Secret are those of manager.conf. Required. The secret is never sent in the clear, and never logged.
	Username, Secret string
	// TLS encrypts the connection; nil does not.
	TLS *tls.Config
	// Dial opens connections; nil means net.Dialer. TLS comes on top.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Events is the event mask of the login, such as "call,agi,dtmf"; empty means "on", everything.
	Events string
	// Queue is how many notices may wait for the handler. When it is full the connection is dropped with
	// ErrOverflow. Zero means 16384.
	Queue int
	// MaxLine and MaxMessage limit in bytes what is taken from Asterisk; beyond, the connection is dropped with
	// ErrTooLong. Zero means 64 KiB and 1 MiB.
	MaxLine, MaxMessage int
	// MaxList is how many events of one event list Do gathers; beyond, it fails with tandem.ErrFull. Zero means 100,000.
	MaxList int
	// Ping is how often an idle connection is tested; a connection that says nothing for Ping and Timeout is dropped. Zero means 15 s.
	Ping time.Duration
	// Timeout bounds connecting, the login and each write. Zero means 10 s.
	Timeout time.Duration
	// MinBackoff and MaxBackoff bound the pause before a new connection; it doubles with each try in vain. Zero means
	// 250 ms and 15 s.
	MinBackoff, MaxBackoff time.Duration
	// Logger takes what an operator acts on; nil discards.
	Logger *slog.Logger
}

func (c *Config) check() error {
	for _, f := range [...]struct{ where, value string }{{"addr", c.Addr}, {"username", c.Username}, {"secret", c.Secret}} {
		if f.value == "" {
			return &tandem.ConfigError{Where: "ami." + f.where, What: "is missing"}
		}
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return &tandem.ConfigError{Where: "ami.addr", What: fmt.Sprintf("%q is not host:port", c.Addr)}
	}
	for _, f := range [...]struct {
		where string
		value int64
	}{
		{"queue", int64(c.Queue)},
		{"max_line", int64(c.MaxLine)},
		{"max_message", int64(c.MaxMessage)},
		{"max_list", int64(c.MaxList)},
		{"ping", int64(c.Ping)},
		{"timeout", int64(c.Timeout)},
		{"min_backoff", int64(c.MinBackoff)},
		{"max_backoff", int64(c.MaxBackoff)},
	} {
		if f.value < 0 {
			return &tandem.ConfigError{Where: "ami." + f.where, What: "is negative"}
		}
	}
	return nil
}

func (c *Config) setDefaults() {
	setDefault(&c.Events, "on")
	setDefault(&c.Queue, 16384)
	setDefault(&c.MaxLine, 64<<10)
	setDefault(&c.MaxMessage, 1<<20)
	setDefault(&c.MaxList, 100_000)
	setDefault(&c.Ping, 15*time.Second)
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.MinBackoff, 250*time.Millisecond)
	setDefault(&c.MaxBackoff, 15*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Dial == nil {
		var d net.Dialer
		c.Dial = d.DialContext
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// NoticeKind is what a Notice tells.
type NoticeKind uint8

// The kinds of notice.
const (
	NoticeUnset    NoticeKind = iota
	NoticeUp                  // logged in; commands work
	NoticeLost                // the connection is gone; Err says why. What happens in Asterisk until the next NoticeUp is not heard
	NoticeEvent               // Asterisk told something
	NoticeResponse            // the response to an action of Send
)

// Notice is one thing that a client tells.
type Notice struct {
	Kind    NoticeKind
	Message Message // NoticeUp: the response to the login; NoticeEvent, NoticeResponse: what came
	Err     error   // NoticeLost only; ErrLost and the reason
}

// Handler takes notices, one at a time, in order. An error ends Run.
type Handler func(ctx context.Context, n Notice) error

// Client is a connection to one Asterisk that is renewed when it breaks; use New. All methods may be called concurrently.
type Client struct {
	cfg   Config
	queue chan Notice // bounded by Config.Queue; see there

	mu      sync.Mutex
	started bool
	session *session // nil while there is no connection
	waiting map[string]*waiter
	serial  uint64
}

// New makes a client; Run makes it work. A Config that breaks a rule is a tandem.ErrInvalid.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	return &Client{cfg: cfg, queue: make(chan Notice, cfg.Queue), waiting: make(map[string]*waiter)}, nil
}

// Run keeps a connection until ctx ends or h returns an error, which it returns wrapped. It is called at most once; a second
// call is tandem.ErrState. A login that is refused before there ever was a connection ends it with ErrAuth, since that is a wrong configuration; any
// other failure is told to h (once for each connection that was up), logged and tried again.
func (c *Client) Run(ctx context.Context, h Handler) error {
	c.mu.Lock()
	again := c.started
	c.started = true
	c.mu.Unlock()
	if again {
		return fmt.Errorf("ami: run: called before: %w", tandem.ErrState)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var dispatcher sync.WaitGroup
	dispatcher.Go(func() { c.dispatch(ctx, cancel, h) })
	err := c.keepConnected(ctx)
	cancel(err)
	dispatcher.Wait()
	return context.Cause(ctx)
}

// dispatch hands notices to the handler.
func (c *Client) dispatch(ctx context.Context, cancel context.CancelCauseFunc, h Handler) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-c.queue:
			if err := h(ctx, n); err != nil {
				cancel(fmt.Errorf("ami: handle a notice: %w", err))
				return
			}
		}
	}
}

// keepConnected connects again and again until ctx ends.
func (c *Client) keepConnected(ctx context.Context) error {
	pause, everUp := c.cfg.MinBackoff, false
	for {
		s, err := c.connect(ctx)
		if err == nil {
			everUp, pause = true, c.cfg.MinBackoff
			err = c.serve(ctx, s)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrAuth) && !everUp:
			return err
		case errors.Is(err, ErrAuth):
			pause = c.cfg.MaxBackoff
		}
		c.cfg.Logger.WarnContext(ctx, "no connection to asterisk", "addr", c.cfg.Addr, "error", err, "retry_in", pause)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		pause = min(2*pause, c.cfg.MaxBackoff)
	}
}

// serve runs one connection from its login to its end.
func (c *Client) serve(ctx context.Context, s *session) error {
	// Commands have to work when the handler hears of the connection.
	c.mu.Lock()
	c.session = s
	c.mu.Unlock()
	// The queue may still hold what the last connection told. Waiting for room costs nothing: nothing is read yet.
	err := c.tell(ctx, Notice{Kind: NoticeUp, Message: s.login})
	if err == nil {
		c.cfg.Logger.InfoContext(ctx, "connected to asterisk", "addr", c.cfg.Addr, "greeting", s.greeting)
		err = s.run(ctx, c)
	} else {
		err = errors.Join(err, s.conn.Close())
	}
	c.mu.Lock()
	c.session = nil
	for id, w := range c.waiting {
		delete(c.waiting, id)
		w.fail(fmt.Errorf("ami: %s: %w", w.action, ErrLost))
	}
	c.mu.Unlock()
	err = fmt.Errorf("ami: %w: %w", ErrLost, err)
	return errors.Join(err, c.tell(ctx, Notice{Kind: NoticeLost, Err: err}))
}

// tell queues a notice that must not be dropped, and waits for room.
func (c *Client) tell(ctx context.Context, n Notice) error {
	select {
	case c.queue <- n:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take is called by the reader of the connection for each message.
func (c *Client) take(m Message) error {
	kind := NoticeEvent
	if m.Event() == "" {
		kind = NoticeResponse
	}
	if c.answer(m, kind) {
		return nil
	}
	select {
	case c.queue <- Notice{Kind: kind, Message: m}:
		return nil
	default:
		return fmt.Errorf("%w: %d wait", ErrOverflow, len(c.queue))
	}
}
