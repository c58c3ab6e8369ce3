package ami

import "io"

// ReadMessages reads messages to the end of r, as a connection does after the greeting.
func ReadMessages(r io.Reader, maxLine, maxMessage int) ([]Message, error) {
	f := newFrames(r, maxLine, maxMessage)
	var ms []Message
	for {
		m, err := f.next()
		if err == io.EOF { //nolint:errorlint // A plain end, nothing else.
			return ms, nil
		}
		if err != nil {
			return ms, err
		}
		ms = append(ms, m)
	}
}
