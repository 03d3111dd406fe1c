# make test sets up and runs every test; make bench prints the figures with the machine beside them.
# Eight tests at a time: most of them wait for a disk or a server, and two at a time, as on two cores, took twice as long.
GO ?= go
FUZZTIME ?= 3000x

.PHONY: build static test kills lint lint-compose lint-deploy vulnerable race fuzz bench guard soak

build:
	$(GO) build -trimpath -ldflags '-s -w' -o bin/sluice ./cmd/sluice

# One file that needs nothing of the machine but a kernel: for empty images. SQLite is C, so the C library is linked in; what of it
# would look for files at run time is left out (names are looked up by Go, SQLite loads no extensions).
static:
	CGO_ENABLED=1 $(GO) build -trimpath -tags netgo,osusergo,sqlite_omit_load_extension -ldflags '-s -w -extldflags=-static' -o bin/sluice-static ./cmd/sluice

test:
	@command -v $(GO) >/dev/null || { echo 'Go is missing: install golang from https://go.dev/dl or your distribution'; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo 'A C compiler is missing (SQLite needs one): apt-get install gcc libc6-dev'; exit 1; }
	@command -v git >/dev/null || { echo 'git is missing: apt-get install git'; exit 1; }
	@[ -n "$$SLUICE_TEST_POSTGRES" ] || command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	  echo 'PostgreSQL is missing: its tests are SKIPPED. apt-get install postgresql (no service is needed), or set SLUICE_TEST_POSTGRES to a URL'
	$(GO) mod download
	$(GO) vet ./...
	$(GO) test -timeout 30m -parallel 8 ./...

# The server killed 500 times on each database while people work: at each step between taking a delivery and acting on it, and at
# random. `make test` does so once for each step.
KILLS ?= 500
kills:
	SLUICE_TEST_KILLS=$(KILLS) $(GO) test -count=1 -timeout 3h -v -run '^TestKilledOverBursts$$' ./cmd/sluice

# Other programs' second look at the code. The version is pinned here and not in go.mod: it is nothing that Sluice is built from.
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
lint:
	@test -z "$$(gofmt -l .)" || { echo 'these files are not formatted, run gofmt -w on them:'; gofmt -l .; exit 1; }
	$(GO) run $(STATICCHECK) ./...

# Known vulnerabilities that the code calls into. The list is fetched from vuln.go.dev, or from GOVULNDB where that is set.
vulnerable:
	$(GO) run $(GOVULNCHECK) ./...

# Everything again under the race detector. It takes an hour on two cores: RACE names the packages, RACEFLAGS what of them.
RACE ?= ./...
race:
	$(GO) test -race -timeout 120m $(RACEFLAGS) $(RACE)

# Every fuzz target for some thousand inputs; the seeds run with `make test` anyway. A count, not a time: when the time is over
# while a worker is just starting, go test calls that a failure ("context deadline exceeded").
fuzz:
	@set -e; d=$$(mktemp -d); trap 'rm -rf "$$d"' EXIT; \
	dirs=$$($(GO) list -f '{{.Dir}}' ./...); \
	for dir in $$(grep -ls '^func Fuzz' $$(printf '%s/*_test.go ' $$dirs) | xargs -n1 dirname | sort -u); do \
	  (cd $$dir && $(GO) test -c -fuzz . -o $$d/fuzz.test .); \
	  targets=$$(cd $$dir && $$d/fuzz.test -test.list '^Fuzz'); \
	  test -n "$$targets"; \
	  for f in $$targets; do \
	    echo "fuzz $$dir $$f"; \
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

# What runs and watches a server, looked at by the tools that are there; those that are not are told. On Debian: apt-get install
# yamllint prometheus systemd. Helm is built from its Go module on first use, which takes minutes and is why CI does without:
# HELM=helm uses one that is there. A Helm that is built so knows of no Kubernetes by itself, so it is told of one. hadolint is no Go
# program, and the schemas of Kubernetes are no module: the Dockerfile and the rendered objects are looked at by people alone.
HELM ?= bin/helm
HELM_VERSION ?= v3.21.4
CHART = deploy/helm/sluice
GITHUB = --kube-version 1.33.0 --set publicURL=https://sluice.example.com --set github.appID=1 --set github.secret.name=x

bin/helm:
	GOBIN=$(CURDIR)/bin $(GO) install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)

# The Compose file, by the library that reads it for Docker: its schema, and what it names. What it asks the environment for is left as
# it stands.
COMPOSE ?= $(GO) run github.com/compose-spec/compose-go/v2/cmd@v2.16.2
lint-compose:
	$(COMPOSE) -no-interpolation deploy/compose.yaml >/dev/null

lint-deploy: lint-compose $(filter bin/helm,$(HELM))
	@set -e; has() { command -v "$$1" >/dev/null || { echo "$$1 is missing: not looked at"; return 1; }; }; \
	if has yamllint; then yamllint --strict --config-file deploy/.yamllint.yaml deploy && echo 'yamllint: ok'; fi; \
	if has promtool; then promtool check rules deploy/prometheus/alerts.yaml && promtool test rules deploy/prometheus/alerts_test.yaml; fi; \
	if has systemd-analyze; then d=$$(mktemp -d); sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' deploy/sluice.service >$$d/sluice.service; \
	  systemd-analyze verify $$d/sluice.service && systemd-analyze security --offline=true --threshold=20 $$d/sluice.service | tail -n 1; rm -r $$d; fi
	$(HELM) lint --strict $(CHART) $(GITHUB)
	$(HELM) template sluice $(CHART) $(GITHUB) >/dev/null
	$(HELM) template sluice $(CHART) $(GITHUB) --set ingress.enabled=true --set metrics.serviceMonitor.enabled=true >/dev/null
	$(HELM) template sluice $(CHART) $(GITHUB) --set replicas=3 --set database.url=postgres://sluice@db/sluice --set database.passwordSecret.name=y >/dev/null
	@set -e; refused() { what=$$1; shift; if out=$$($(HELM) template sluice $(CHART) $(GITHUB) "$$@" 2>&1); then echo "$$what is not refused"; exit 1; fi; \
	  case $$out in *kubeVersion*) echo "$$out"; exit 1 ;; esac; }; \
	refused 'several replicas on SQLite' --set replicas=2; \
	refused 'a misspelt value' --set replica=2; \
	refused 'a password in the URL' --set database.url=postgres://sluice:word@db/sluice
	@! $(HELM) template sluice $(CHART) $(GITHUB) --kube-version 1.20.0 >/dev/null 2>&1 || { echo 'an old Kubernetes is not refused'; exit 1; }
