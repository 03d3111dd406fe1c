# make test sets up and runs every test; make bench prints the figures with the machine beside them.
GO ?= go
FUZZTIME ?= 3000x

.PHONY: build test fuzz bench guard soak

build:
	$(GO) build -trimpath -ldflags '-s -w' -o bin/sluice ./cmd/sluice

test:
	@command -v $(GO) >/dev/null || { echo 'Go is missing: install golang from https://go.dev/dl or your distribution'; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo 'A C compiler is missing (SQLite needs one): apt-get install gcc libc6-dev'; exit 1; }
	@command -v git >/dev/null || { echo 'git is missing: apt-get install git'; exit 1; }
	$(GO) mod download
	$(GO) vet ./...
	$(GO) test -timeout 30m ./...

# Every fuzz target for some thousand inputs; the seeds run with `make test` anyway. A count, not a time: when the time is over
# while a worker is just starting, go test calls that a failure ("context deadline exceeded").
fuzz:
	@set -e; d=$$(mktemp -d); trap 'rm -rf "$$d"' EXIT; \
	for p in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do \
	  dir=$$($(GO) list -f '{{.Dir}}' $$p); \
	  grep -qs '^func Fuzz' $$dir/*_test.go || continue; \
	  $(GO) test -c -fuzz . -o $$d/fuzz.test $$p; \
	  for f in $$(cd $$dir && $$d/fuzz.test -test.list '^Fuzz'); do \
	    echo "fuzz $$p $$f"; \
	    (cd $$dir && $$d/fuzz.test -test.run '^$$' -test.fuzz "^$$f$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir $$d/corpus); \
	  done; \
	done

# The whole engine under seeds, for hours: a seed that fails is printed with the command that plays it again.
SEED ?= $(shell date +%s)
STEPS ?= 100000000
soak:
	$(GO) test ./gate/simulation -run 'TestSimulation$$' -v -count=1 -timeout 0 -seed $(SEED) -steps $(STEPS)

# The figures, with the machine beside them; BenchmarkQuota takes a minute by itself.
bench:
	$(GO) test -run '^TestCalls' -v -count=1 ./cmd/sluice | grep -E 'reads|FAIL|ok'
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./cmd/sluice
	$(GO) test -run '^$$' -bench . -benchmem ./checks/... ./store/... ./gate

# Sluice judges its own history with its own policy.
guard:
	$(GO) run ./cmd/sluice policy check .sluice.yml
	$(GO) run ./cmd/sluice check --policy .sluice.yml --base $$(git describe --tags --abbrev=0 2>/dev/null || git rev-list --max-parents=0 HEAD | tail -n 1) --head HEAD
