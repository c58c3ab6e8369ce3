package sipcore

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/tandem-cc/tandem/sipbridge/sipcore/dialog"
)

// methods are those that have a meaning here; Allow lists them.
func (e *Endpoint) allow() string {
	m := "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK"
	if e.cfg.Register != nil {
		m += ", REGISTER"
	}
	return m
}

// supported are the extensions that work in both directions. 100rel is not among them, as
// we acknowledge reliable provisional answers but send none.
const supported = "timer"

func (e *Endpoint) capabilities() []Header {
	return []Header{
		{"Allow", e.allow()},
		{"Accept", dialog.SDPType + ", " + dialog.DTMFRelayType + ", " + dialog.DTMFType},
		{"Supported", supported},
	}
}

// knownMethod says whether a method is registered but not served here: 405, not 501.
func knownMethod(m sip.RequestMethod) bool {
	switch m {
	case sip.MESSAGE, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.PUBLISH, sip.REGISTER:
		return true
	}
	return false
}

func (e *Endpoint) serves(m sip.RequestMethod) bool {
	switch m {
	case sip.INVITE, sip.ACK, sip.CANCEL, sip.BYE, sip.OPTIONS, sip.INFO, sip.UPDATE, sip.PRACK:
		return true
	case sip.REGISTER:
		return e.cfg.Register != nil
	}
	return false
}

// validate says how a request is to be refused before it is routed (RFC 3261 8.2, 16.3);
// nil means that it is sound. The order is that of the RFC.
func (e *Endpoint) validate(req *sip.Request, raw []byte) *Reply {
	for _, check := range []func(*sip.Request, []byte) *Reply{
		checkVersion, checkSyntax, e.checkMethod, checkScheme, e.checkHops, checkExtensions, checkBody,
	} {
		if r := check(req, raw); r != nil {
			return r
		}
	}
	return nil
}

func badRequest(phrase string) *Reply { return &Reply{Status: 400, Phrase: phrase} }

func checkVersion(req *sip.Request, _ []byte) *Reply {
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		return &Reply{Status: 505}
	}
	return nil
}

// checkSyntax refuses what parsed but cannot be right.
func checkSyntax(req *sip.Request, raw []byte) *Reply {
	for _, name := range []string{"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type"} {
		if len(headerValues(req, name)) > 1 {
			return badRequest("Multiple " + name)
		}
	}
	if req.CSeq().MethodName != req.Method {
		return badRequest("CSeq Does Not Fit Method")
	}
	if req.CallID().Value() == "" || strings.ContainsAny(req.CallID().Value(), " \t") {
		return badRequest("Malformed Call-ID")
	}
	if n := req.ContentLength(); n != nil {
		_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		if int(*n) > len(body) {
			return badRequest("Body Shorter Than Content-Length")
		}
	}
	if (req.IsInvite() || req.Method == sip.UPDATE) && len(headerValues(req, "Contact")) == 0 {
		return badRequest("Missing Contact")
	}
	if v := headerValues(req, "Session-Expires"); len(v) > 0 {
		if _, err := dialog.ParseSessionExpires(v[0]); err != nil {
			return badRequest("Malformed Session-Expires")
		}
	}
	if v := headerValues(req, "Expires"); len(v) > 0 {
		if _, err := dialog.ParseSeconds(v[0]); err != nil {
			return badRequest("Malformed Expires")
		}
	}
	return nil
}

func (e *Endpoint) checkMethod(req *sip.Request, _ []byte) *Reply {
	switch {
	case e.serves(req.Method):
		return nil
	case knownMethod(req.Method):
		return &Reply{Status: 405, Headers: []Header{{"Allow", e.allow()}}}
	}
	return &Reply{Status: 501, Headers: []Header{{"Allow", e.allow()}}}
}

func checkScheme(req *sip.Request, _ []byte) *Reply {
	switch strings.ToLower(req.Recipient.Scheme) {
	case "sip", "sips":
		if req.Recipient.Host == "" || strings.ContainsAny(req.Recipient.Host, "<> \t") {
			return badRequest("Malformed Request-URI")
		}
		return nil
	case "tel":
		return nil
	}
	return &Reply{Status: 416}
}

// checkHops finds loops: the hop count, and our own mark in a Via below the top.
func (e *Endpoint) checkHops(req *sip.Request, _ []byte) *Reply {
	for _, h := range req.GetHeaders("Via") {
		via, ok := h.(*sip.ViaHeader)
		if !ok {
			continue
		}
		if b, _ := via.Params.Get("branch"); strings.HasPrefix(b, e.branchPrefix()) {
			return &Reply{Status: 482}
		}
	}
	v := headerValues(req, "Max-Forwards")
	if len(v) == 0 {
		return nil // RFC 2543 peers send none
	}
	d, err := dialog.ParseSeconds(v[0])
	switch n := int(d.Seconds()); {
	case err != nil || n > 255:
		return badRequest("Malformed Max-Forwards")
	case n == 0 && !req.IsAck():
		return &Reply{Status: 483}
	}
	return nil
}

// branchPrefix marks the branches of this endpoint.
func (e *Endpoint) branchPrefix() string { return magicCookie + "-tdm" + e.instance + "-" }

// checkExtensions refuses what the peer insists on and we lack (RFC 3261 8.2.2.3).
func checkExtensions(req *sip.Request, _ []byte) *Reply {
	if req.IsAck() || req.IsCancel() {
		return nil
	}
	var lacking []string
	for _, v := range headerValues(req, "Require") {
		for tag := range strings.SplitSeq(v, ",") {
			tag = strings.TrimSpace(tag)
			if tag != "" && !understands(req.Method, strings.ToLower(tag)) {
				lacking = append(lacking, tag)
			}
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return &Reply{Status: 420, Headers: []Header{{"Unsupported", strings.Join(lacking, ", ")}}}
}

func understands(m sip.RequestMethod, tag string) bool {
	if m == sip.REGISTER {
		return slices.Contains([]string{"outbound", "path", "gruu"}, tag)
	}
	return tag == "timer"
}

// checkBody refuses bodies that cannot be read.
func checkBody(req *sip.Request, _ []byte) *Reply {
	if len(req.Body()) == 0 {
		return nil
	}
	for _, v := range headerValues(req, "Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(v), "identity") {
			return &Reply{Status: 415, Headers: []Header{{"Accept-Encoding", "identity"}}}
		}
	}
	if req.Method != sip.INVITE && req.Method != sip.UPDATE && req.Method != sip.ACK && req.Method != sip.PRACK {
		return nil
	}
	t := headerValues(req, "Content-Type")
	if len(t) == 0 {
		return badRequest("Missing Content-Type")
	}
	if mediaType(t[0]) != dialog.SDPType {
		return &Reply{Status: 415, Headers: []Header{{"Accept", dialog.SDPType}}}
	}
	return nil
}

// statusText is the standard reason phrase of a status.
func (e *Endpoint) statusText(status int) string {
	if s, ok := e.phrases[status]; ok {
		return s
	}
	switch status / 100 {
	case 1:
		return "Progress"
	case 2:
		return "OK"
	case 3:
		return "Redirected"
	case 4:
		return "Refused"
	case 5:
		return "Server Failure"
	}
	return "Global Failure"
}

func phrases() map[int]string {
	return map[int]string{
		100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
		200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
		405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
		408: "Request Timeout", 413: "Request Entity Too Large", 415: "Unsupported Media Type",
		416: "Unsupported URI Scheme", 420: "Bad Extension", 422: "Session Interval Too Small",
		423: "Interval Too Brief", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
		482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here",
		487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
		500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
		505: "Version Not Supported", 513: "Message Too Large", 600: "Busy Everywhere", 603: "Decline",
		604: "Does Not Exist Anywhere", 606: "Not Acceptable",
	}
}
