# The two commands: `make run` and `make test`. Everything else serves them.

SHELL := /bin/bash
CARGO ?= cargo
DATA ?= ./tidegate-data
# Tests of one suite that run at once: most of them wait for servers more than they compute.
TEST_THREADS ?= 4
# How long `make fuzz` takes for each target, and which ones (all, unless some are named).
FUZZ_SECONDS ?= 600
TARGETS ?=

.PHONY: help run demo pictures test test-fast faults check check-deploy fuzz fuzz-short fmt openapi bench stack-up stack-down stack-status stack-fetch stack-wipe

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: ## Build and start the whole pipeline, embedded, in ./tidegate-data
	@echo "Building Tidegate (the first build compiles SQLite, librdkafka, jemalloc and about 300 crates: up to ten minutes)"
	$(CARGO) build --release --locked -p tidegate
	./target/release/tidegate dev --data $(DATA)

demo: ## Fill the service that `make run` started in another shell with a week of traffic
	@$(if $(wildcard target/release/tidegate),,echo "Building Tidegate"; $(CARGO) build --release --locked -p tidegate)
	./target/release/tidegate demo --data $(DATA)

pictures: ## Make docs/pictures from a running dashboard (needs Chromium, or CHROME=its path)
	$(CARGO) build --locked -p tidegate
	deploy/pictures.sh

test: ## Every test, on a real Kafka, Cassandra and Redis (started and stopped again unless they run already), and in a browser
	@deploy/stack/stack.sh browser
	RUST_TEST_THREADS=$(TEST_THREADS) deploy/stack/with-stack.sh $(CARGO) test --workspace --locked --no-fail-fast

# Suites that need no server, but for those that tests/README.md says are left out for their time. Their names are one
# of a kind, so that they can be picked out of the whole workspace: picking crates would build everything anew with
# other features.
FAST := admission agentgate operators decider agentgate_coverage agentgate_described agentgate_front_door agentgate_pipeline \
	agentping agentping_inproc pulse checking checks consumer exec following http inproc judge kernel limits messages \
	outbound pages persister sending settings spend sqlite read_api worker contract openapi tidy

test-fast: ## The tests that need no server: under two minutes once built
	RUST_TEST_THREADS=$(TEST_THREADS) $(CARGO) test --workspace --locked --no-fail-fast --lib $(FAST:%=--test %)

faults: ## Inject every known fault under load, and check that nothing is lost (ARGS="--help" prints the options)
	$(CARGO) build --locked -p tidegate-tests --bins
	deploy/stack/with-stack.sh $(CARGO) run --quiet --locked -p tidegate-tests --bin faults -- $(ARGS)

check: ## Format, lints as errors, the coding rules, the dependencies
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --locked --test tidy
	@deploy/check/deny.sh

check-deploy: ## The chart, the alerts and the dashboard (builds helm the first time: a few minutes)
	@deploy/check/run.sh

fuzz: ## Fuzz each target for ten minutes, or for FUZZ_SECONDS; only TARGETS, if given (see docs/security.md)
	@fuzz/run.sh $(FUZZ_SECONDS) $(TARGETS)

fuzz-short: ## Fuzz each target for ten seconds
	@fuzz/run.sh 10

fmt: ## Format everything
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

openapi: ## Write docs/openapi/*.json from the code
	$(CARGO) run --locked -p tidegate-tests --bin write-openapi

bench: ## Measure this machine: bare axum and Tidegate in turns (see docs/performance.md)
	./tests/load/bench.sh

stack-up: ## Start a real Kafka, Cassandra and Redis on loopback, or find them running (see deploy/stack/README.md)
	@deploy/stack/stack.sh up
	@deploy/stack/stack.sh status

stack-status: ## Which servers of the real stack run, where, and whether they answer
	@deploy/stack/stack.sh status

stack-down: ## Stop the real stack; its data stays until `make stack-wipe`
	@deploy/stack/stack.sh down

stack-fetch: ## Download the real stack's programs and the tests' browser, start nothing
	@deploy/stack/stack.sh fetch

stack-wipe: ## Stop the real stack and remove its data
	@deploy/stack/stack.sh wipe
