# Sightline. `make run` opens the page, `make test` runs every test; the rest is in `make help`.

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python

# A Python 3.11 that can make environments. A pyenv shim may exist and still not run, so try each.
PYTHON ?= $(shell for p in python3.11 /usr/bin/python3.11 /usr/local/bin/python3.11 python3 python; do \
	$$p -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1 \
	&& echo $$p && break; done)

# Nothing of the surrounding environment may leak into ours.
unexport PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
export PYTHONNOUSERSITE := 1
PIP := $(PY) -m pip --disable-pip-version-check --no-input

# Photographs with a manifest, where there are any: `make loop` measures them as well.
PHOTOS ?= $(wildcard ../shared/real)

# Parallel test processes. Each counts on one core.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run install test check static bench loop screenshot figures models clean browser

help:
	@echo 'make run         the app on http://127.0.0.1:7860'
	@echo '                 MODEL=folder|hub-id ADAPTER=folder|hub-id QUANTIZE=nf4|int8|none'
	@echo '                 DEVICE=auto|cpu|cuda ARGS="more flags of python app.py --help"'
	@echo 'make test        every test, with a browser'
	@echo 'make check       the quick gate: lint, types, import rules, fast tests'
	@echo 'make bench       all benchmarks, written to benchmarks/results'
	@echo 'make figures     the figures in README.md, from those results and the model cards'
	@echo 'make loop        60 corrections to a better adapter, start to end (about 15 minutes)'
	@echo 'make screenshot  the screenshot in README.md'
	@echo 'make models      rebuild the embedded model and its adapters (hours on 2 cores)'
	@echo 'make clean       remove caches; CLEAN=all also removes $(VENV)'

# ---- environment ---------------------------------------------------------------------------

$(PY):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 with venv is needed (Debian: apt-get install python3.11 python3.11-venv), or name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

# The stamps are newer than what they stand for, so a second run installs nothing.
$(VENV)/.installed: requirements.txt | $(PY)
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: dev/requirements.txt requirements.txt | $(PY)
	$(PIP) install -r dev/requirements.txt
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed

# ---- the two commands ----------------------------------------------------------------------

# The values reach the app through the shell's own variables: a blank or quote in a path is safe.
run: $(VENV)/.installed
	$(PY) app.py $(if $(MODEL),--model "$$MODEL") $(if $(ADAPTER),--adapter "$$ADAPTER") \
		$(if $(QUANTIZE),--quantize "$$QUANTIZE") $(if $(DEVICE),--device "$$DEVICE") $(ARGS)

test: static browser
	$(PY) -m pytest -q -m 'not browser' -n $(JOBS)
	$(PY) -m pytest -q -m browser

# ---- gates ---------------------------------------------------------------------------------

check: static
	$(PY) -m pytest -q -m 'not slow and not browser and not gpu' -n $(JOBS)

static: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

browser: $(VENV)/.installed-dev
	$(PY) -m dev.browser

# ---- figures, pictures, models -------------------------------------------------------------

bench: $(VENV)/.installed
	$(PY) -m benchmarks all
	$(PY) -m dev.figures

loop: $(VENV)/.installed
	$(PY) -m training.proof.loop $(PHOTOS:%=--photos %) > $(VENV)/loop.txt
	@cat $(VENV)/loop.txt
	tail -n 1 $(VENV)/loop.txt > dev/loop_proof.json
	$(PY) -m dev.figures

figures: $(VENV)/.installed
	$(PY) -m dev.figures

screenshot: browser
	$(PY) -m dev.screenshot

models: $(VENV)/.installed
	$(PY) -m examples.build all

clean:
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build
	$(if $(filter all,$(CLEAN)),rm -rf $(VENV))
