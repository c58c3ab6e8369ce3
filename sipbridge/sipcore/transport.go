package sipcore

import "fmt"

// Transport is the kind of a flow.
type Transport uint8

// The transports. The zero value is unset.
const (
	TransportUnset Transport = iota
	// TransportUDP is SIP over datagrams (RFC 3261 section 18).
	TransportUDP
	// TransportTCP is SIP over a stream.
	TransportTCP
	// TransportWS is SIP over WebSocket (RFC 7118).
	TransportWS
	// TransportWSS is SIP over WebSocket over TLS.
	TransportWSS
)

// String returns the name as it stands in a Via header field, for example "UDP".
func (t Transport) String() string {
	switch t {
	case TransportUnset:
		return ""
	case TransportUDP:
		return "UDP"
	case TransportTCP:
		return "TCP"
	case TransportWS:
		return "WS"
	case TransportWSS:
		return "WSS"
	}
	return fmt.Sprintf("Transport(%d)", uint8(t))
}

// MarshalText writes the name of the transport.
func (t Transport) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the name of a transport as String writes it.
func (t *Transport) UnmarshalText(b []byte) error {
	for v := TransportUnset; v <= TransportWSS; v++ {
		if v.String() == string(b) {
			*t = v
			return nil
		}
	}
	return fmt.Errorf("sipcore: unknown transport %q", b)
}

// param is the value of the transport parameter of a URI.
func (t Transport) param() string {
	switch t {
	case TransportTCP:
		return "tcp"
	case TransportWS, TransportWSS:
		return "ws"
	case TransportUDP, TransportUnset:
		return ""
	}
	return ""
}
