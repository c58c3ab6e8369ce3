package wsfront

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// opcode is the kind of a frame (RFC 6455 section 5.2).
type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

func (o opcode) control() bool { return o >= opClose }

// Status codes of close frames (RFC 6455 section 7.4.1).
const (
	closeNormal    = 1000
	closeGoingAway = 1001
	closeProtocol  = 1002
	closeBadText   = 1007
	closePolicy    = 1008
	closeTooBig    = 1009
)

// frame is one frame as it was read.
type frame struct {
	op      opcode
	fin     bool
	payload []byte
}

// readFrame reads one frame of a client, unmasked. limit bounds the payload.
func readFrame(r *bufio.Reader, limit int) (frame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f, short, err := parseHead(head)
	if err != nil {
		return frame{}, err
	}
	size, err := readSize(r, short)
	if err != nil {
		return frame{}, err
	}
	if size > uint64(limit) {
		return frame{}, ErrTooLarge
	}
	var mask [4]byte
	if _, err := io.ReadFull(r, mask[:]); err != nil {
		return frame{}, midFrame(err)
	}
	f.payload = make([]byte, size)
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return frame{}, midFrame(err)
	}
	for i := range f.payload {
		f.payload[i] ^= mask[i&3]
	}
	return f, nil
}

// parseHead reads the two bytes that every frame begins with; size is the short length.
func parseHead(head [2]byte) (f frame, size byte, err error) {
	f = frame{op: opcode(head[0] & 0x0f), fin: head[0]&0x80 != 0}
	size = head[1] & 0x7f
	switch {
	case head[0]&0x70 != 0:
		return f, 0, fmt.Errorf("%w: reserved bits without an extension", ErrProtocol)
	case f.op > opBinary && f.op < opClose, f.op > opPong:
		return f, 0, fmt.Errorf("%w: unknown opcode %d", ErrProtocol, f.op)
	case head[1]&0x80 == 0:
		return f, 0, fmt.Errorf("%w: client frame without mask", ErrProtocol)
	case f.op.control() && (size > 125 || !f.fin):
		return f, 0, fmt.Errorf("%w: control frame long or fragmented", ErrProtocol)
	}
	return f, size, nil
}

// readSize reads the length behind a short length of 126 or 127.
func readSize(r *bufio.Reader, short byte) (uint64, error) {
	var b [8]byte
	switch short {
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return 0, midFrame(err)
		}
		if size := uint64(binary.BigEndian.Uint16(b[:2])); size >= 126 {
			return size, nil
		}
		return 0, fmt.Errorf("%w: length not in its shortest form", ErrProtocol)
	case 127:
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, midFrame(err)
		}
		if size := binary.BigEndian.Uint64(b[:]); size >= 1<<16 && size>>63 == 0 {
			return size, nil
		}
		return 0, fmt.Errorf("%w: length not in its shortest form", ErrProtocol)
	}
	return uint64(short), nil
}

// midFrame turns an end inside a frame into what it is.
func midFrame(err error) error {
	if err == io.EOF { //nolint:errorlint // io.ReadFull returns it bare.
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrame writes a whole, unmasked frame of a server.
func appendFrame(b []byte, op opcode, payload []byte) []byte {
	b = append(b, 0x80|byte(op))
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b = append(b, 127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

// closePayload is the content of a close frame.
func closePayload(code int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(code)) }

// closeCode reads the code of a close frame; the answer repeats it.
func closeCode(payload []byte) (int, error) {
	if len(payload) == 0 {
		return closeNormal, nil
	}
	if len(payload) == 1 || !utf8.Valid(payload[2:]) {
		return closeProtocol, fmt.Errorf("%w: close frame", ErrProtocol)
	}
	code := int(binary.BigEndian.Uint16(payload))
	valid := (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999)
	if !valid {
		return closeProtocol, fmt.Errorf("%w: close code", ErrProtocol)
	}
	return code, nil
}
