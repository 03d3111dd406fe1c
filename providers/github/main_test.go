package github

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/sluicegate/sluice/providers/simulators"
)

// TestMain fails the package when a goroutine outlives its tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(simulators.Main{Tests: m}) }
