package wsfront_test

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandem-cc/tandem/sipbridge/wsfront"
)

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0x81, 0x85, 1, 2, 3, 4, 'h', 'e', 'l', 'l', 'o'})
	f.Add([]byte{0x01, 0xfe, 0, 200, 0, 0, 0, 0})
	f.Add([]byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe8})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		for {
			op, fin, payload, err := wsfront.ReadFrame(r, 1000)
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(payload), 1000)
			require.Contains(t, []byte{0, 1, 2, 8, 9, 10}, op)
			if op >= 8 {
				require.True(t, fin)
				require.LessOrEqual(t, len(payload), 125)
			}
		}
	})
}

func BenchmarkReadFrame(b *testing.B) {
	frame := append([]byte{0x81, 0x80 | 126, 0x06, 0xa4, 1, 2, 3, 4}, make([]byte, 1700)...)
	src := bytes.NewReader(frame)
	r := bufio.NewReader(src)
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(frame)
		r.Reset(src)
		if _, _, _, err := wsfront.ReadFrame(r, 65535); err != nil {
			b.Fatal(err)
		}
	}
}
