# Everything happens in .venv, made from requirements.lock. Nothing but Python (3.11 or later) and make is needed.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
BUILD := $(BIN)/jupyter-book build . -W -n --keep-going
COVERAGE := --cov=hesslib --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95
PORT := 8000
PEERS := .venv-peers

# What pytest is given on top of pyproject.toml: make test ARGS="-k backprop"
ARGS :=

.DEFAULT_GOAL := help
.PHONY: help book test lab serve lint format compare bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY) ## execute the chapters and build _build/html
	$(BUILD)

test: $(READY) ## every test, with the coverage of hesslib
	@# The chapters first, by themselves, so that what they time is not timed beside the tests. A chapter that fails
	@# here is not stored; its test executes it again and reports it.
	-$(BIN)/python tools/execute_chapters.py
	$(BIN)/python -m pytest $(COVERAGE) $(ARGS)

lab: $(READY) ## the chapters as notebooks, in JupyterLab
	JUPYTER_CONFIG_PATH=$(CURDIR)/tools/jupyter $(BIN)/jupyter lab chapters

serve: book ## the built book in a browser: http://localhost:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lint: $(READY) ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compare: $(PEERS)/ready ## hesslib's exact quantities against BackPACK, curvlinops and torch.func
	$(PEERS)/bin/python benchmarks/compare.py

bench: $(PEERS)/ready ## how fast, beside its peers: a quarter of an hour, best on an idle machine
	$(PEERS)/bin/python benchmarks/run.py

lock: ## resolve the newest releases that pyproject.toml allows, and pin them
	tools/lock $(PYTHONS)

clean: ## remove the built book, its cache and .venv
	rm -rf _build $(VENV) $(PEERS) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* hesslib.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Make the environment of a target's folder with the first Python that is new enough, and install what is pinned.
define environment
@set -e; for python in $(PYTHONS); do \
  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    echo "making $(@D) with $$($$python --version)"; $$python -m venv $(@D); exit; \
  fi; \
done; echo "Python 3.11 or later is needed; found none of: $(PYTHONS)" >&2; exit 1
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endef

$(READY): requirements.lock pyproject.toml
	$(environment)
	@touch $@

$(PEERS)/ready: requirements.lock pyproject.toml benchmarks/peers.txt
	$(environment)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers.txt
	@touch $@
