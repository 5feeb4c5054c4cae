# Everything here sets itself up: Python 3.10 or newer and make are enough.

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS)
STAMPS := $(VENV)/stamps
SETUP := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-all bench check format examples clean

help: ## what can be made
	@echo "make TARGET [PYTHON=python3.12]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

demo: $(STAMPS)/demo ## encode, decode, measure and draw the example vase, into demo/
	$(BIN)/python examples/demo.py demo

test: $(STAMPS)/dev ## run the tests (TESTS="tests/codec -k mesher" for some)
	$(BIN)/python -m pytest $(TESTS)

test-all: $(STAMPS)/dev ## the slow tests too
	$(BIN)/python -m pytest -m "not gpu" $(TESTS)

bench: $(STAMPS)/bench ## compare with other codecs on the example meshes, into build/bench.tsv (minutes)
	@mkdir -p build
	$(BIN)/sdfz bench rd --quick -o build/bench.tsv
	$(BIN)/sdfz bench bdrate build/bench.tsv --at
	$(BIN)/sdfz bench bdrate build/bench.tsv

check: $(STAMPS)/dev ## format, lint, types
	@# mypy finds the package under its own name, whatever this folder is called
	@mkdir -p build/src && ln -sfn ../.. build/src/sdfz
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

format: $(STAMPS)/dev ## put the sources in order
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

examples: $(STAMPS)/demo ## make the example meshes again from their scripts
	$(BIN)/python examples/make_bracket.py
	$(BIN)/python examples/make_relief_vase.py

clean: ## remove what was made here, the environment included
	rm -rf $(VENV) build dist demo sdfz.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "sdfz needs Python 3.10 or newer; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo: $(STAMPS)/venv $(SETUP)
	@echo "Installing sdfz into $(VENV); the first time this fetches PyTorch and takes a few minutes."
	$(INSTALL) --editable . "pillow>=10.1"
	@touch $@

$(STAMPS)/bench: $(STAMPS)/venv $(SETUP)
	$(INSTALL) --editable ".[bench]"
	@touch $@

$(STAMPS)/dev: $(STAMPS)/venv $(SETUP)
	@echo "Installing sdfz and its development tools into $(VENV); the first time this fetches PyTorch and takes a few minutes."
	$(INSTALL) --editable ".[dev]"
	@touch $@
