//go:build linux || darwin

package store

import "syscall"

// freeBytes is what is left on the disk of a directory for whoever is not root; -1 when nobody knows.
func freeBytes(dir string) int64 {
	var at syscall.Statfs_t
	if err := syscall.Statfs(dir, &at); err != nil {
		return -1
	}
	return int64(at.Bavail) * int64(at.Bsize)
}
