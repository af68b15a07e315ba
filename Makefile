# Isoko. `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Nothing is left outside this folder: not even what pip keeps for next time.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --cache-dir $(CURDIR)/$(VENV)/pip
# What tests leave lies in a folder of their own, and goes with it. Sockets want short names.
TIDY := in=$$(mktemp -dt i.XXXXXX) && chmod 711 $$in && trap "rm -rf $$in" EXIT && trap "exit 130" INT TERM && \
	TMPDIR=$$in XDG_CONFIG_HOME=$$in XDG_CACHE_HOME=$$in

.DEFAULT_GOAL := help
.PHONY: help run fresh test testscaled check bench scale chaos sweep planted phone map messages lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## / /' | awk '{n=$$1; $$1=""; printf "  make %-11s%s\n", n, $$0}'

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

# A stamp for what is installed; it is older than its lock when the lock has changed.
$(VENV)/.run: $(BIN)/python requirements/run.txt pyproject.toml
	@echo "Installing what the server needs (once, a minute or less) …" >&2
	@$(PIP) install -q --require-hashes -r requirements/run.txt
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(BIN)/python requirements/dev.txt pyproject.toml
	@echo "Installing what the tests need (once, a minute or two) …" >&2
	@$(PIP) install -q --require-hashes -r requirements/dev.txt
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

# No wheel carries a browser; the tests want a real one and are not skipped without it.
$(VENV)/.chromium: $(VENV)/.dev
	@command -v chromium >/dev/null || \
	  (echo "Installing Chromium from Debian …"; apt-get update -q && apt-get install -y -q --no-install-recommends chromium) || \
	  (echo "Chromium is missing and could not be installed: install the package chromium, then run make test again"; exit 1)
	@touch $@

run: $(VENV)/.run ## serve the demo on http://127.0.0.1:8080
	@exec $(BIN)/isoko serve

fresh: $(VENV)/.run ## begin the demo anew; stop the server first
	@$(BIN)/isoko fresh

phone: $(VENV)/.run ## a feature phone in the terminal, against a running server
	@exec $(BIN)/isoko phone

map: $(VENV)/.run ## draw every flow into docs/flows.md, every screen into docs/parity.md
	@$(BIN)/isoko map
	@$(BIN)/isoko map --parity

messages: $(VENV)/.run ## extract, update and compile the catalogues
	@$(BIN)/isoko messages

check: $(VENV)/.dev ## style, types, layers, translations, locks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/isoko messages --check
	$(BIN)/python -m tests.dependencies

test: $(VENV)/.chromium ## every test, on real Redis, PostgreSQL and Chromium
	@# Tests start our command some hundred times: it is compiled once, also where Python writes nothing.
	@$(BIN)/python -m compileall -q bot
	@$(TIDY) $(BIN)/python -m pytest -n 2 --dist loadfile

testscaled: $(VENV)/.dev ## the first call and money again: two servers on PostgreSQL and Redis
	@$(TIDY) $(BIN)/python -m pytest --stores scaled tests/engine tests/flows tests/test_payout_loop.py tests/test_collections.py tests/test_pins_by_phone.py

bench: $(VENV)/.dev ## our server beside a bare one: CPU a hop, hops a second
	@exec $(BIN)/python -m bench

scale: $(VENV)/.dev ## how many machines hold how many subscribers: the tables of docs/scale.md
	@$(BIN)/python -m bench.scale

chaos: $(VENV)/.dev ## the long fault runs: kill -9, cut lines, storms, planted bugs, given-up calls
	@$(BIN)/python -m tests.chaos
	@$(BIN)/python -m tests.storm
	@$(MAKE) -s testscaled
	@$(MAKE) -s sweep
	@$(BIN)/python -m tests.planted
	@$(BIN)/python -m tests.cancel_storm
	@$(BIN)/python -m tests.chaos_stores
	@STORM_ORDERS=1000 $(BIN)/python -m pytest -q tests/hub/test_storm.py
	@$(BIN)/python -m pytest -q -s -n0 --timeout 1800 tests/dashboard/long_in_chromium.py tests/dashboard/long_exports.py tests/dashboard/long_pictures.py

sweep: $(VENV)/.dev ## kill -9 at every commit, request and answer of every path of money, on both stores
	@$(BIN)/python -m tests.sweep

planted: $(VENV)/.dev ## plant each of some bugs on purpose: the suite must catch it
	@$(BIN)/python -m tests.planted

lock: $(VENV)/.dev ## lock the dependencies anew
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml --extra build -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml --extra build --extra dev -o requirements/dev.txt

clean: ## remove what was installed and the demo's data
	rm -rf $(VENV) var .mypy_cache .ruff_cache .import_linter_cache
