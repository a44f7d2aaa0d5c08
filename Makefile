# The commands everyone uses; CI uses the same ones through .ci/run.

CARGO ?= cargo
# Random cases per property test in `make soak`, and simulated worlds.
CASES ?= 20000
SEEDS ?= 10000
# Simulated apps that misbehave, which cost less.
BELIEFS ?= 100000
# Lives of a daemon and of one beside it, each with its own troubles.
WEATHERS ?= 10000
# How long daemons are at work while files, apps, clocks and the store change, in seconds.
SOAK ?= 1800
# How long three daemons and one are counted while nothing changes, in seconds.
QUIET ?= 600
# Most tests wait for other processes half of their time, so that twice as many as there are processors keep these busy.
THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
# The simulated apps listen on loopback ports that are free, and so do the servers of others. The latter have to be there.
# PostgreSQL is started for the tests, and ended with them.
test: tools ## Run every test
	RUST_TEST_THREADS=$(THREADS) REAL_SERVERS=required tests/real/with-postgres $(CARGO) test --locked

.PHONY: tools
# Environments of Python and Node.js below target/, PostgreSQL and a browser; nothing is done where they are there already.
tools: ## Install the servers of others that tests run against
	@tests/real/install

.PHONY: lint
lint: ## Check formatting and warnings
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

.PHONY: fmt
fmt: ## Format the sources
	$(CARGO) fmt --all

.PHONY: bench
bench: ## Run the benchmarks
	$(CARGO) bench --locked

.PHONY: soak
# Only a debug build knows the points at which the process can be killed.
soak: ## Run simulation, kills, daemons and property tests for much longer (SEEDS=10000 BELIEFS=100000 CASES=20000 SOAK=1800)
	@SOAK=1 tests/real/install
	SEEDS=$(SEEDS) $(CARGO) test --locked --release --test simulation many_seeds_lose -- --nocapture
	SEEDS=$(BELIEFS) $(CARGO) test --locked --release --test simulation beliefs_of_many -- --nocapture
	KILL_EVERY_POINT=1 $(CARGO) test --locked --test end_to_end killed -- --nocapture
	PROPTEST_CASES=$(CASES) $(CARGO) test --locked --release
	$(CARGO) build --locked --bin rosterd
	SEEDS=$(WEATHERS) $(CARGO) test --locked --release --lib weather -- --nocapture
	tests/real/with-postgres tests/real/daemons.py $${CARGO_TARGET_DIR:-target}/debug/rosterd $(QUIET)
	tests/real/with-postgres tests/real/soak.py $${CARGO_TARGET_DIR:-target}/debug/rosterd $(SOAK)

.PHONY: ci
ci: ## Run what CI runs
	.ci/run
