.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup.stamp
ARGS ?=

export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: help setup

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

setup: $(STAMP) ## make .venv and fetch what the local stack needs

$(STAMP): uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@test -x $(VENV)/tools/bin/uv || { $(PYTHON) -m venv $(VENV)/tools && $(VENV)/tools/bin/pip install -q uv==$(UV_VERSION); }
	$(VENV)/tools/bin/uv sync --frozen --quiet --python $(BIN)/python
	@touch $@
