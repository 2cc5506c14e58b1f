# Conclave on a machine with Python 3.11 or newer, gcc and make. `make help` lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := -c requirements.lock
NATIVE := setup.py $(wildcard server/conclave/plane/*.pyx server/conclave/plane/*.pxd server/conclave/plane/*.pxi \
  server/conclave/plane/*.h)
PROJECT := pyproject.toml requirements.lock setup.py
PROCESSES ?= 2
PYTEST := $(BIN)/pytest -q -rs
FUZZ_SECONDS ?= 600
RUN_ARGUMENTS ?=
BENCH_PORT ?= 8444

.PHONY: help run test check lint bench fuzz recording-proof asan clean lock
.DELETE_ON_ERROR:

help:
	@echo "make run     install what is needed, make a development certificate, serve https://localhost:8443"
	@echo "make test    all tests; installs browsers and other Debian packages when run as root"
	@echo "make check   style, types and floors, then make test"
	@echo "make bench   the packet plane beside a null SFU, then meetings against a server of its own"
	@echo "make fuzz    parsers for $(FUZZ_SECONDS) seconds (FUZZ_SECONDS=60 for less)"
	@echo "make recording-proof  recordings of real browsers, a minute long"
	@echo "make asan    the tests of the packet plane under AddressSanitizer"
	@echo "make clean   remove everything that make made"

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is older than Python 3.11; name another with make PYTHON=python3.12"; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
	  else echo "make: Python's venv module is missing; install it with: sudo apt-get install python3-venv"; exit 1; fi; fi
	@if ! $(PYTHON) -c 'import os, sys, sysconfig; \
	  sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-dev >/dev/null; \
	  else echo "make: Python.h is missing; install it with: sudo apt-get install python3-dev"; exit 1; fi; fi
	@command -v $${CC:-gcc} >/dev/null || { echo "make: a C compiler is missing; install it with: sudo apt-get install gcc"; exit 1; }
	@mkdir -p $(STAMPS)
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(STAMPS)/tools: $(STAMPS)/venv requirements.lock
	$(PIP) install $(LOCKED) setuptools cython
	@touch $@

$(STAMPS)/native: $(STAMPS)/tools $(PROJECT) $(NATIVE)
	$(PIP) install --no-build-isolation $(LOCKED) -e .
	@touch $@

$(STAMPS)/developer: $(STAMPS)/tools $(PROJECT)
	@$(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	  print(*extras["test"], *extras["lint"], sep="\n")' > $(STAMPS)/developer.txt
	$(PIP) install $(LOCKED) -r $(STAMPS)/developer.txt
	@touch $@

$(STAMPS)/browser: $(wildcard tests/browser/package-lock.json) | $(STAMPS)/venv
	@.ci/prepare
	@if [ -f tests/browser/package-lock.json ] && command -v npm >/dev/null; then \
	  cd tests/browser && npm ci --no-audit --no-fund --silent --ignore-scripts || \
	    echo "make: npm ci failed; tests that need it will be skipped"; fi
	@touch $@

run: $(STAMPS)/native
	@$(BIN)/python certs/make.py
	@exec $(BIN)/conclave serve --dev $(RUN_ARGUMENTS)

test: $(STAMPS)/native $(STAMPS)/developer $(STAMPS)/browser
	$(PYTEST) -n $(PROCESSES) -m "not browser and not netns"
	$(PYTEST) -n 0 -m "browser or netns"

check: lint test

lint: $(STAMPS)/native $(STAMPS)/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint $(wildcard server/conclave/plane/*.pyx server/conclave/plane/*.pxd server/conclave/plane/*.pxi)

bench: $(STAMPS)/native $(STAMPS)/developer
	@$(BIN)/python certs/make.py
	$(BIN)/python -m bench.plane
	@mkdir -p artifacts
	@export CONCLAVE_LISTEN__PORT=$(BENCH_PORT) CONCLAVE_MEDIA__FIRST_PORT=0; \
	$(BIN)/conclave serve --dev > artifacts/bench-server.log 2>&1 & server=$$!; trap 'kill $$server' EXIT; \
	while ! grep -q listens artifacts/bench-server.log; do kill -0 $$server || exit 1; sleep 0.2; done; \
	$(BIN)/python -m bench webinar https://localhost:$(BENCH_PORT) --subscribers 100 && \
	$(BIN)/python -m bench meeting https://localhost:$(BENCH_PORT) --participants 10 && \
	$(BIN)/python -m bench join https://localhost:$(BENCH_PORT) --joins 200 --rate 20

fuzz: $(STAMPS)/native $(STAMPS)/developer
	CONCLAVE_FUZZ_SECONDS=$(FUZZ_SECONDS) $(PYTEST) -n 0 --timeout 0 tests/fuzz

recording-proof: $(STAMPS)/native $(STAMPS)/developer $(STAMPS)/browser
	CONCLAVE_RECORDING_SECONDS=60 $(PYTEST) -n 0 -s tests/browser/test_recording.py

asan: $(STAMPS)/native $(STAMPS)/developer
	@PYTHON=$(BIN)/python tests/asan.sh

lock: $(STAMPS)/developer
	$(PIP) freeze --exclude-editable --all | grep -v '^pip=' > requirements.lock

clean:
	rm -rf $(VENV) $(STAMPS) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf tests/browser/node_modules artifacts server/*.egg-info
	find server tests bench certs -name __pycache__ -prune -exec rm -rf {} +
	rm -f server/conclave/plane/*.so server/conclave/plane/*.c
