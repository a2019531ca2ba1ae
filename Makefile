# Everything happens in .venv, made from requirements.lock. Nothing but Python (3.11 or later) and make is needed.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
BUILD := $(BIN)/jupyter-book build . -W -n --keep-going
COVERAGE := --cov=hesslib --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95
PORT := 8000
PEERS := .venv-peers
OLDEST := .venv-oldest
# The newest Python that everything pinned supports; make everywhere uses it where it is installed, also by pyenv.
NEWEST := python3.13
NEWER := $(firstword $(shell command -v $(NEWEST) 2>/dev/null | grep -v shims) $(wildcard $(HOME)/.pyenv/versions/$(NEWEST:python%=%)*/bin/$(NEWEST)))
ELSEWHERE := $(OLDEST)/ready $(if $(NEWER),.venv-$(NEWEST:python%=%)/ready)

# What pytest, or tools/everywhere.py, is given besides: make test ARGS="-k backprop"
ARGS :=
# make chapter NAME=inverse
NAME :=
# make where EQ=12.7
EQ :=

.DEFAULT_GOAL := help
.PHONY: help book pdf chapter where test everywhere lab serve lint format compare bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY) ## execute the chapters and build _build/html
	$(BUILD)

chapter: $(READY) ## execute one chapter again, whatever is stored: make chapter NAME=inverse
	@test -n "$(NAME)" || { echo "which one? make chapter NAME=inverse" >&2; exit 2; }
	$(BIN)/python tools/execute_chapters.py --again $(NAME)

where: $(READY) ## where an equation comes from, after make book: page, proof, tests, code (make where EQ=12.7)
	@$(BIN)/python tools/where.py $(EQ)

test: $(READY) ## every test, with the coverage of hesslib
	@# The chapters first, by themselves, so that what they time is not timed beside the tests. A chapter that fails
	@# here is not stored; its test executes it again and reports it.
	-$(BIN)/python tools/execute_chapters.py
	$(BIN)/python -m pytest $(COVERAGE) $(ARGS)

everywhere: $(READY) $(ELSEWHERE) ## chapters and tests as on other machines; hours (ARGS=--list: the settings)
	$(BIN)/python tools/everywhere.py $(ARGS)

lab: $(READY) ## the chapters as notebooks, in JupyterLab
	JUPYTER_CONFIG_PATH=$(CURDIR)/tools/jupyter $(BIN)/jupyter lab chapters

pdf: book ## the whole book as _build/book.pdf, printed by the Chromium of the system
	$(BIN)/python tools/print_book.py

serve: book ## the built book in a browser: http://localhost:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lint: $(READY) ## style, format, spelling and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compare: $(PEERS)/ready ## hesslib's exact quantities against BackPACK, curvlinops and torch.func
	$(PEERS)/bin/python benchmarks/compare.py

bench: $(PEERS)/ready ## how fast, beside its peers, on an idle machine: a quarter of an hour (ARGS=--short: a minute)
	$(PEERS)/bin/python benchmarks/run.py $(ARGS)

lock: ## resolve the newest releases that pyproject.toml allows, and pin them
	tools/lock $(PYTHONS)

clean: ## remove the built book, its cache and .venv
	rm -rf _build $(VENV) .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* hesslib.egg-info
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

$(READY): requirements.lock pyproject.toml package.json
	$(environment)
	$(BIN)/python tools/npm_packages.py
	@touch $@

$(PEERS)/ready: requirements.lock pyproject.toml benchmarks/peers.txt
	$(environment)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers.txt
	@touch $@

.venv-$(NEWEST:python%=%)/ready: PYTHONS := $(NEWER)
.venv-$(NEWEST:python%=%)/ready: requirements.lock pyproject.toml
	$(environment)
	@touch $@

# The oldest releases of hesslib's own dependencies, each the lower bound that pyproject.toml allows.
$(OLDEST)/ready: requirements.lock pyproject.toml
	$(environment)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $$($(@D)/bin/python tools/everywhere.py --oldest)
	@touch $@
