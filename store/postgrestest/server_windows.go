package postgrestest

import (
	"errors"
	"os/exec"
)

func give(string) error {
	return errors.New("a server is started by the tests on unix alone")
}

func (s *Server) as(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }
