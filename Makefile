# One-word doors. Every one of them works in a fresh clone: what it needs, it sets up first (`make help` lists them).
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fix types bench crash stack kafka-jars s3-server lock clean java
.DELETE_ON_ERROR:

# The first Python that is new enough; `make PYTHON=/path/to/python3 …` chooses another.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p $(NEW_ENOUGH) >/dev/null 2>&1 && { echo $$p; break; }; done)

# Compiled modules are kept, whatever the environment says: every command starts several times quicker.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
LIGHT := $(VENV)/.light
FULL := $(VENV)/.full
JARS := var/kafka/downloaded
S3 := var/s3/bin/versitygw
# Go builds the S3 server; where it is missing, the tests that need the server say that they are left out.
GO := $(shell command -v go)
# The rights review is looked at in a real browser; where there is none, `make test` says so and leaves that out.
CHROMIUM := $(shell command -v chromium chromium-browser google-chrome 2>/dev/null | head -1)
WORKERS ?= 2
KAFKA ?= 1

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(FULL) ## .venv with everything: gatekeeper, Kafka, S3, Great Expectations, Airflow and the tools

demo: $(if $(wildcard $(FULL)),$(FULL),$(LIGHT)) ## the main job from nothing, in seconds (CATALOG=file.csv.gz: on a real catalogue)
	@$(BIN)/gatekeeper demo $(DIR) $(if $(CATALOG),--catalog "$(CATALOG)") $(if $(MAPPING),--mapping "$(MAPPING)")

test: $(if $(filter 0,$(KAFKA)),,java) $(FULL) $(if $(filter 0,$(KAFKA)),,$(JARS)) $(if $(GO),$(S3)) lint types ## lint, types and every test, real Kafka included (KAFKA=0 leaves its tests out, and says so)
	@$(if $(filter 0,$(KAFKA)),echo 'KAFKA=0: the tests on a real broker are left out';) \
	$(if $(CHROMIUM),,echo 'no Chromium: what a browser shows is not tested (Debian, Ubuntu: apt-get install chromium)';) \
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m 'not bench$(if $(filter 0,$(KAFKA)), and not kafka)' $(ARGS)

lint: $(FULL) ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo 'not formatted: run `make fix`'; exit 1; }

fix: $(FULL) ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(FULL) ## mypy: strict on the core, ordinary elsewhere
	@$(BIN)/mypy

bench: java $(FULL) $(JARS) ## the benchmarks of design section 9, both sides in one run (PEERS=1: other engines too)
	@PEERS="$(PEERS)" $(BIN)/python -m tests.bench $(ARGS)

crash: java $(FULL) $(JARS) ## the long crash and race tests: two hundred kills, thousands of tries, long random histories
	@GATEKEEPER_CRASH_FULL=1 $(BIN)/python -m pytest -q tests/crash tests/stages/test_histories.py $(ARGS)

kafka-jars: java $(JARS) ## the real broker that the tests start, fetched once into var/kafka/lib

stack: java $(FULL) $(JARS) $(S3) ## the real thing on this machine: Kafka, S3 and Airflow on a workspace; Ctrl-C stops everything (ARGS=--help)
	@exec $(BIN)/python -m deploy.stack $(ARGS)

s3-server: $(S3) ## the S3 server that the tests start, built once into var/s3/bin (needs Go)

lock: $(FULL) ## write both lock files anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/uv $(COMPILE) pyproject.toml --extra all -o requirements.lock $(ARGS)
	@printf 'hatchling\neditables\nuv\n' | $(BIN)/uv $(COMPILE) pyproject.toml - -c requirements.lock -o requirements-light.lock $(ARGS)

clean: ## remove what tools and runs leave behind; .venv and the broker's jars stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis var/tmp
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

# Installing: uv, itself pinned in the lock, because it is ten times quicker; pip where uv cannot reach the packages.
INSTALL = install() { $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python "$$@" || $(BIN)/python -m pip install --quiet "$$@"; }; install

$(BIN)/uv: requirements-light.lock
	@test -n "$(PYTHON)" || { echo 'gatekeeper needs Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13)'; exit 1; }
	@echo 'setting up .venv'
	@$(PYTHON) -m venv $(VENV) || { echo 'Debian, Ubuntu: apt-get install python3-venv'; exit 1; }
	@awk '/^[^ ]/ {uv = /^uv==/} uv' requirements-light.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@touch $@

$(LIGHT): $(BIN)/uv requirements-light.lock pyproject.toml
	@$(INSTALL) --require-hashes -r requirements-light.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(FULL): $(LIGHT) requirements.lock
	@echo 'installing everything (about 180 packages, 1.3 GB)'
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

java:
	@java -version 2>&1 | awk -F '[".]' '/version/ {found = 1; old = $$2 < 17} END {exit !found || old}' || { \
	echo 'The tests run a real Kafka broker, which needs Java 17 or newer:'; \
	echo '  Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven     macOS: brew install openjdk@17 maven'; \
	echo 'Without it: make test KAFKA=0 (everything but the tests on the broker)'; exit 1; }
	@test -f $(JARS) || mvn -version >/dev/null 2>&1 || { \
	echo 'The broker is fetched with Maven:'; \
	echo '  Debian, Ubuntu: apt-get install maven     macOS: brew install maven'; \
	echo 'Without it: make test KAFKA=0 (everything but the tests on the broker)'; exit 1; }

$(JARS): deploy/kafka/pom.xml
	@echo 'fetching the Kafka broker'
	@mkdir -p var/kafka/lib
	@mvn --quiet --batch-mode -f deploy/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/var/kafka/lib"
	@cp $< $@

$(S3): deploy/stack/fetch_s3.sh
	@echo 'building the S3 server for the tests (a minute, once)'
	@sh $<
	@touch $@
