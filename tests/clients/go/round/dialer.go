package round

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// Dialer opens all connections of a program. It leads every name to the host in the ready file, and
// sees whether a connection was served for longer than a session lasts.
type Dialer struct {
	host     string
	net      net.Dialer
	outlived atomic.Bool
}

// DialContext connects to the port of an address.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := d.net.DialContext(ctx, network, net.JoinHostPort(d.host, port))
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: conn, dialer: d, opened: time.Now()}, nil
}

// Dial is DialContext for libraries that have no context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

type watchedConn struct {
	net.Conn
	dialer *Dialer
	opened time.Time
	late   atomic.Int64
}

const (
	// oneSession is the reauth_ms_max of clients.toml, and some time to sign in first.
	oneSession = 12 * time.Second
	// readsOfAnEnd may still come after it, when TLS tells that the server closes.
	readsOfAnEnd = 2
)

func (c *watchedConn) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if n > 0 && time.Since(c.opened) > oneSession && c.late.Add(1) > readsOfAnEnd {
		c.dialer.outlived.Store(true)
	}
	return n, err
}
