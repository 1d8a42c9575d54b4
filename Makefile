.DEFAULT_GOAL := help
BIN := .venv/bin
STAMP := .venv/.setup.stamp
PACKAGES := $(wildcard app agents tables web tests bench)
ARGS ?=
SCHEDULES ?= 100000
NEED ?= 100
BENCH ?= $(or $(ARGS),--records 20000 --rounds 2)
DETECT ?= --rate 300 --seconds 20
SETTLE ?= --lines 10000,50000
STORM ?= --minutes 30
API ?= --rate 50 --seconds 20
PEAK ?= --share 0.1 --seconds 20
HOOKS ?= --rate 200 --seconds 15

.PHONY: help setup demo test domain check docs chaos bench

help: ## This list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' Makefile | while IFS='|' read -r verb text; do printf '%-16s%s\n' "$$verb" "$$text"; done

setup: $(STAMP) ## Make .venv and fetch the local Kafka and PostgreSQL; nothing to do when that is done

$(STAMP): uv.lock pyproject.toml scripts/setup.sh app/stack/kafka-jars.txt
	@sh scripts/setup.sh
	@touch $@

demo: $(STAMP) ## Everything at once, with live traffic: make demo ARGS="--seconds 60"
	@$(BIN)/python -m app demo $(ARGS)

test: $(STAMP) ## All tests but the long ones, against real Kafka and PostgreSQL
	@$(BIN)/pytest $(ARGS)

domain: $(STAMP) ## The tests of the business rules alone; they need no server
	@$(BIN)/pytest -q tests/domain $(ARGS)

check: $(STAMP) ## Lint, format, types, import rules, and whether the generated documents are current
	@$(BIN)/ruff check $(PACKAGES)
	@$(BIN)/ruff format --check $(PACKAGES)
	@$(BIN)/mypy --strict $(PACKAGES)
	@$(BIN)/lint-imports
	@$(BIN)/python -m app docs --check

docs: $(STAMP) ## Write the generated documents in docs/ anew
	@$(BIN)/python -m app docs

chaos: $(STAMP) ## Kill, pause and join under load, storm the API, then simulate: make chaos ARGS="--minutes 30"
	@$(BIN)/python -m tests.hazards.chaos $(ARGS)
	@$(BIN)/python -m tests.storm $(STORM)
	@$(BIN)/python -m tests.simulation.run --schedules $(SCHEDULES) --need $(NEED)

bench: $(STAMP) ## Throughput, time to detect, settlement files, webhooks out, the API, all at once; modest sizes
	@$(BIN)/python -m bench $(BENCH)
	@$(BIN)/python -m bench.detect $(DETECT)
	@$(BIN)/python -m bench.lines $(SETTLE)
	@$(BIN)/python -m bench.webhooks_out $(HOOKS)
	@$(BIN)/python -m bench.api $(API)
	@$(BIN)/python -m bench.peak $(PEAK)
