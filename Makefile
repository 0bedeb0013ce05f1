# Needs git, make and Python >= 3.11, nothing else; uses uv where it is installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
PORT ?= 8080
# one more than there are cores: tests wait as often as they compute
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
SECONDS ?= 60
N ?=
ARGS ?=
CONTAINER ?= docker
# the interpreters that tests start, by the hundred, would each compile everything anew
unexport PYTHONDONTWRITEBYTECODE
# tests that share a fixture stay in one process, which makes it once; whoever is done early takes from the others
SPREAD := --dist worksteal
# the pages in step with the code: a matter of seconds, before every commit
CHECKED_ELSEWHERE := --ignore tests/docs
# side by side, the longest first; what each says is shown when it ends, where make can do that
CHECKS := check-types check-docs check-format check-imports check-generated
SAID_WHOLE := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
UV := $(shell uv --version 2>/dev/null)
# trust what the machine trusts, as pip does: a company's own certificate authority, above all
export UV_SYSTEM_CERTS ?= 1
COMPILE = uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	--custom-compile-command "make lock" --quiet $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup check format docs test test-browser screenshots demo bench bench-full faults faults-selftest fuzz mutants image lock clean

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1  \2/p' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything for development into .venv

demo: $(STAMP)  ## start everything on this machine: sandbox, git, service (PORT=8080)
	@$(BIN)/reconciler demo --port $(PORT)

test: $(STAMP)  ## run the whole test-suite but tests/docs, which make check runs (ARGS="tests/unit -k word" for a part, WORKERS=4)
	@$(BIN)/pytest $(SPREAD) -n $(WORKERS) $(or $(ARGS),$(CHECKED_ELSEWHERE))
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory test-browser
endif

test-browser: $(STAMP)  ## run the tests that look at the pages in a browser: Debian's chromium (ARGS="-k word")
	@$(BIN)/pytest $(SPREAD) -n 2 tests/browser $(ARGS)

check: $(STAMP)  ## format, lint, types, import rules, generated files, docs in step
	@$(MAKE) --no-print-directory --jobs 2 $(SAID_WHOLE) $(CHECKS)

# the parts of check, which can be made by themselves
.PHONY: $(CHECKS)
check-format:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

check-types:
	$(BIN)/mypy

check-imports:
	$(BIN)/lint-imports
	$(BIN)/python scripts/house_counts.py --check

check-generated:
	$(BIN)/python scripts/gen.py --check
	$(BIN)/python scripts/settings_reference.py --check

check-docs:
	$(BIN)/pytest -q tests/docs

format: $(STAMP)  ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)  ## bring the generated pages up to date
	$(BIN)/python scripts/settings_reference.py --write

fuzz: $(STAMP)  ## fuzz what reads foreign bytes (SECONDS=60 for each target)
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

screenshots: $(STAMP)  ## photograph every page of the demonstration into docs/screenshots (needs chromium)
	@$(BIN)/python -m scripts.screenshots $(ARGS)

bench: $(STAMP)  ## measure, and print the figures
	$(BIN)/python -m benchmarks $(ARGS)

bench-full: $(STAMP)  ## measure with fleets of 10,000, and renew the table and the plot of docs/performance.md
	$(BIN)/python -m benchmarks --full --page docs/performance.md --picture docs/performance.svg $(ARGS)

faults: $(STAMP)  ## break the service in 10,000 ways, and at every step (N=500 for fewer, SEED=…, TRIAL=… repeats one)
	@$(BIN)/python -m tests.faults $(if $(N),--faults $(N),--faults 10000 --every-step) $(if $(SEED),--seed $(SEED)) $(if $(TRIAL),--trial $(TRIAL)) $(ARGS)

faults-selftest: $(STAMP)  ## plant bugs one by one, and see that the judge of `make faults` objects
	@$(BIN)/python -m tests.faults.selftest $(ARGS)

mutants: $(STAMP)  ## plant small slips in a copy of the code, and count those that no test notices (SEED=…, ARGS="--count 400")
	@$(BIN)/python -m scripts.mutants $(if $(SEED),--seed $(SEED)) $(ARGS)

image:  ## build the container image (CONTAINER=podman)
	$(CONTAINER) build -t wizchat-reconciler .

lock:  ## compile the locks anew (needs uv; ARGS=--upgrade to move versions)
	$(COMPILE) requirements/build.in -o requirements/build.txt
	$(COMPILE) pyproject.toml --extra service --extra postgres -o requirements/service.txt
	$(COMPILE) pyproject.toml --extra dev requirements/build.in -o requirements/dev.txt

clean:  ## remove what setup and the checks made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .fuzz mutants

$(STAMP): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "make: Python 3.11 or newer is needed, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1): try make PYTHON=python3.12" >&2; \
		exit 1; }
ifneq ($(UV),)
	@test -x $(BIN)/python || uv venv --quiet --python "$$(command -v $(PYTHON))" $(VENV)
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
else
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		echo "make: '$(PYTHON) -m venv' does not work; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
		rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
endif
	@touch $@
