package ami

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandem-cc/tandem"
)

// Answer is what came of an action.
type Answer struct {
	Message           // the response
	List    []Message // the event list, without its completing event; nil when the response began none
}

// waiter gathers the answer to one action of Do. The client's mutex guards it.
type waiter struct {
	action string
	answer Answer
	listed bool // the response began an event list
	done   chan error
}

func (w *waiter) fail(err error) { w.done <- err }

// Do performs an action and waits for the response and, when that begins one, for the whole event list. A refusal
// is an *Error. Without a connection it fails with tandem.ErrClosed, with ErrLost when the connection ends before the
// answer. Do not call it from the Handler: its answer may wait behind the handler's own queue no longer than others', but the handler would
// wait for Asterisk meanwhile; Send is for that.
func (c *Client) Do(ctx context.Context, a *Action) (Answer, error) {
	w := &waiter{action: a.name, done: make(chan error, 1)}
	id, err := c.send(a, w)
	if err != nil {
		return Answer{}, err
	}
	select {
	case err := <-w.done:
		if err != nil {
			return Answer{}, err
		}
		return w.answer, nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return Answer{}, fmt.Errorf("ami: %s: %w", a.name, ctx.Err())
	}
}

// Send performs an action without waiting and returns its ActionID. The response, and every event of an event list, come to the
// Handler in their place among the events: what is told before them has happened before them. Without a connection it fails
// with tandem.ErrClosed, and with tandem.ErrFull when too much waits to be sent.
func (c *Client) Send(a *Action) (string, error) { return c.send(a, nil) }

func (c *Client) send(a *Action, w *waiter) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return "", fmt.Errorf("ami: %s: %w", a.name, tandem.ErrClosed)
	}
	c.serial++
	id := fmt.Sprintf("%s-%d", strings.ToLower(a.name), c.serial)
	b, err := a.encode(id)
	if err != nil {
		return "", err
	}
	select {
	case c.session.out <- b:
	default:
		return "", fmt.Errorf("ami: %s: %d actions wait to be sent: %w", a.name, len(c.session.out), tandem.ErrFull)
	}
	if w != nil {
		c.waiting[id] = w
	}
	return id, nil
}

// answer gives a message to whoever waits for it in Do.
func (c *Client) answer(m Message, kind NoticeKind) bool {
	id := m.ActionID()
	if strings.HasPrefix(id, pingID) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waiting[id]
	if w == nil {
		return false
	}
	if kind == NoticeEvent {
		return c.gather(id, w, m)
	}
	if err := m.Err(); err != nil {
		delete(c.waiting, id)
		w.fail(fmt.Errorf("ami: %w", &Error{Action: w.action, Message: m.Get("Message")}))
		return true
	}
	w.answer.Message = m
	if strings.EqualFold(m.Get("EventList"), "start") {
		w.listed = true
		w.answer.List = []Message{}
		return true
	}
	delete(c.waiting, id)
	w.done <- nil
	return true
}

// gather takes an event that bears the ActionID of a waiter: a part of its list, or an event such as OriginateResponse that
// merely mentions it.
func (c *Client) gather(id string, w *waiter, m Message) bool {
	if !w.listed {
		return false
	}
	switch strings.ToLower(m.Get("EventList")) {
	case "complete":
		delete(c.waiting, id)
		w.done <- nil
		return true
	case "cancelled":
		delete(c.waiting, id)
		w.fail(fmt.Errorf("ami: %w", &Error{Action: w.action, Message: "the list was cancelled"}))
		return true
	}
	if len(w.answer.List) >= c.cfg.MaxList {
		delete(c.waiting, id)
		w.fail(fmt.Errorf("ami: %s: a list of more than %d events: %w", w.action, c.cfg.MaxList, tandem.ErrFull))
		return true
	}
	w.answer.List = append(w.answer.List, m)
	return true
}
