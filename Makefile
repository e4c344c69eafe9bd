PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.requirements.lock

.DEFAULT_GOAL := help
.PHONY: help setup run test chromium screenshots messages up down logs scale page-times rolling-restart compose-test cluster-test faults fuzz load lint format types lock audit clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## a virtual environment with every version pinned and hash-checked

$(STAMP): requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" ./.ci/setup

run: setup  ## the whole marketplace in one process: no servers, no network
	@$(BIN)/python -m cli dev

test: setup  ## every test; those on real servers need RabbitMQ and PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

chromium:  ## the browser of the browser tests: installs it where that can be done
	@./.ci/chromium

screenshots: setup  ## pictures of every screen in build/screenshots/, and the README's
	@$(BIN)/python -W ignore -m tests.website.browser.gallery

page-times: setup  ## what pages take beside their slowest API call, at a running marketplace with demo data
	@$(BIN)/python -m tests.website.page_times

messages: setup  ## brings the catalogue of translations up to date with the code
	@$(BIN)/python -m tests.support.catalogue

up:  ## the real stack in containers: http://127.0.0.1:8080, API at :8000
	@docker compose up --build --wait

down:  ## stops the containers; their data stays
	@docker compose down

logs:  ## follows the logs of all containers
	@docker compose logs --follow --tail 20

scale:  ## more processes: make scale of="orders=3 gateway=2"
	@docker compose up --no-recreate --wait $(foreach part,$(of),--scale $(part))

rolling-restart:  ## replaces every process, each once its successor is ready: of="orders gateway" for some only
	@deploy/rolling-restart.sh $(of)

compose-test: setup  ## the real stack: start, scaling, loss of its servers, recovery
	@$(BIN)/python -m pytest tests/compose --confcutdir tests/compose -m "compose and not cluster" -vs

cluster-test: setup  ## three brokers under load: each in turn is killed, frozen, cut off; about ten minutes
	@$(BIN)/python -m pytest tests/compose/test_cluster.py --confcutdir tests/compose -m cluster -vs

fuzz: setup  ## generated requests to API and site, new ones each time: FUZZ_ROUNDS=200 of each operation
	@FUZZ_ROUNDS=$${FUZZ_ROUNDS:-200} $(BIN)/python -m pytest tests/fuzz -v

FAULTS := tests/faults tests/races tests/model tests/payments/commands/test_crashes.py tests/payments/commands/test_races.py tests/payments/ledger/test_random_histories.py

faults: setup  ## injects faults into a marketplace (table: build/faults.md); 200 rounds of races
	@FAULTS_REPORT=build $(BIN)/python -m pytest $(FAULTS) -m "not compose" -vs

load: setup  ## measures throughput, latency and CPU by process on servers of its own (build/load/)
	@$(BIN)/python -m tests.load $(LOAD)

lint: setup  ## style, types and import boundaries
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo \
	  && $(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.dev.yml

format: setup  ## rewrites the code to the project's style
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

types: setup  ## writes the types that follow from the contracts: services/*/types.py, client/resources/
	@$(BIN)/python -m tests.support.type_generation

lock:  ## pins requirements.lock again after a change of dependencies
	@$(BIN)/uv pip compile --universal --generate-hashes --no-header --all-extras pyproject.toml -o requirements.lock

audit: setup  ## looks for known vulnerabilities in every pinned version; fails when one was not looked up
	@$(BIN)/python .ci/audit.py

clean:  ## removes what was built and the embedded marketplace's data
	rm -rf var build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
