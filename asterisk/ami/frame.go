package ami

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrTooLong says that Asterisk, or whoever answers in its place, sent a line or message beyond the limits of Config.
var ErrTooLong = errors.New("line or message too long")

// frames reads messages from a connection.
type frames struct {
	r          *bufio.Reader
	maxLine    int
	maxMessage int
	line       []byte
	text       strings.Builder
}

func newFrames(r io.Reader, maxLine, maxMessage int) *frames {
	return &frames{r: bufio.NewReaderSize(r, 32<<10), maxLine: maxLine, maxMessage: maxMessage}
}

// readLine returns the next line without its end, which is CR LF: Asterisk lets a bare LF stand inside a value (the response to Park
// has one). What it returns is valid until the next call.
func (f *frames) readLine() ([]byte, error) {
	f.line = f.line[:0]
	for {
		part, err := f.r.ReadSlice('\n')
		f.line = append(f.line, part...)
		switch {
		case len(f.line) > f.maxLine:
			return nil, fmt.Errorf("ami: %d bytes of a line: %w", len(f.line), ErrTooLong)
		case err == nil && bytes.HasSuffix(f.line, []byte("\r\n")):
			return f.line[:len(f.line)-2], nil
		case err == nil: // A bare LF.
		case !errors.Is(err, bufio.ErrBufferFull):
			if len(f.line) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// next returns the next message. Empty messages, which some actions leave behind, are passed over. A line that is no header
// becomes one of the name "Unparsed", so that the rest of its message is not lost with it.
func (f *frames) next() (Message, error) {
	f.text.Reset()
	for {
		line, err := f.readLine()
		if err != nil {
			if f.text.Len() > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return Message{}, err
		}
		if len(line) == 0 {
			if f.text.Len() == 0 {
				continue
			}
			f.text.WriteString("\r\n")
			return ParseMessage(f.text.String())
		}
		if !isHeader(line) {
			f.text.WriteString("Unparsed: ")
		}
		for _, c := range line {
			if c == '\r' || c == '\n' {
				c = ' '
			}
			f.text.WriteByte(c)
		}
		f.text.WriteString("\r\n")
		if f.text.Len() > f.maxMessage {
			return Message{}, fmt.Errorf("ami: %d bytes of a message: %w", f.text.Len(), ErrTooLong)
		}
	}
}

// isHeader says whether a line begins with a header name as goami2 takes it: a letter or digit, then at least one of
// letters, digits and hyphens, then a colon.
func isHeader(line []byte) bool {
	for i, c := range line {
		switch {
		case c == ':':
			return i >= 2
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-' && i > 0:
		default:
			return false
		}
	}
	return false
}
