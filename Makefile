# A fresh machine needs Python >= 3.11, make and the package registries; everything else is set up here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One stamp for each set of extras in pyproject.toml, so that a target installs what it needs and no more.
STAMPS := $(VENV)/.stamps

PORT ?= 1880
DIR ?= .node-red

.PHONY: help setup run demo test test-fast check bench fuzz attack generate screenshots browser postgresql dist clean

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "ocppflow needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

# $(STAMPS)/dev, for one, says that the extra "dev" is installed.
$(STAMPS)/%: pyproject.toml | $(STAMPS)/venv
	@echo "setting up $(VENV) with what $* needs (once, up to a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$*]'
	@touch $@

setup: $(STAMPS)/dev  ## make .venv with everything needed

run: $(STAMPS)/node-red  ## Node-RED with a demo flow on http://127.0.0.1:1880 (PORT=... for another; DIR=... for a second one)
	@$(BIN)/python tools/run_node_red.py --port $(PORT) --home $(DIR)

demo: $(STAMPS)/fast  ## a CSMS and three stations in conversation, in the terminal
	@$(BIN)/ocppflow demo

# The first half is what a busy machine does not disturb, so both cores take part; the second has the machine to itself.
test: setup browser postgresql  ## all tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests/unit tests/wire tests/flows tests/conformance
	@$(BIN)/python -m pytest tests/attack tests/fuzz tests/interop tests/node_red

test-fast: setup ## the tests that need no npm, no browser and little time: under a minute on two cores
	@$(BIN)/python -m pytest -q -n 2 -m 'not slow' tests/unit tests/wire tests/flows

check: setup     ## ruff, mypy, import-linter, generated code up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --python-version 3.12
	@$(BIN)/lint-imports
	@$(BIN)/python tools/generate_messages.py --check
	@$(BIN)/python tools/generate_editor_schemas.py --check
	@$(BIN)/python tools/generate_flows.py --check
	@$(BIN)/python tools/generate_action_table.py --check
	@$(BIN)/python tools/generate_limits_table.py --check
	@$(BIN)/python tools/pin_engine.py --check

generate: setup  ## write the message modules anew from the schemas, the example flows, and the tables of actions and limits
	@$(BIN)/python tools/generate_messages.py
	@$(BIN)/python tools/generate_editor_schemas.py
	@$(BIN)/python tools/generate_flows.py
	@$(BIN)/python tools/generate_action_table.py
	@$(BIN)/python tools/generate_limits_table.py

screenshots: setup browser ## draw the pictures of the README anew
	@$(BIN)/python tools/screenshots.py
	@$(BIN)/python tools/editor_screenshots.py

browser:         ## install Chromium for the tests of Node-RED's editor, if it is missing (Debian)
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium)

postgresql:      ## install PostgreSQL for the tests of the store, which start one of their own, if it is missing (Debian)
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql)

bench: setup     ## benchmarks against peers, as ratios from one run
	@$(BIN)/python -m benchmarks

fuzz: setup      ## hostile input against a running CSMS, bounded by FUZZ_SECONDS (60)
	@$(BIN)/python -m tests.fuzz

attack: setup    ## attacks on a CSMS, a station and Node-RED that others use meanwhile (ATTACK=pings,calls picks some; ATTACK_SECONDS=5 each)
	@$(BIN)/python -m tests.attack

node-red-package: $(STAMPS)/node-red  ## build dist/*.tgz, what Node-RED's palette manager installs
	@$(BIN)/python tools/node_red_package.py

dist: setup      ## build wheel, source distribution and npm tarball into dist/, and check that they install and run
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@$(MAKE) --no-print-directory node-red-package
	@$(BIN)/python tools/check_dist.py

clean:           ## remove what setup and runs made
	rm -rf $(VENV) .node-red build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis
