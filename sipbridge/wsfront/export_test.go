package wsfront

import "bufio"

// ReadFrame lets the fuzz target reach the frame reader: its opcode, whether it is the last
// of a message, and the payload.
func ReadFrame(r *bufio.Reader, limit int) (op byte, fin bool, payload []byte, err error) {
	f, err := readFrame(r, limit)
	return byte(f.op), f.fin, f.payload, err
}
