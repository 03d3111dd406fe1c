// Package simulators gives tests a simulator of GitHub each, a program of its own in Node, where one lies on the machine. To start
// one and to have it answer for the first time costs seconds, more than most tests: so one whose test ended well is set up anew
// for the next.
//
// It refuses to know what is simulated, and to hand on a simulator whose test failed. It is imported by tests alone.
package simulators

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// simulator is one that runs.
type simulator struct {
	url   string
	leash io.Closer // it ends when this is closed, hence with the process of the tests too
	cmd   *exec.Cmd
}

// All tests of a process share them: a pool that is handed around would be one all the same.
var (
	mu   sync.Mutex
	idle = map[string][]*simulator{} // by the folder they come from
)

// GitHub is the address of a simulator from dir in the state that a scenario describes, for the test's own use until it ends.
func GitHub(t testing.TB, dir string, scenario []byte) (url string) {
	t.Helper()
	s := take(dir)
	if s == nil {
		var err error
		if s, err = start(dir); err != nil {
			t.Fatalf("start the simulator in %s: %v", dir, err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() || s.late() || s.reset([]byte(`{}`)) != nil {
			s.end()
			return
		}
		mu.Lock()
		defer mu.Unlock()
		idle[dir] = append(idle[dir], s)
	})
	if err := s.reset(scenario); err != nil {
		t.Fatalf("set the simulator up: %v", err)
	}
	return s.url
}

func take(dir string) *simulator {
	mu.Lock()
	defer mu.Unlock()
	list := idle[dir]
	if len(list) == 0 {
		return nil
	}
	s := list[len(list)-1]
	idle[dir] = list[:len(list)-1]
	return s
}

// start starts one under a shell that ends it when its leash is closed.
func start(dir string) (*simulator, error) {
	cmd := exec.Command("/bin/sh", "-c", `"$@" </dev/null & pid=$!; exec >&-; read word; kill -9 $pid; wait $pid 2>/dev/null`, "sh", "node", "sim.mjs", "--port", "0")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &simulator{leash: leash, cmd: cmd}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		s.end()
		return nil, fmt.Errorf("it ended before it was ready: %w", err)
	}
	var ready struct{ URL string }
	if err := json.Unmarshal(line, &ready); err != nil {
		s.end()
		return nil, fmt.Errorf("it said %q: %w", line, err)
	}
	s.url = ready.URL
	return s, nil
}

// late says whether it was told to hold webhooks back: some may be on their way yet.
func (s *simulator) late() bool {
	resp, err := http.Get(s.url + "/_sim/settings")
	if err != nil {
		return true
	}
	defer resp.Body.Close()
	var set struct {
		Delay   float64 `json:"webhook_delay_ms"`
		Shuffle float64 `json:"webhook_shuffle_ms"`
	}
	return json.NewDecoder(resp.Body).Decode(&set) != nil || set.Delay+set.Shuffle > 0
}

// end ends it, and with it every connection to it.
func (s *simulator) end() {
	_ = s.leash.Close()
	_ = s.cmd.Wait() // of the shell, which ended it by force
}

// Main are the tests of a package, at whose end no simulator is left.
type Main struct{ Tests interface{ Run() int } }

// Run runs them.
func (m Main) Run() int {
	code := m.Tests.Run()
	mu.Lock()
	defer mu.Unlock()
	for _, list := range idle {
		for _, s := range list {
			s.end()
		}
	}
	return code
}

// reset empties it and loads a scenario.
func (s *simulator) reset(scenario []byte) error {
	resp, err := http.Post(s.url+"/_sim/reset", "application/json", bytes.NewReader(scenario))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reset: %d %.500s %v", resp.StatusCode, text, err)
	}
	return nil
}

// With is a scenario with more settings.
func With(scenario []byte, settings map[string]any) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(scenario, &all); err != nil {
		return nil, err
	}
	set, _ := all["settings"].(map[string]any)
	if set == nil {
		set = map[string]any{}
	}
	for name, value := range settings {
		set[name] = value
	}
	all["settings"] = set
	return json.Marshal(all)
}
