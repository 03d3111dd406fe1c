package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// processLock keeps a second server away from a SQLite database: two would each believe to be the only one to hold work.
// The file stays behind; the lock on it ends with the process.
type processLock struct{ file *os.File }

// lockProcess takes the lock and writes into the file who has it. It fails with ErrInUse, naming who.
func lockProcess(path string, now time.Time) (*processLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if errors.Is(err, ErrInUse) {
			return nil, fmt.Errorf("%w by %s: stop that process, or give this one another file in SLUICE_DATABASE", ErrInUse, lockedBy(f))
		}
		return nil, fmt.Errorf("lock %s (the database must be on a local disk): %w", path, err)
	}
	host, _ := os.Hostname()
	text := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, now.UTC().Format(time.RFC3339))
	if err := errors.Join(f.Truncate(0), write(f, text)); err != nil {
		f.Close()
		return nil, err
	}
	return &processLock{f}, nil
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// lockedBy reads what the holder wrote; it may be about to.
func lockedBy(f *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 200))
	if who := strings.TrimSpace(string(b)); err == nil && who != "" {
		return who
	}
	return "another process"
}

func (l *processLock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(unlockFile(l.file), l.file.Close())
}
