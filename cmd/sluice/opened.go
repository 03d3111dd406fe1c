package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// opened opens a file that a command was given. Of one that is not there it says where it was looked for, and the cure.
func opened(name, cure string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &missingFile{name: name, cure: cure, err: err}
	}
	return f, err
}

// missingFile is the error for a file that is not there.
type missingFile struct {
	name, cure string
	err        error
}

func (m *missingFile) Error() string {
	folder, err := os.Getwd()
	if err != nil || filepath.IsAbs(m.name) {
		folder = filepath.Dir(m.name)
	}
	return fmt.Sprintf("there is no file %s: looked in %s; %s", m.name, folder, m.cure)
}

func (m *missingFile) Unwrap() error { return m.err }
