package sdp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Marshal writes the description in the form that SIP bodies have, with CRLF line ends. Lines that are not ours are
// written with port 0. It errs with ErrSyntax when a field cannot be written: a space or control character in a name, no
// address, no codecs.
func (d Description) Marshal() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	w := &writer{}
	family := "IP4"
	if d.Addr.Addr().Is6() {
		family = "IP6"
	}
	host := d.Addr.Addr().String()
	w.line("v=0")
	w.line("o=- ", strconv.FormatUint(d.Origin.ID, 10), " ", strconv.FormatUint(d.Origin.Version, 10), " IN ", family, " ", host)
	w.line("s=-")
	w.line("c=IN ", family, " ", host)
	w.line("t=0 0")
	if d.Web != nil {
		if d.Web.Mid != "" {
			w.line("a=group:BUNDLE ", d.Web.Mid)
		}
		if d.Web.Lite {
			w.line("a=ice-lite")
		}
	}
	for i := range len(d.Others) + 1 {
		switch {
		case i == d.Index:
			w.audio(d)
		case i < d.Index:
			w.other(d.Others[i])
		default:
			w.other(d.Others[i-1])
		}
	}
	return []byte(w.String()), nil
}

type writer struct{ strings.Builder }

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		w.WriteString(p)
	}
	w.WriteString("\r\n")
}

func (w *writer) other(o Other) {
	formats := strings.Join(o.Formats, " ")
	if formats == "" {
		formats = "0"
	}
	w.line("m=", o.Media, " 0 ", o.Proto, " ", formats)
	if o.Mid != "" {
		w.line("a=mid:", o.Mid)
	}
}

func (w *writer) audio(d Description) {
	proto := d.Proto
	if proto == "" {
		proto = "RTP/AVP"
		if d.Web != nil {
			proto = "UDP/TLS/RTP/SAVPF"
		}
	}
	w.WriteString("m=audio " + strconv.Itoa(int(d.Addr.Port())) + " " + proto)
	for _, c := range d.Codecs {
		w.WriteString(" " + strconv.Itoa(int(c.Payload)))
	}
	w.line()
	for _, c := range d.Codecs {
		pt := strconv.Itoa(int(c.Payload))
		channels := ""
		if c.Channels > 1 {
			channels = "/" + strconv.Itoa(c.Channels)
		}
		w.line("a=rtpmap:", pt, " ", c.Name, "/", strconv.Itoa(c.Rate), channels)
		if c.Fmtp != "" {
			w.line("a=fmtp:", pt, " ", c.Fmtp)
		}
	}
	if d.Ptime > 0 {
		w.line("a=ptime:", strconv.FormatFloat(float64(d.Ptime)/float64(time.Millisecond), 'f', -1, 64))
	}
	dir := d.Direction
	if dir == DirectionUnset {
		dir = SendRecv
	}
	w.line("a=", dir.String())
	if d.RTCPMux || d.Web != nil {
		w.line("a=rtcp-mux")
	}
	if d.Web != nil {
		w.web(d.Web)
	}
}

func (w *writer) web(web *Web) {
	if web.Mid != "" {
		w.line("a=mid:", web.Mid)
	}
	w.line("a=ice-ufrag:", web.Ufrag)
	w.line("a=ice-pwd:", web.Pwd)
	w.line("a=fingerprint:", web.Fingerprint)
	if web.Setup != SetupUnset {
		w.line("a=setup:", web.Setup.String())
	}
	if web.SSRC != 0 {
		// A browser that knows the number in advance makes a named stream of it, with statistics from the first packet.
		ssrc := strconv.FormatUint(uint64(web.SSRC), 10)
		w.line("a=msid:tandem audio")
		w.line("a=ssrc:", ssrc, " cname:tandem-", ssrc)
	}
	for _, c := range web.Candidates {
		w.line("a=candidate:", c.Foundation, " ", strconv.Itoa(c.Component), " ", c.Transport, " ",
			strconv.FormatUint(uint64(c.Priority), 10), " ", c.Host, " ", strconv.Itoa(int(c.Port)), " typ ", c.Type)
	}
	if web.Lite {
		w.line("a=end-of-candidates")
	}
}

// check refuses what cannot be written and anything that would break a line, so that no field can smuggle another line
// into the body.
func (d Description) check() error {
	switch {
	case !d.Addr.IsValid() || d.Addr.Addr().Zone() != "":
		return malformed("no address")
	case len(d.Codecs) == 0:
		return malformed("no codecs")
	case d.Index < 0 || d.Index > len(d.Others):
		return malformed(fmt.Sprintf("audio line %d of %d", d.Index, len(d.Others)+1))
	}
	c := checker{}
	c.word(d.Proto)
	for _, codec := range d.Codecs {
		c.number(codec.Payload)
		c.filled(codec.Name)
		c.text(codec.Fmtp)
	}
	for _, o := range d.Others {
		c.filled(o.Media, o.Proto)
		c.word(o.Mid)
		for _, f := range o.Formats {
			c.filled(f)
		}
	}
	if w := d.Web; w != nil {
		c.filled(w.Ufrag, w.Pwd)
		c.word(w.Mid)
		c.text(w.Fingerprint)
		if w.Fingerprint == "" {
			c.fail("no fingerprint")
		}
		for _, k := range w.Candidates {
			c.filled(k.Foundation, k.Transport, k.Host, k.Type)
		}
	}
	return c.err
}

func malformed(what string) error { return fmt.Errorf("sdp: marshal: %s: %w", what, ErrSyntax) }

// checker keeps the first thing that is wrong.
type checker struct{ err error }

func (c *checker) fail(what string) {
	if c.err == nil {
		c.err = malformed(what)
	}
}

// filled takes fields that must be one word.
func (c *checker) filled(fields ...string) {
	for _, f := range fields {
		if f == "" {
			c.fail("empty field")
		}
		c.word(f)
	}
}

// word takes a field that is one word or empty.
func (c *checker) word(f string) {
	if strings.ContainsFunc(f, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		c.fail(fmt.Sprintf("%q is not one word", f))
	}
}

// text takes the rest of a line.
func (c *checker) text(f string) {
	if strings.ContainsAny(f, "\r\n\x00") {
		c.fail(fmt.Sprintf("%q is not one line", f))
	}
}

func (c *checker) number(payload uint8) {
	if payload > 127 {
		c.fail(fmt.Sprintf("payload number %d", payload))
	}
}
