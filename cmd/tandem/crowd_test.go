package main

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// door is a listener whose visitors are given.
type door struct {
	net.Listener

	from []string
}

type visitor struct {
	net.Conn

	from   net.Addr
	closed atomic.Bool
}

func (v *visitor) RemoteAddr() net.Addr { return v.from }

func (v *visitor) Close() error {
	v.closed.Store(true)
	return nil
}

func (d *door) Accept() (net.Conn, error) {
	if len(d.from) == 0 {
		return nil, errors.New("nobody else")
	}
	a, err := net.ResolveTCPAddr("tcp", d.from[0])
	d.from = d.from[1:]
	return &visitor{from: a}, err
}

func TestCrowd_TurnsAwayWhoTakesTooMuch(t *testing.T) {
	t.Parallel()
	d := &door{from: []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "[::ffff:192.0.2.1]:4", "127.0.0.1:5", "127.0.0.1:6", "127.0.0.1:7", "192.0.2.2:8"}}
	c := newCrowd(d, 6, 2)
	var in []net.Conn
	for {
		conn, err := c.Accept()
		if err != nil {
			break
		}
		in = append(in, conn)
	}
	var ports []int
	for _, conn := range in {
		ports = append(ports, conn.RemoteAddr().(*net.TCPAddr).Port)
	}
	require.Equal(t, []int{1, 2, 5, 6, 7, 8}, ports, "two of a stranger, as many as there is room for of this machine's own")
	d.from = []string{"192.0.2.3:9"}
	_, err := c.Accept()
	require.Error(t, err, "there is no room at all")
	require.NoError(t, in[0].Close())
	require.NoError(t, in[0].Close(), "which counts once")
	d.from = []string{"192.0.2.1:10", "192.0.2.3:11"}
	again, err := c.Accept()
	require.NoError(t, err)
	require.Equal(t, 10, again.RemoteAddr().(*net.TCPAddr).Port)
	_, err = c.Accept()
	require.Error(t, err)
}
