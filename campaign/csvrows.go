package campaign

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// csvRows reads the rows of a CSV file (RFC 4180) and gets over what is wrong with one row: a quotation mark that is never
// closed costs its own line and not the rest of the file. Memory is bounded by maxRowBytes.
type csvRows struct {
	r       *bufio.Reader
	comma   byte
	read    int      // lines read from r
	pending []string // lines read and given back, the first one next
	line    int      // where the last row begins, from 1
}

const (
	// maxRowBytes is how long a row may be.
	maxRowBytes = 1 << 20
	// maxRowLines is over how many lines a quoted text may go before its quotation mark counts as never closed.
	maxRowLines = 50
)

// The faults of a row, in words for whoever made the file.
const (
	faultLong  = "is longer than 1 MiB"
	faultQuote = "a quotation mark is out of place"
	faultOpen  = "a quotation mark is never closed"
)

// next returns the next row's fields, or in what way the row is faulty; io.EOF behind the last one.
func (c *csvRows) next() (fields []string, fault string, err error) {
	text, long, err := c.nextLine()
	if err != nil {
		return nil, "", err
	}
	c.line = c.read - len(c.pending)
	if long {
		return nil, faultLong, nil
	}
	fields, state := splitRow(text, c.comma)
	var more []string
	size := len(text)
	for state == rowOpen && len(more) < maxRowLines {
		next, long, err := c.nextLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, "", err
		}
		if err != nil {
			break
		}
		more = append(more, next)
		size += len(next) + 1
		if long || size > maxRowBytes {
			break
		}
		fields, state = splitRow(text+"\n"+strings.Join(more, "\n"), c.comma)
	}
	switch state {
	case rowOpen:
		c.pending = append(more, c.pending...)
		return nil, faultOpen, nil
	case rowBroken:
		return nil, faultQuote, nil
	case rowWhole:
	}
	return fields, "", nil
}

// nextLine returns the next line without its end; long says that it was cut off at maxRowBytes.
func (c *csvRows) nextLine() (line string, long bool, err error) {
	if len(c.pending) > 0 {
		line = c.pending[0]
		c.pending = c.pending[1:]
		return line, false, nil
	}
	var b strings.Builder
	for {
		part, err := c.r.ReadSlice('\n')
		if b.Len()+len(part) <= maxRowBytes {
			b.Write(part)
		} else {
			long = true
		}
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (b.Len() > 0 || long):
		default:
			return "", false, err
		}
		c.read++
		return strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r"), long, nil
	}
}

// rowState is what a piece of text is.
type rowState uint8

const (
	rowWhole  rowState = iota // a row
	rowOpen                   // the beginning of a row: a quotation mark is open
	rowBroken                 // neither
)

// splitRow divides a row into its fields, without the space around them. Quotation marks count at a field's beginning only.
func splitRow(text string, comma byte) ([]string, rowState) {
	var fields []string
	for {
		field, rest, state := firstField(strings.TrimLeft(text, blanks(comma)), comma)
		if state != rowWhole {
			return nil, state
		}
		fields = append(fields, field)
		if rest == "" {
			return fields, rowWhole
		}
		text = rest[1:] // the comma
	}
}

// blanks are what counts as space around a field.
func blanks(comma byte) string {
	if comma == '\t' {
		return " "
	}
	return " \t"
}

// firstField takes one field off; rest begins with the comma behind it, or is empty.
func firstField(text string, comma byte) (field, rest string, state rowState) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexByte(text, comma)
		if end < 0 {
			end = len(text)
		}
		return strings.TrimRight(text[:end], blanks(comma)), text[end:], rowWhole
	}
	var b strings.Builder
	text = text[1:]
	for {
		end := strings.IndexByte(text, '"')
		if end < 0 {
			return "", "", rowOpen
		}
		b.WriteString(text[:end])
		text = text[end+1:]
		if !strings.HasPrefix(text, `"`) {
			break
		}
		b.WriteByte('"')
		text = text[1:]
	}
	rest = strings.TrimLeft(text, blanks(comma))
	if rest != "" && rest[0] != comma {
		return "", "", rowBroken
	}
	return b.String(), rest, rowWhole
}
