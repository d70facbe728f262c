# Needs GNU make, a POSIX shell and Python 3.10 to 3.13 with its venv module. `make` alone lists the targets.

PYTHON ?= python3
AIRFLOWS := 3.3 3.0 2.11
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/installed
CONSTRAINTS := constraints/airflow-3.3.txt
CHECK_VENV := .nox/install-check
BENCH_VENV := .nox/bench
DOCS_VENV := .nox/docs
DOCS := build/docs
HOMES := $(CURDIR)/.airflow
# Files in their own order: the slow ones, which hold few tests, would come last otherwise, on one core.
IN_TWO := -n 2 --dist loadfile --no-loadscope-reorder
# for commands that call airflow by its name
WITH_PATH = PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

# Airflow reads its settings from the environment. Your AIRFLOW_* variables are dropped, so that no target can touch an
# Airflow of yours; each target has its own home inside the checkout.
$(foreach name,$(filter AIRFLOW_%,$(.VARIABLES)),$(eval unexport $(name)))
unexport PYTHONPATH PYTHONHOME PIP_CONSTRAINT PIP_USER
export AIRFLOW_HOME = $(HOMES)/$@
export AIRFLOW__CORE__LOAD_EXAMPLES = False
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export UV_PYTHON_DOWNLOADS = never

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help venv test crash fuzz demo ui correct storm bench matrix screenshots docs docs-serve build \
	install-check constraints clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## import bills from a CSV file into a sandbox through Airflow, and show the result
	@$(WITH_PATH) $(PY) -m dev.demo

ui: $(STAMP) ## the demo in Airflow's web interface
	@$(WITH_PATH) $(PY) -m dev.demo --ui

correct: $(STAMP) ## correct the kickouts of a running `make ui`, as an analyst would
	@$(PY) -m dev.demo --correct

# A file that a test leaves in the checkout fails the last step; what you have not committed yet does not.
test: $(STAMP) ## check format, lint, types, floors and tests
	@git status --porcelain . > $(VENV)/tree-before 2> /dev/null || true
	@echo "==> 1/6 format (ruff format --check)"
	@$(PY) -m ruff format --check .
	@echo "==> 2/6 lint (ruff check)"
	@$(PY) -m ruff check .
	@echo "==> 3/6 types (mypy)"
	@$(PY) -m mypy
	@echo "==> 4/6 floors (lint-imports)"
	@$(VENV)/bin/lint-imports --no-logo --no-cache
	@echo "==> 5/6 tests (pytest)"
	@$(WITH_PATH) $(PY) -m pytest $(IN_TWO)
	@echo "==> 6/6 nothing left behind (git status)"
	@git status --porcelain . 2> /dev/null | diff $(VENV)/tree-before - || \
		{ echo "These files of the checkout have changed during the tests." >&2; exit 1; }

# length, seed and size of a storm
MINUTES ?= 15
SEED ?= 1
RUNS ?= 50
storm: $(STAMP) ## a whole Airflow imports while it is killed: MINUTES=15 SEED=1 RUNS=50, see dev/storm/
	@$(WITH_PATH) $(PY) -m dev.storm --minutes $(MINUTES) --seed $(SEED) --runs $(RUNS)

crash: $(STAMP) ## kill tasks at every point, and count the imports; ARGS="--only retry" selects cells
	@$(WITH_PATH) $(PY) -m tests.crash $(ARGS)

screenshots: $(STAMP) ## photograph the pages for the documentation, into docs/images
	@$(WITH_PATH) ECI_SCREENSHOTS=1 $(PY) -m pytest -q -n 0 tests/browser

# how many flows, and the seed of their damages
FLOWS ?= 5000
fuzz: $(STAMP) ## damage EnergyCAP's answers in thousands of flows: FLOWS=5000 SEED=1
	@$(WITH_PATH) $(PY) -m tests.fuzz --flows $(FLOWS) --seed $(SEED)

bench: $(BENCH_VENV)/installed ## measure it beside its peers; ONLY=imports,get QUICK=1; RECORD=1 updates the docs
	@$(BENCH_VENV)/bin/python -m dev.benchmarks --only "$(ONLY)" $(if $(QUICK),--quick) $(if $(RECORD),--record)

# Links inside the documentation must lead somewhere. A link to another host fails only if that host says that the page
# is gone (404 or 410): without a network, or with a host that is down, the documentation builds all the same.
docs: $(DOCS_VENV)/installed ## build the documentation into build/docs/html, and check its links
	@$(DOCS_VENV)/bin/python -m sphinx -b html -q -n -E -W --keep-going -d $(DOCS)/doctrees docs $(DOCS)/html
	@$(DOCS_VENV)/bin/python -m dev.docs $(DOCS)/html

# which port `make docs-serve` takes
PORT ?= 8000
docs-serve: docs ## build the documentation, and show it at http://127.0.0.1:8000; PORT=8001 for another port
	@$(DOCS_VENV)/bin/python -m dev.docs $(DOCS)/html --serve $(PORT)

$(DOCS_VENV)/installed: pyproject.toml $(CONSTRAINTS)
	@rm -rf $(DOCS_VENV) && $(PYTHON) -m venv $(DOCS_VENV)
	@echo "installing Airflow, the package and Sphinx into $(DOCS_VENV), a minute or so"
	@$(DOCS_VENV)/bin/python -m pip install -qq -c $(CONSTRAINTS) hatchling editables
	@$(DOCS_VENV)/bin/python -m pip install -qq -c $(CONSTRAINTS) --no-build-isolation -e '.[docs,sandbox,xlsx]'
	@touch $@

# The peers are not dependencies of the package. Databricks' client requires an older dateutil than the pinned one.
$(BENCH_VENV)/installed: pyproject.toml $(CONSTRAINTS) dev/benchmarks/requirements.txt
	@rm -rf $(BENCH_VENV) && $(PYTHON) -m venv $(BENCH_VENV)
	@echo "installing Airflow, the package and its peers into $(BENCH_VENV), takes some minutes"
	@grep -v '^python-dateutil==' $(CONSTRAINTS) > $(BENCH_VENV)/constraints.txt
	@$(BENCH_VENV)/bin/python -m pip install -qq -c $(BENCH_VENV)/constraints.txt hatchling editables
	@$(BENCH_VENV)/bin/python -m pip install -qq -c $(BENCH_VENV)/constraints.txt --no-build-isolation \
		-e '.[dev]' -r dev/benchmarks/requirements.txt
	@$(BENCH_VENV)/bin/python -m pip check
	@touch $@

matrix: $(STAMP) ## run the tests on every supported Airflow and Python on this machine; NOX="-l" goes to nox
	@$(PY) -m nox $(NOX)

build: $(STAMP) ## build wheel and sdist into dist/, and check their contents
	@rm -rf dist
	@$(PY) -m build --no-isolation --outdir dist
	@$(PY) -m twine --no-color check --strict dist/*
	@ECI_PROVIDER_DIST=dist $(PY) -m pytest -q tests/project/test_package.py

# which Airflow `make install-check` installs the wheel beside
AIRFLOW ?= 3.3
install-check: build ## install the wheel beside an Airflow, and check what that lists; AIRFLOW=2.11 for another one
	@rm -rf $(CHECK_VENV) $(AIRFLOW_HOME) && $(PYTHON) -m venv $(CHECK_VENV)
	@echo "installing the wheel into $(CHECK_VENV)"
	@$(CHECK_VENV)/bin/python -m pip install -qq -c constraints/airflow-$(AIRFLOW).txt dist/*.whl
	@$(CHECK_VENV)/bin/python -m pip check
	@for listed in "list airflow-provider-eci" "hooks EciHook" "links EciLink" "triggers eci_provider.triggers.task" \
		"notifications EciKickoutNotifier"; do \
		$(CHECK_VENV)/bin/airflow providers $${listed% *} --output plain > $(CHECK_VENV)/providers.txt && \
		grep -F "$${listed#* }" $(CHECK_VENV)/providers.txt || \
		{ echo "airflow providers $${listed% *} does not show $${listed#* }" >&2; exit 1; }; done

# One file per Airflow, for every Python it supports. Pins that still fit are kept; UPGRADE=--upgrade takes the newest.
# uv uses the package index it is configured for (its own settings, not pip's); the files name no index.
# Airflow 3.0 has no upper bounds on these two. With a much newer FastAPI it runs no task, and with a newer
# universal-pathlib its ObjectStoragePath opens no local file.
bounds-3.0 := fastapi<0.117 universal-pathlib<0.3

# The documentation is built with the newest Airflow only.
extras-3.3 := dev docs
extras-3.0 := dev
extras-2.11 := dev

constraints: $(STAMP) ## pin the dependencies again after a change in pyproject.toml
	$(foreach airflow,$(AIRFLOWS),$(call pin,$(airflow)))

define pin
	@echo "constraints/airflow-$(1).txt"
	@printf '%s\n' 'apache-airflow==$(1).*' $(foreach bound,$(bounds-$(1)),'$(bound)') | $(PY) -m uv pip compile --quiet $(UPGRADE) \
		--universal --python-version 3.10 --no-header --no-annotate $(extras-$(1):%=--extra %) pyproject.toml - \
		--output-file constraints/airflow-$(1).txt

endef

clean: ## remove what builds, runs and tools have left
	rm -rf .airflow build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './.nox/*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the environments
	rm -rf $(VENV) .nox

venv: $(STAMP) ## create the virtual environment that the other targets use

# The stamp is written last, so that an interrupted install is repeated.
$(STAMP): pyproject.toml $(CONSTRAINTS)
	@rm -f $(STAMP)
	@command -v "$(PYTHON)" > /dev/null || { \
		echo "There is no $(PYTHON) here. Name a Python 3.10 to 3.13: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "$(PYTHON) is $$("$(PYTHON)" -V 2>&1), and this needs Python 3.10 to 3.13." \
			"Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) has no venv module; on Debian and Ubuntu the package python3-venv brings it." >&2; exit 1; }
	@$(PY) -m pip --version > /dev/null 2>&1 || { \
		echo "creating $(VENV) with $$("$(PYTHON)" -V)"; "$(PYTHON)" -m venv --clear $(VENV); }
	@printf 'installing Airflow and the tools into $(VENV), a minute or so '
	@{ $(PY) -m pip install -c $(CONSTRAINTS) hatchling editables && \
		$(PY) -m pip install -c $(CONSTRAINTS) --no-build-isolation -e '.[dev]' && \
		echo 'all installed'; } 2>&1 | tee $(VENV)/install.log | { \
		done=no; n=0; \
		while IFS= read -r line; do case "$$line" in \
			Collecting*) n=$$((n + 1)); test $$((n % 10)) != 0 || printf . ;; \
			"Installing collected"*) test $$n -lt 10 || printf ' unpacking' ;; \
			"all installed") done=yes ;; \
		esac; done; \
		echo; \
		test $$done = yes || { tail -n 30 $(VENV)/install.log >&2; exit 1; }; }
	@touch $(STAMP)
