package main

import (
	"os"
	"runtime"
	"testing"
)

// mostBinary is how large the released binary may be, in bytes.
const mostBinary = 40_000_000

// TestReleasedBinaryIsSmall links once more what TestSignalDrains compiles anyway.
func TestReleasedBinaryIsSmall(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("other systems' binaries have other sizes")
	}
	info, err := os.Stat(built(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= mostBinary {
		t.Errorf("the released binary has %d bytes, want under %d.\n"+
			"Megabytes at once: something calls methods by name, as text/template does, and the linker keeps them all; this tells what:\n"+
			"  go build -ldflags=-dumpdep -o /dev/null ./cmd/sluice 2>&1 | grep ReflectMethod\n"+
			"Else build before and after without -s -w, and compare what this lists:\n"+
			"  go tool nm -size -sort size bin/sluice", info.Size(), mostBinary)
	}
}
