# What can be asked of this checkout; plain `make` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

bin := .cache/bin
linter := $(bin)/golangci-lint
# A test that waits for sound or for a real server may take its time on two busy cores.
timeout := 15m

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

.PHONY: demo
demo: ## run a call centre with simulated callers on this machine
	go run ./cmd/tandem demo

.PHONY: quick
quick: ## tests that need no server, without the race detector (under two minutes)
	# The native switch's conformance runs wait in real time for a minute and a half: make test has them.
	TANDEM_TEST_SERVERS=off go test -timeout 5m -skip 'KeepsTheContractWith' ./...

.PHONY: test
test: ## everything: setup, lint, vet, all tests with the race detector, benchmarks once
	@test/check.sh

.PHONY: setup
setup: ## install what the tests need: servers, browser, SIP tools, Asterisk, npm packages
	@test/setup.sh

.PHONY: lint
lint: $(linter) ## formatting, static analysis, shell scripts
	$(linter) run ./...
	@if command -v shellcheck >/dev/null; then shellcheck -x $$(git ls-files '*.sh' .ci/run); else echo "shellcheck is not installed: shell scripts were not checked"; fi

.PHONY: format
format: $(linter) ## put the code into the project's format
	$(linter) fmt ./...

.PHONY: tidy
tidy: ## check that go.mod and go.sum say what the code needs
	go mod tidy -diff

.PHONY: vet
vet: ## go vet, which also compiles every test and example
	go vet ./...

.PHONY: race
race: ## all tests with the race detector, every test by name
	go test -race -v -count 1 -p 2 -timeout $(timeout) ./...

.PHONY: once
once: ## run each benchmark once, to see that it works
	go test -run '^$$' -bench . -benchtime 1x -p 1 -timeout $(timeout) ./...

.PHONY: bench
bench: ## measure: each benchmark six times, for benchstat
	go test -run '^$$' -bench . -benchmem -count 6 -p 1 -timeout 60m ./...

.PHONY: mutate
mutate: ## put faults into the routing engine and see that its tests catch each
	TANDEM_MUTATE=1 go test -count 1 -run '^TestMutations$$' -v -timeout 90m ./acd

.PHONY: nightly
nightly: ## a million steps of random histories of the routing engine
	TANDEM_NIGHTLY=1 go test -count 1 -run '^TestNightly' -v -timeout 90m ./acd

.PHONY: fuzz
fuzz: ## each fuzz target for ten seconds
	@for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 10s "$$package"; \
	  done; \
	done

# The linter has a module of its own, so its version is pinned and a host that imports Tandem never sees it.
$(linter): internal/tools/go.mod internal/tools/go.sum
	@mkdir -p $(bin)
	go -C internal/tools build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
