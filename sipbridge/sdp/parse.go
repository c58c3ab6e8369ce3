package sdp

// Parse reads a session description. It takes the first audio line whose port is not 0. It is lenient where real peers are sloppy:
// a missing last line end, bare line feeds, c= at session or media level, payload numbers without a=rtpmap for the
// static codecs, unknown attributes. It errs with ErrSyntax or ErrNoAudio, wrapped.
//
// The old hold form c=IN IP4 0.0.0.0 (RFC 2543) is read as Inactive-from-us on plain RTP only (the direction loses its
// receiving half); browsers write that address with ICE and mean nothing by it.
func Parse(body []byte) (Description, error) { return Description{}, errNotYet }

// Marshal writes the description in the form that SIP bodies have, with CRLF line ends. It errs with ErrSyntax when a
// field cannot be written (a control character in a name, an address missing, no codecs).
func (d Description) Marshal() ([]byte, error) { return nil, errNotYet }
