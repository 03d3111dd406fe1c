package store

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged has a connection end when what was sent on it is not acknowledged for so long: by default the kernel goes on
// for a quarter of an hour.
func unacknowledged(network, _ string, conn syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	if failed := conn.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(longest.Milliseconds()))
	}); failed != nil {
		return failed
	}
	return err
}
