# What can be done here: `make` alone says it.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

BIN := .venv/bin
READY := .venv/.ready
UNDER_FAULTS := tests/chaos/test_chaos.py tests/chaos/test_faults.py tests/component/cluster

.PHONY: help run cluster test bench chaos test-rabbitmq4 lint format types clean lock setup test-faults

help: ## Say what can be done
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(READY) ## Start everything on this machine, play the life of a meeting, stay up until Ctrl-C
	@$(BIN)/chapterhouse run

cluster: $(READY) ## The same with three broker nodes, PostgreSQL and two processes of every service, in var/cluster
	@CHAPTERHOUSE_FOLDER=$${CHAPTERHOUSE_FOLDER:-var/cluster} $(BIN)/chapterhouse run --nodes 3 --processes 2 --database postgresql

test: $(READY) ## Lint, types, import rules, three minutes of faults and the whole suite, on a real broker and both databases
	@$(MAKE) --no-print-directory lint types test-faults
	CHAPTERHOUSE_EXPECT_VARIANTS=sqlite,postgresql $(BIN)/python -m pytest --numprocesses 2 --dist loadfile \
		$(addprefix --ignore=,$(UNDER_FAULTS))

test-faults: $(READY) ## The part of it that wants the machine for itself: a run of faults, some by themselves, a cluster that loses nodes
	@$(BIN)/python -m tests.support.prepare
	$(BIN)/python -m pytest $(UNDER_FAULTS)

chaos: $(READY) ## Hurt a whole network in every way we know while people use it, and audit it (MINUTES= SEED= DATABASE= NODES=)
	$(BIN)/python -m tests.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(DATABASE),--database $(DATABASE)) $(if $(NODES),--nodes $(NODES))

test-rabbitmq4: $(READY) ## The event core and the cluster on RabbitMQ 4, which is fetched from Debian 13 into var/rabbitmq4
	@$(BIN)/python -m tests.support.rabbitmq4 var/rabbitmq4
	CHAPTERHOUSE_TEST_RABBITMQ=var/rabbitmq4/sbin $(BIN)/python -m pytest \
		tests/component/core tests/component/cluster tests/component/local/test_broker.py \
		tests/component/deploy/test_secured_broker.py

bench: $(READY) .venv-bench/.ready ## Measure, beside limits and rivals, as a table; some minutes, on an idle machine (SIZE=0.1: a quick look)
	@$(BIN)/python -m tests.bench --size $(or $(SIZE),1)
	@$(BIN)/python -m tests.bench.events

.venv-bench/.ready: requirements-bench.lock
	@echo "making .venv-bench for the rivals, from requirements-bench.lock"
	@$(BIN)/python -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

lint: $(READY) ## Look for mistakes, unformatted files and forbidden imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(READY) ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## Check the types
	$(BIN)/mypy

clean: ## Remove the environment and all caches; the data of `make run` stay in var/
	rm -rf .venv .venv-bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

lock: $(READY) ## Choose the newest versions that pyproject.toml allows, and write them down with their hashes
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra bench --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --constraint requirements.lock --upgrade --output-file requirements-bench.lock
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-header --no-emit-index-url --constraint requirements.lock --output-file deploy/requirements.lock

setup: $(READY) ## Make the environment alone

$(READY): requirements.lock pyproject.toml deploy/bootstrap
	@sh deploy/bootstrap
	@touch $@
