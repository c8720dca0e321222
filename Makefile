# `make` lists the targets. All re-use .venv and install only when pyproject.toml or constraints.txt changed.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup
BENCH_STAMP := $(VENV)/.bench
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --constraint constraints.txt
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test test-long test-gpu lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install Palaestra in it with the pinned versions

run: setup ## set up and evolve a reasoner (quickstart recipe; options go in ARGS="...")
	$(BIN)/palaestra evolve $(ARGS)

test: lint ## set up, then linters, types and every test (options for pytest go in ARGS="...")
	$(PYTEST) $(ARGS)

test-long: setup ## the tests marked long, minutes each
	$(PYTEST) -m long $(ARGS)

test-gpu: setup ## the tests marked gpu
	$(PYTEST) -m gpu $(ARGS)

lint: setup ## ruff, mypy and the one-way arrows between the rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH_STAMP) ## figures beside peer libraries (ONLY=learner picks one; options go in ARGS="...")
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

clean: ## remove caches and builds; .venv and runs/ stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o -path ./runs -prune -o -name __pycache__ -type d -exec rm -rf {} +

# torch goes first, on its own, so that a machine without a GPU gets the CPU build where one is on offer.
$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "Palaestra needs Python 3.11 or newer; no '$(PYTHON)' here: install it, or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Palaestra needs Python 3.11 or newer; $$("$(PYTHON)" -V 2>&1 | head -n 1) is older: make setup PYTHON=/path/to/a/newer/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv), then run make again" >&2; exit 1; }
	@echo "Setting up $(VENV); the first time takes a few minutes"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
	@$(PIP) torch hatchling editables
	@$(PIP) --no-build-isolation --editable '.[train,dev]'
	@touch $@

$(BENCH_STAMP): $(STAMP)
	@echo "Adding the peer libraries to $(VENV)"
	@$(PIP) --editable '.[bench]'
	@touch $@
