# The menu. `make` alone prints it. Every target installs what it needs (tools/setup.sh) and can be run again.
#
#   RAIL=sandbox    demo and run without a chain: Debian packages alone
#   JOBS=4          parallel jobs; default: one for each core
#   ARGS="..."      playground: options, such as ARGS="--window 20 --crawlers 5"; ARGS=--help lists them
#   QUICK=1         bench: no large ledgers and shorter runs, under two minutes
#   PREFIX=/usr     install: where to

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
RAIL ?= all
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
PROFILE := $(if $(filter sandbox,$(RAIL)),base,chain)
# $(call build,PRESET,TARGETS)
build = cmake --preset $(1) --log-level=WARNING && cmake --build --preset $(1) -j $(JOBS) $(if $(2),--target $(2))

.PHONY: help setup build demo run playground test bench lint fmt asan tsan fuzz coverage install deb clean

help: ## This menu
	@echo "tabd: a tab for machines. make TARGET, one of:"
	@echo
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile
	@echo
	@sed -n '3,7s/^#  /  /p' Makefile

setup: ## Install all that is missing for demo and tests (Debian, npm and Python packages)
	@tools/setup.sh full

build: ## Compile the release build into build/release
	@tools/setup.sh base
	@$(call build,release)

demo: ## Agents, servers, a chain: signed promises become paid bills, in about a minute
	@tools/setup.sh $(PROFILE)
	@$(call build,release)
	@build/release/playground/tabd-demo --rail $(RAIL)

run: ## The same, and keep it running to explore with tabctl
	@tools/setup.sh $(PROFILE)
	@$(call build,release)
	@build/release/playground/tabd-demo --rail $(RAIL) --keep

playground: ## A faucet, a paid API, an MCP server and crawlers on a local chain, to play with until Ctrl-C
	@tools/setup.sh playground
	@$(call build,release,tabd tabctl)
	@node playground/agents/main.mjs $(ARGS)

test: ## Build and run all tests
	@tools/setup.sh full
	@$(call build,release)
	@ctest --preset release -j $(JOBS)

bench: ## Measure; one line a figure, and build/bench.json (QUICK=1: shorter, no large ledgers)
	@tools/setup.sh bench
	@$(call build,release)
	@build/release/bench/tabd-bench --tabd build/release/daemon/tabd --json build/bench.json $(if $(QUICK),--quick)

lint: ## Layers, rules, format, clang-tidy (FILES="a.cpp b.cpp" to choose)
	@tools/setup.sh lint
	@python3 tests/lint/check.py .
	@tests/lint/format.sh
	@$(call build,release,tabd_rpc_schema)
	@tools/tidy.sh build/release $(FILES)

fmt: ## Format all sources
	@tools/setup.sh base
	@tests/lint/format.sh --fix

asan: ## All tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup.sh full
	@$(call build,asan)
	@ctest --preset asan -j $(JOBS)

tsan: ## All tests under ThreadSanitizer
	@tools/setup.sh full
	@$(call build,tsan)
	@ctest --preset tsan -j $(JOBS)

fuzz: ## Fuzz every parser, a minute each (FUZZ_SECONDS=60)
	@tools/setup.sh fuzz
	@$(call build,fuzz,fuzz)

coverage: ## Line and branch coverage of the tests
	@tools/setup.sh full coverage
	@$(call build,coverage)
	@ctest --preset coverage -j $(JOBS) && failed=0 || failed=$$?; \
	gcovr --root . --object-directory build/coverage --exclude 'tests/.*' --exclude 'build/.*' --print-summary \
	  --html-details build/coverage/index.html --sort-uncovered; \
	exit $$failed

install: ## Install binaries, configuration, unit and documents below PREFIX
	@tools/setup.sh base
	@$(call build,release)
	@cmake --install build/release --prefix $(PREFIX)

deb: ## Make the Debian package in build/
	@tools/setup.sh base
	@$(call build,release)
	@cd build/release && cpack -G DEB --config CPackConfig.cmake -B "$(CURDIR)/build" | tail -n 1

clean: ## Remove build/
	rm -rf build
