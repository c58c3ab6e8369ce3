package sdp

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Limits on what is read from outside; a description beyond one of them is malformed.
const (
	maxLines      = 512
	maxMedia      = 16
	maxFormats    = 64
	maxCandidates = 64
	maxToken      = 256
)

// Parse reads a session description. It takes the first audio line that is not refused and whose transport is known. It
// is lenient where real peers are sloppy: a missing last line end, bare line feeds, empty lines, c= at session or media
// level, lines out of order, payload numbers without a=rtpmap for the static codecs, media and attributes that it does
// not know. It errs with ErrSyntax, ErrNoAudio or ErrNotSecure (SRTP without ICE and DTLS),
// wrapped, and says the line.
//
// The old hold form c=IN IP4 0.0.0.0 (RFC 2543) takes the receiving half from the direction on plain RTP only; browsers
// write that address with ICE and mean nothing by it.
func Parse(body []byte) (Description, error) {
	s, err := scan(body)
	if err != nil {
		return Description{}, err
	}
	d := Description{Origin: s.origin, Index: -1}
	var audio *section
	for i := range s.media {
		m := &s.media[i]
		if audio == nil && m.usable() {
			audio, d.Index = m, i
			continue
		}
		d.Others = append(d.Others, m.other())
	}
	if audio == nil {
		return Description{}, fmt.Errorf("sdp: parse: %d media lines: %w", len(s.media), ErrNoAudio)
	}
	if err := d.fill(s, audio); err != nil {
		return Description{}, err
	}
	return d, nil
}

// session is a description cut into its parts, not yet understood.
type session struct {
	origin Origin
	section
	media []section
}

// section is the session part or one media part.
type section struct {
	line    int // of its m= line, counted from 1
	kind    string
	port    uint16
	proto   string
	formats []string
	address string
	attrs   []attribute
}

type attribute struct {
	line       int
	key, value string
}

func syntax(line int, what string) error {
	return fmt.Errorf("sdp: parse: line %d: %s: %w", line, what, ErrSyntax)
}

func scan(body []byte) (*session, error) {
	if len(body) > MaxSize {
		return nil, fmt.Errorf("sdp: parse: %d bytes, at most %d: %w", len(body), MaxSize, ErrSyntax)
	}
	s := &session{}
	n, begun := 0, false
	for raw := range bytes.Lines(body) {
		n++
		if n > maxLines {
			return nil, syntax(n, "too many lines")
		}
		line := strings.TrimRight(string(raw), "\r\n \t\x00")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' {
			return nil, syntax(n, "not of the form x=value")
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, syntax(n, "control character")
		}
		if !begun && (line[0] != 'v' || strings.TrimSpace(line[2:]) != "0") {
			return nil, syntax(n, "does not begin with v=0")
		}
		begun = true
		if err := s.take(n, line[0], line[2:]); err != nil {
			return nil, err
		}
	}
	if !begun {
		return nil, syntax(1, "empty")
	}
	return s, nil
}

func (s *session) take(n int, key byte, value string) error {
	at := &s.section
	if len(s.media) > 0 {
		at = &s.media[len(s.media)-1]
	}
	switch key {
	case 'o':
		s.origin = parseOrigin(value)
	case 'c':
		f := strings.Fields(value)
		if len(f) < 3 {
			return syntax(n, "c= needs three fields")
		}
		at.address, _, _ = strings.Cut(f[2], "/")
	case 'm':
		m, err := parseMedia(n, value)
		if err != nil {
			return err
		}
		if len(s.media) == maxMedia {
			return syntax(n, "too many media lines")
		}
		s.media = append(s.media, m)
	case 'a':
		k, v, _ := strings.Cut(value, ":")
		v = strings.TrimSpace(v)
		if oneWord(k) && strings.ContainsFunc(v, unicode.IsSpace) {
			return syntax(n, k+" is not one word")
		}
		at.attrs = append(at.attrs, attribute{n, k, v})
	}
	return nil
}

// oneWord tells the attributes that we repeat or compare, whose value must be a single token.
func oneWord(key string) bool {
	return key == "mid" || key == "ice-ufrag" || key == "ice-pwd" || key == "setup"
}

// parseOrigin reads what it can: peers write numbers here that no integer holds, and nothing depends on them.
func parseOrigin(value string) Origin {
	f := strings.Fields(value)
	if len(f) < 3 {
		return Origin{}
	}
	var o Origin
	o.ID, _ = strconv.ParseUint(f[1], 10, 64)
	o.Version, _ = strconv.ParseUint(f[2], 10, 64)
	return o
}

func parseMedia(n int, value string) (section, error) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return section{}, syntax(n, "m= needs media, port and transport")
	}
	if len(f)-3 > maxFormats {
		return section{}, syntax(n, "too many formats")
	}
	for _, t := range f {
		if len(t) > maxToken {
			return section{}, syntax(n, "field too long")
		}
	}
	port, _, _ := strings.Cut(f[1], "/")
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return section{}, syntax(n, "port is not a number up to 65535")
	}
	return section{line: n, kind: f[0], port: uint16(p), proto: f[2], formats: f[3:]}, nil
}

func (m *section) usable() bool {
	return m.kind == "audio" && m.port != 0 && (plainProto(m.proto) || webProto(m.proto))
}

func plainProto(proto string) bool {
	return strings.EqualFold(proto, "RTP/AVP") || strings.EqualFold(proto, "RTP/AVPF")
}

func webProto(proto string) bool {
	return strings.EqualFold(proto, "UDP/TLS/RTP/SAVPF") || strings.EqualFold(proto, "UDP/TLS/RTP/SAVP") ||
		strings.EqualFold(proto, "RTP/SAVPF")
}

func (m *section) other() Other {
	mid, _ := m.attr("mid")
	return Other{Media: m.kind, Proto: m.proto, Formats: m.formats, Mid: mid}
}

func (m *section) attr(key string) (string, bool) {
	for _, a := range m.attrs {
		if a.key == key {
			return a.value, true
		}
	}
	return "", false
}

// inherited looks in the media part, then in the session part.
func (s *session) inherited(m *section, key string) (string, bool) {
	if v, ok := m.attr(key); ok {
		return v, true
	}
	return s.attr(key)
}

func (d *Description) fill(s *session, m *section) error {
	d.Proto = m.proto
	_, d.RTCPMux = m.attr("rtcp-mux")
	if err := d.fillCodecs(m); err != nil {
		return err
	}
	d.Direction = readDirection(m)
	if d.Direction == DirectionUnset {
		d.Direction = readDirection(&s.section)
	}
	if v, ok := m.attr("ptime"); ok {
		if ms, err := strconv.ParseFloat(v, 32); err == nil && ms > 0 && ms <= 200 {
			d.Ptime = time.Duration(ms * float64(time.Millisecond))
		}
	}
	if webProto(m.proto) {
		if err := d.fillWeb(s, m); err != nil {
			return err
		}
	}
	return d.fillAddr(s, m)
}

func (d *Description) fillAddr(s *session, m *section) error {
	host := m.address
	if host == "" {
		host = s.address
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		if d.Web != nil {
			return nil // ICE has the addresses.
		}
		return syntax(m.line, "c= is missing or is not an IP address")
	}
	addr = addr.Unmap()
	if addr.IsMulticast() {
		return syntax(m.line, "c= is a multicast address")
	}
	d.Addr = netip.AddrPortFrom(addr, m.port)
	if addr.IsUnspecified() && d.Web == nil {
		d.Direction = d.Direction.And(SendOnly)
	}
	return nil
}

func readDirection(m *section) Direction {
	for _, a := range m.attrs {
		switch a.key {
		case "sendrecv":
			return SendRecv
		case "sendonly":
			return SendOnly
		case "recvonly":
			return RecvOnly
		case "inactive":
			return Inactive
		}
	}
	return DirectionUnset
}

func (d *Description) fillCodecs(m *section) error {
	for _, f := range m.formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			return syntax(m.line, "payload number is not 0 to 127")
		}
		c := staticCodec(uint8(pt))
		for _, a := range m.attrs {
			num, rest, _ := strings.Cut(a.value, " ")
			if num != f {
				continue
			}
			switch a.key {
			case "rtpmap":
				if err := c.readMap(a.line, strings.TrimSpace(rest)); err != nil {
					return err
				}
			case "fmtp":
				c.Fmtp = strings.TrimSpace(rest)
			}
		}
		seen := slices.ContainsFunc(d.Codecs, func(o Codec) bool { return o.Payload == c.Payload })
		if c.Name != "" && !seen {
			d.Codecs = append(d.Codecs, c)
		}
	}
	return nil
}

func (c *Codec) readMap(line int, value string) error {
	parts := strings.Split(value, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || len(value) > maxToken || strings.ContainsAny(value, " \t") {
		return syntax(line, "rtpmap is not name/rate")
	}
	rate, err := strconv.ParseUint(parts[1], 10, 31)
	if err != nil {
		return syntax(line, "rtpmap rate is not a number")
	}
	c.Name, c.Rate, c.Channels = parts[0], int(rate), 0
	if len(parts) == 3 {
		ch, err := strconv.ParseUint(parts[2], 10, 8)
		if err != nil {
			return syntax(line, "rtpmap channels is not a number")
		}
		c.Channels = int(ch)
	}
	return nil
}

// staticCodec returns the codecs of RFC 3551 whose numbers need no rtpmap; a number not known has an empty name.
func staticCodec(pt uint8) Codec {
	c := Codec{Payload: pt, Rate: 8000}
	switch pt {
	case 0:
		c.Name = "PCMU"
	case 3:
		c.Name = "GSM"
	case 4:
		c.Name = "G723"
	case 8:
		c.Name = "PCMA"
	case 9:
		c.Name = "G722"
	case 13:
		c.Name = "CN"
	case 15:
		c.Name = "G728"
	case 18:
		c.Name = "G729"
	}
	return c
}

func (d *Description) fillWeb(s *session, m *section) error {
	w := &Web{}
	w.Ufrag, _ = s.inherited(m, "ice-ufrag")
	w.Pwd, _ = s.inherited(m, "ice-pwd")
	w.Fingerprint = fingerprint(s, m)
	if w.Ufrag == "" || w.Pwd == "" || w.Fingerprint == "" {
		return fmt.Errorf("sdp: parse: line %d: secure audio without ice-ufrag, ice-pwd or fingerprint: %w", m.line, ErrNotSecure)
	}
	if len(w.Ufrag) > maxToken || len(w.Pwd) > maxToken || len(w.Fingerprint) > maxToken {
		return syntax(m.line, "ICE or DTLS attribute too long")
	}
	_, w.Lite = s.attr("ice-lite")
	if v, ok := m.attr("ssrc"); ok {
		num, _, _ := strings.Cut(v, " ")
		n, _ := strconv.ParseUint(num, 10, 32) // Only a hint; nothing depends on it.
		w.SSRC = uint32(n)
	}
	w.Mid, _ = m.attr("mid")
	if v, ok := s.inherited(m, "setup"); ok {
		if err := w.Setup.UnmarshalText([]byte(v)); err != nil {
			return syntax(m.line, "setup is not active, passive or actpass")
		}
	}
	for _, a := range m.attrs {
		if a.key != "candidate" {
			continue
		}
		if len(w.Candidates) == maxCandidates {
			return syntax(a.line, "too many candidates")
		}
		if c, ok := parseCandidate(a.value); ok {
			w.Candidates = append(w.Candidates, c)
		}
	}
	d.Web = w
	return nil
}

// fingerprint takes the SHA-256 one where there are several, as that is what is checked (RFC 8122 section 5).
func fingerprint(s *session, m *section) string {
	first := ""
	for _, part := range []*section{m, &s.section} {
		for _, a := range part.attrs {
			if a.key != "fingerprint" {
				continue
			}
			if first == "" {
				first = a.value
			}
			if len(a.value) > 8 && strings.EqualFold(a.value[:8], "sha-256 ") {
				return a.value
			}
		}
	}
	return first
}

// parseCandidate skips what it cannot read (RFC 8839 section 5.1): new kinds must not break old agents.
func parseCandidate(value string) (Candidate, bool) {
	f := strings.Fields(value)
	if len(f) < 8 || f[6] != "typ" || slices.ContainsFunc(f[:8], func(t string) bool { return len(t) > maxToken }) {
		return Candidate{}, false
	}
	comp, err1 := strconv.ParseUint(f[1], 10, 9)
	prio, err2 := strconv.ParseUint(f[3], 10, 32)
	port, err3 := strconv.ParseUint(f[5], 10, 16)
	if err1 != nil || err2 != nil || err3 != nil {
		return Candidate{}, false
	}
	return Candidate{
		Foundation: f[0], Component: int(comp), Transport: strings.ToLower(f[2]), Priority: uint32(prio),
		Host: f[4], Port: uint16(port), Type: f[7],
	}, true
}
