# The whole project with Python 3.11 or newer and make. `make help` lists the targets.
#
# The environment in .venv is set up once from tools/requirements/dev.txt, whose every file is named by its hash.
# Another interpreter: make test PYTHON=/path/to/python3.12     Another place: make test VENV=/tmp/env

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
LATER := slow or simulation or browser or packaging
KILLS ?= 200
DEMO ?= audit7k-demo

# Tests start many programs: each would be compiled anew.
unexport PYTHONDONTWRITEBYTECODE

# The first interpreter that is new enough and can make a virtual environment with pip in it.
FITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	if "$$p" -c '$(FITS)' >/dev/null 2>&1; then command -v "$$p"; exit; fi; done)

PACKAGES := audit reports audit7k audit7k_pytest
SCRIPTS := tools $(if $(wildcard examples/*/*.py),examples)
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed


.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  make %-12s %s\n' "$$target" "$$text"; done

.PHONY: python
python: # Prints the interpreter in use, for scripts
	@if [ -z "$(PYTHON)" ]; then \
		echo 'No Python 3.11 or newer with venv and ensurepip found; name one: make PYTHON=/path/to/python3' >&2; exit 1; fi
	@echo "$(PYTHON)"

$(LOCKED): tools/requirements/dev.txt
	@$(MAKE) python >/dev/null
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo 'Installing the locked packages into $(VENV) (once; a few minutes)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r tools/requirements/dev.txt
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup
setup: $(INSTALLED) ## Set up .venv from the lock file (the other targets do it themselves)

.PHONY: demo
demo: $(INSTALLED) ## A first audit, on made-up cases, in a folder audit7k-demo
	@$(BIN)/audit7k demo --out $(DEMO)

.PHONY: test
test: $(INSTALLED) ## Lint, types, import contracts, and the tests that catch what people break; one builds the documentation
	@$(MAKE) -j3 lint types quick

.PHONY: all
all: test ## `make test`, then `make rest`: everything that must hold
	@$(MAKE) rest

.PHONY: quick
quick: $(INSTALLED) ## The tests of `make test`
	$(PYTEST) -m "not ($(LATER))"

# Many of these tests wait, for a browser, a service or a child: a third worker works meanwhile.
.PHONY: rest
rest: WORKERS = 3
rest: $(INSTALLED) ## The tests that `make test` leaves out: browser, packages, simulations, fuzz
	$(PYTEST) -m "$(LATER)"

.PHONY: lint
lint: $(INSTALLED) ## ruff (rules and format), the import contracts, and the keys of sentences
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tools.sentence_keys

.PHONY: types
types: $(INSTALLED) ## mypy, strict, on code and tests
	$(BIN)/mypy $(PACKAGES) tests $(SCRIPTS)

.PHONY: docs
docs: $(INSTALLED) ## Build the documentation into site/; a warning is an error
	$(BIN)/mkdocs build --strict --site-dir site

.PHONY: pictures
pictures: $(INSTALLED) ## Draw the screenshots of the documentation anew, in Chromium
	$(BIN)/python -m tools.screenshots

.PHONY: reference
reference: $(INSTALLED) ## Write docs/reference/ anew from the code
	$(BIN)/python -m tools.document

.PHONY: unit
unit: $(INSTALLED) ## Every test, or a part: ARGS="tests/stats -k wilson"
	$(PYTEST) $(ARGS)

.PHONY: catalogs
catalogs: $(INSTALLED) ## Bring the catalogs of the report's languages in step with its texts
	$(BIN)/python -m tools.catalogs $(or $(ARGS),update)

.PHONY: format
format: $(INSTALLED) ## Let ruff put the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(INSTALLED) ## Measure speed and memory against other libraries (minutes)
	$(BIN)/python -m tools.bench

.PHONY: planted
planted: $(INSTALLED) ## Measure what audits of synthetic worlds find, beside other tools (half an hour)
	$(BIN)/python -m tools.bench.planted

SPARK := $(VENV)/spark

$(SPARK)/.locked: tools/requirements/spark.txt $(INSTALLED)
	@java -version 2>/dev/null || { echo 'Spark needs Java 17 or newer: on Debian, openjdk-17-jre-headless or a newer one' >&2; exit 1; }
	@test -x $(SPARK)/bin/python || "$(PYTHON)" -m venv $(SPARK)
	@$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tools/requirements/spark.txt
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		>"$$($(SPARK)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/locked.pth"
	@touch $@

.PHONY: spark
spark: $(SPARK)/.locked ## The tests that need Apache Spark, Delta and Iceberg, in an environment of their own (Java 17)
	JDK_JAVA_OPTIONS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' PYTHONPATH=$(CURDIR) \
		$(SPARK)/bin/python -m pytest -W default tests/engines tests/evaluation/test_lake_tables.py

.PHONY: simulate
simulate: $(INSTALLED) ## Measure how often verdicts are wrong, by simulation (minutes)
	$(BIN)/python -m tools.simulate $(ARGS)

.PHONY: attack
attack: $(INSTALLED) ## Attack releases, bundles and what keeps a model in; print what was promised and measured (an hour)
	$(BIN)/python -m tools.simulate --attacks $(ARGS)

.PHONY: attack-short
attack-short: $(INSTALLED) ## `make attack` on one world of each kind, chosen by a seed (minutes)
	$(BIN)/python -m tools.simulate --attacks --runs 20 --worlds 1 $(ARGS)

.PHONY: soak
soak: $(INSTALLED) ## Kill a run 200 times, and see that it comes to the same bytes (KILLS=n; ten minutes)
	AUDIT7K_KILLS=$(KILLS) $(BIN)/pytest -n 0 tests/runs/test_resume.py tests/evidence/test_killed_attempts.py

.PHONY: build
build: $(INSTALLED) ## Build the wheel and the source distribution into dist/
	@rm -rf dist
	$(BIN)/python -m build --no-isolation

.PHONY: wheelhouse
wheelhouse: $(INSTALLED) ## A folder that installs without network (ARGS="--system windows --python 3.12")
	$(BIN)/python -m tools.wheelhouse $(ARGS)

.PHONY: lock
lock: $(INSTALLED) ## Resolve the requirements anew (needs `uv`; see CONTRIBUTING.md)
	$(BIN)/python -m tools.lock $(ARGS)

.PHONY: clean
clean: ## Remove what the targets above have made
	rm -rf $(VENV) dist build site wheelhouse $(DEMO) audit-out bench-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
