# make demo   upscale a real photograph (IMAGE=path takes yours) and compare it with bicubic
# make test   everything: lint, types, tests
# make test-long   what takes long: JAX arrays (it installs JAX), long comparisons with random arguments
# All is installed into .venv once; without changes no later call needs the network.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# What a build of the package reads.
SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE $(shell find src native -type f -not -path '*/__pycache__/*')

.PHONY: demo test test-long lint format clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py $(if $(IMAGE),"$(IMAGE)")

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest -m "not long" tests --pyargs subpixel

test-long: $(VENV)/.long
	$(BIN)/python -m pytest -m long tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tools of the build come first, so that building needs no network of its own afterwards.
$(VENV)/.tools: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) cmake ninja nanobind scikit-build-core
	touch $@

$(VENV)/.demo: $(VENV)/.tools $(SOURCES)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/.tools $(SOURCES)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation '.[demo,dev,train]'
	touch $@

$(VENV)/.long: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation '.[long]'
	touch $@

clean:
	rm -rf $(VENV) build demo .mypy_cache .ruff_cache .pytest_cache
