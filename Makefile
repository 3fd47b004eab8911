# The few verbs of this project. Each sets up what it needs in .venv; `make up` needs Python 3.11, make and PyPI.

# Tried in this order; the first that runs and is 3.11 or newer makes .venv.
PYTHONS := python3.11 python3 python3.12 python3.13 python3.14 python
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
# Of the benchmarks, as JSON.
RESULTS := var/benchmarks
# What starts scanners of its own, on each database, or needs none, is not run a second time.
ONE_DATABASE := --ignore=tests/integration --ignore=tests/project/up --ignore=tests/tools --ignore=tests/detectors \
	--ignore=tests/browser

# All tests in several processes, a part of them in one (tests/sharing.py); ARGS="-n 0" for one, "-n 4" for four.
PARALLEL := -n auto
# What failed beside other tests is run once more by itself, as CPython's own tests are: a machine busy with something
# else can be too slow for whole scanners and browsers. What fails alone too has failed.
ALONE := -n 0 --last-failed --last-failed-no-failures none

.PHONY: help up test test-slow lint format lock sbom third-party bench goals clean
.DEFAULT_GOAL := help

help:
	@echo "make up          run everything in the foreground; Ctrl-C stops it"
	@echo "make test        all but the slow tests, on SQLite and on PostgreSQL (ARGS=... for pytest)"
	@echo "make test-slow   the slow tests"
	@echo "make lint        ruff, mypy, the order of imports, dead code, migrations, API schema, Django's checks"
	@echo "make format      ruff's formatter and fixes"
	@echo "make third-party writes the list of other people's software, THIRD_PARTY.md"
	@echo "make lock        writes requirements.lock: every package with its hashes (after a change of requirements.txt)"
	@echo "make sbom        writes var/sbom.json, the list of all installed packages, as CycloneDX"
	@echo "make bench       the benchmarks, and their tables and plots in benchmarks/README.md"
	@echo "make goals       those that have a goal, and the table of the goals there"
	@echo "make clean       remove .venv, .venv-bench and caches; the data in DATA_DIR stays"

# A virtual environment whose interpreter is gone is made again.
ifeq ($(wildcard $(BIN)/python),)
.PHONY: $(VENV)/ready $(VENV)/ready-dev
endif

$(VENV)/ready: requirements.lock
	@python=; for each in $(PYTHONS); do \
	  if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "There is no Python 3.11 or newer on this machine; install one." >&2; exit 1; fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv --clear $(VENV) || { \
	  echo "$$python can't make a virtual environment; on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@echo "Installing what the scanner needs into $(VENV) (180 MB, the first time about a minute)..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.txt
	@echo "Installing what the tests and linters need into $(VENV)..."
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

up: $(VENV)/ready
	@exec $(BIN)/python -m scanner_project.up

ON_SQLITE = SCANNER_TEST_DATABASE=sqlite $(BIN)/python -m pytest -m "not slow"
ON_POSTGRESQL = SCANNER_TEST_DATABASE=postgresql $(BIN)/python -m pytest -m "not slow and not browser" $(ONE_DATABASE)

test: $(VENV)/ready-dev
	$(ON_SQLITE) $(PARALLEL) $(ARGS) || $(ON_SQLITE) $(ARGS) $(ALONE)
	$(ON_POSTGRESQL) $(PARALLEL) $(ARGS) || $(ON_POSTGRESQL) $(ARGS) $(ALONE)

test-slow: $(VENV)/ready-dev
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(VENV)/ready-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy .
	$(BIN)/lint-imports
	$(BIN)/python -m vulture
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/python manage.py check
	$(BIN)/python -m scanner_project.lock

format: $(VENV)/ready-dev
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

# For every Python from 3.11 on and every system, so that `make up` is the same everywhere.
lock: $(VENV)/ready-dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements.txt --output-file requirements.lock

# What is really installed, the tests' and linters' packages included, in CycloneDX's form.
sbom: $(VENV)/ready-dev
	@mkdir -p var
	$(BIN)/uvx --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-file var/sbom.json
	@echo "var/sbom.json"

third-party: $(VENV)/ready-dev
	$(BIN)/python -m scanner_project.third_party

# The peers that the scanner is measured beside, apart from what it runs on itself.
$(BENCH_VENV)/ready: benchmarks/requirements.txt $(VENV)/ready-dev
	@[ -x $(BENCH_VENV)/bin/python ] || $(BIN)/python -m venv --clear $(BENCH_VENV)
	@echo "Installing what the benchmarks compare with into $(BENCH_VENV)..."
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

goals: $(VENV)/ready-dev $(BENCH_VENV)/ready
	$(BIN)/python -m benchmarks.goals --results $(RESULTS) $(ARGS)
	$(BENCH_VENV)/bin/python -m benchmarks.report --results $(RESULTS)

bench: $(VENV)/ready-dev $(BENCH_VENV)/ready
	$(BIN)/python -m benchmarks --results $(RESULTS) $(ARGS)
	$(BIN)/python -m benchmarks.goals --table --results $(RESULTS)
	$(BENCH_VENV)/bin/python -m benchmarks.report --results $(RESULTS)

clean:
	rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
