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

// check refuses anything that would break a line, so that no field can smuggle another line into the body.
func (d Description) check() error {
	if !d.Addr.IsValid() || d.Addr.Addr().Zone() != "" {
		return fmt.Errorf("sdp: marshal: no address: %w", ErrSyntax)
	}
	if len(d.Codecs) == 0 {
		return fmt.Errorf("sdp: marshal: no codecs: %w", ErrSyntax)
	}
	if d.Index < 0 || d.Index > len(d.Others) {
		return fmt.Errorf("sdp: marshal: audio line %d of %d: %w", d.Index, len(d.Others)+1, ErrSyntax)
	}
	tokens := []string{d.Proto}
	texts := []string{}
	for _, c := range d.Codecs {
		if c.Name == "" || c.Payload > 127 {
			return fmt.Errorf("sdp: marshal: codec %d %q: %w", c.Payload, c.Name, ErrSyntax)
		}
		tokens = append(tokens, c.Name)
		texts = append(texts, c.Fmtp)
	}
	for _, o := range d.Others {
		if o.Media == "" || o.Proto == "" {
			return fmt.Errorf("sdp: marshal: media line without kind or transport: %w", ErrSyntax)
		}
		tokens = append(tokens, o.Media, o.Proto, o.Mid)
		tokens = append(tokens, o.Formats...)
	}
	if w := d.Web; w != nil {
		if w.Ufrag == "" || w.Pwd == "" || w.Fingerprint == "" {
			return fmt.Errorf("sdp: marshal: browser part without ufrag, pwd or fingerprint: %w", ErrSyntax)
		}
		tokens = append(tokens, w.Ufrag, w.Pwd, w.Mid)
		texts = append(texts, w.Fingerprint)
		for _, c := range w.Candidates {
			if c.Foundation == "" || c.Transport == "" || c.Host == "" || c.Type == "" {
				return fmt.Errorf("sdp: marshal: candidate with an empty field: %w", ErrSyntax)
			}
			tokens = append(tokens, c.Foundation, c.Transport, c.Host, c.Type)
		}
	}
	for _, t := range tokens {
		if strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return fmt.Errorf("sdp: marshal: %q is not one word: %w", t, ErrSyntax)
		}
	}
	for _, t := range texts {
		if strings.ContainsAny(t, "\r\n\x00") {
			return fmt.Errorf("sdp: marshal: %q is not one line: %w", t, ErrSyntax)
		}
	}
	return nil
}
