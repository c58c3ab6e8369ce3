package sipcore

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// URI is the parts of a SIP URI that routing needs.
type URI struct {
	// Scheme is "sip", "sips" or "tel".
	Scheme string
	// User is the part before the at sign, unescaped; for tel the number.
	User string
	Host string
	// Port is 0 when not given.
	Port int
}

// String writes the URI without parameters.
func (u URI) String() string {
	var b strings.Builder
	b.WriteString(u.Scheme)
	b.WriteByte(':')
	if u.User != "" {
		b.WriteString(u.User)
	}
	if u.Host != "" {
		if u.User != "" {
			b.WriteByte('@')
		}
		b.WriteString(u.Host)
		if u.Port != 0 {
			fmt.Fprintf(&b, ":%d", u.Port)
		}
	}
	return b.String()
}

// Address is a From, To or similar header field.
type Address struct {
	Display string
	URI     URI
	// Tag is the tag parameter; empty if there is none.
	Tag string
}

// Inbound is a validated request from outside, with where it came from.
type Inbound struct {
	// Method is upper or lower case as sent; methods are case-sensitive.
	Method string
	// URI is the Request-URI: the number or user that was called.
	URI URI
	// From and To are as sent; nothing in them is proven unless Admit checked it.
	From, To Address
	// CallID and Seq identify the request.
	CallID string
	Seq    uint32
	// Flow is where it came from and where answers go.
	Flow *Flow
	// Source is the address the message really came from.
	Source netip.AddrPort
	// ContentType and Body are the message body.
	ContentType string
	Body        []byte
	// User and Trunk are what Admit found out; empty before.
	User, Trunk string

	msg *sip.Request
}

// Header returns the first value of the header field, or "". Compact names are understood.
func (in *Inbound) Header(name string) string {
	if v := headerValues(in.msg, name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns all values of the header field, one per line of the message, in order.
func (in *Inbound) Values(name string) []string { return headerValues(in.msg, name) }

// compactName maps the long names that have a compact form (RFC 3261 section 7.3.3 and
// the registry of header fields) to it.
func compactName(name string) string {
	const table = " accept-contact=a allow-events=u call-id=i contact=m content-encoding=e content-length=l content-type=c" +
		" event=o from=f identity=y refer-to=r referred-by=b session-expires=x subject=s supported=k to=t via=v "
	_, after, ok := strings.Cut(table, " "+strings.ToLower(name)+"=")
	if !ok {
		return ""
	}
	return after[:1]
}

type headered interface {
	GetHeaders(name string) []sip.Header
}

func headerValues(m headered, name string) []string {
	if m == nil {
		return nil
	}
	var out []string
	for _, h := range m.GetHeaders(name) {
		out = append(out, h.Value())
	}
	if c := compactName(name); c != "" {
		for _, h := range m.GetHeaders(c) {
			out = append(out, h.Value())
		}
	}
	return out
}

func uriOf(u *sip.Uri) URI {
	if u.Scheme == "tel" {
		number, _, _ := strings.Cut(strings.TrimPrefix(u.String(), "tel:"), ";")
		return URI{Scheme: "tel", User: number}
	}
	return URI{Scheme: strings.ToLower(u.Scheme), User: unescapeUser(u.User), Host: strings.ToLower(u.Host), Port: u.Port}
}

// unescapeUser undoes %-escapes and drops user parameters (";npdi" and the like).
func unescapeUser(s string) string {
	if i := strings.IndexByte(s, ';'); i >= 0 {
		s = s[:i]
	}
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func newInbound(req *sip.Request, flow *Flow) *Inbound {
	in := &Inbound{
		Method: string(req.Method), URI: uriOf(&req.Recipient), Flow: flow, Source: flow.Remote(),
		Body: req.Body(), msg: req, User: flow.User(),
	}
	if f := req.From(); f != nil {
		tag, _ := f.Params.Get("tag")
		in.From = Address{Display: f.DisplayName, URI: uriOf(&f.Address), Tag: tag}
	}
	if t := req.To(); t != nil {
		tag, _ := t.Params.Get("tag")
		in.To = Address{Display: t.DisplayName, URI: uriOf(&t.Address), Tag: tag}
	}
	if c := req.CallID(); c != nil {
		in.CallID = c.Value()
	}
	if c := req.CSeq(); c != nil {
		in.Seq = c.SeqNo
	}
	if c := req.ContentType(); c != nil {
		in.ContentType = mediaType(c.Value())
	}
	return in
}

func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}
