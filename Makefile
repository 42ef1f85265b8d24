# Two commands on a fresh machine with git, make and Python 3.11: `make demo` and `make test`.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts unit examples reference catalog tools bench clean e2e verification oracle cluster cluster-down shared

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `make tools` builds; where it was not run, tests that need one of them are skipped and say so.
PROGRAMS := $(CURDIR)/.tools/cluster/bin

help: ## Show this help
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## Install into .venv and make a checked repository, demo/my-service
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check .
	rm -rf demo/my-service
	$(BIN)/scaffold new my-service demo/my-service --defaults

$(VENV)/dev: pyproject.toml hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	touch $@

test: lint types contracts unit ## Lint, types, import contracts and all tests

lint: $(VENV)/dev
	$(BIN)/ruff check src tests tools hatch_build.py
	$(BIN)/ruff format --check src tests tools hatch_build.py

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev
	$(BIN)/lint-imports

unit: $(VENV)/dev
	PATH="$(PROGRAMS):$$PATH" $(BIN)/python -m pytest

examples: $(VENV)/dev ## Render the examples again
	$(BIN)/python tools/examples.py

reference: $(VENV)/dev ## Generate docs/questions.md and docs/rules.md
	$(BIN)/python tools/reference.py

catalog: $(VENV)/dev ## Generate the schema catalog from ../shared
	$(BIN)/python tools/catalog.py --openapi ../shared/openapi --crds ../shared/crds

tools: ## Build what tests run and compare with: Kubernetes, Argo CD, helm, kyverno … (once 25 minutes; needs no Go)
	@$(PYTHON) tools/cluster/build.py

bench: $(VENV)/dev ## Compare with the raw tools: ratios of one run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	PATH="$(PROGRAMS):$$PATH" $(BIN)/python tools/bench.py

clean: ## Remove what was made, the tools aside
	rm -rf $(VENV) demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

shared:
	@test -d ../shared/crds || { echo "custom resource definitions are needed in ../shared/crds, beside this checkout" >&2; exit 1; }

e2e: shared $(VENV)/dev tools ## Test on a real control plane with a real Argo CD (20 minutes after `make tools`)
	@$(BIN)/python tools/e2e.py

verification: $(VENV)/dev ## Write the tables of docs/verification.md from the last run of `make e2e`
	$(BIN)/python tools/verification.py .tools/e2e-argo.xml .tools/e2e-plane.xml

oracle: shared $(VENV)/dev tools ## What the API server refuses and `scaffold check` finds: the table of many mutants
	$(BIN)/python -m tests.cluster.oracle

cluster: shared $(VENV)/dev tools ## Leave a control plane with Argo CD and the example running
	@$(BIN)/python -m tests.cluster.up

cluster-down: $(VENV)/dev ## End it
	@$(BIN)/python -m tests.cluster.up down
