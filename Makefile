# make demo   upscale a real photograph (IMAGE=path takes yours) and compare it with bicubic
# make test   everything: lint, types, tests
# make test-fast   lint, types, and the tests without training and benchmarks: under three minutes
# make test-native   the engine alone, without Python: every instruction set against plain loops
# make test-neon   that built for 64-bit ARM and run under qemu
# make sanitize   the same built with gcc's sanitizers: addresses and undefined behaviour, then threads
# make test-long   what takes long: JAX arrays (it installs JAX), random arguments and mutated files by the thousand
# make page-checks   the page: the types of its scripts, and axe, which looks for what keeps people out (needs node and chromium)
# make docs   the documentation site, into build/site
# make fuzz-api   requests made up from the server's OpenAPI document, for ten minutes: `make fuzz-api FUZZ_SECONDS=60` for one
# All is installed into .venv once; without changes no later call needs the network.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Tests run in as many processes as there are processors; `make test PARALLEL=` runs them in one.
PARALLEL ?= --numprocesses auto
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# What a build of the package reads.
SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE ATTRIBUTION.md $(shell find src native -type f -not -path '*/__pycache__/*' -not -path 'native/tests/*')

.PHONY: demo test test-fast test-long fuzz-api test-native test-neon sanitize page-checks docs lint format clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py $(if $(IMAGE),"$(IMAGE)")

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest $(PARALLEL) -m "not long" tests --pyargs subpixel

test-fast: $(VENV)/.dev lint
	$(BIN)/python -m pytest $(PARALLEL) -m "not long and not slow" tests --pyargs subpixel \
		--ignore tests/train --ignore tests/bench

test-long: $(VENV)/.long
	$(BIN)/python -m pytest -m long tests

# In an environment of its own. The checks are those of what the document promises: it does not promise that all values
# go together. The phase "coverage" of schemathesis 4.32 fails by itself at bodies that are bytes.
FUZZ := build/fuzz
FUZZ_SECONDS ?= 600
fuzz-api: $(VENV)/.dev
	@test -x $(FUZZ)/bin/schemathesis || { $(PYTHON) -m venv $(FUZZ) && $(FUZZ)/bin/pip install --quiet "schemathesis>=4.30"; }
	@$(BIN)/python -m subpixel serve --port 8799 --workers 1 --data $(FUZZ)/data & server=$$!; trap "kill $$server" EXIT; \
		cd $(FUZZ) && bin/schemathesis run http://127.0.0.1:8799/openapi.json --wait-for-schema 30 --max-time $(FUZZ_SECONDS) \
		--continue-on-failure --phases examples,fuzzing,stateful \
		--checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance

# Engine and tests in a folder of build/, with the options given.
native_tests = mkdir -p build && PATH="$(CURDIR)/$(BIN):$$PATH" && \
	cmake -S . -B build/$(1) -G Ninja -DSUBPIXEL_TESTS=ON $(2) > build/$(1).log && cmake --build build/$(1) -- --quiet && \
	$(3) build/$(1)/native/tests/subpixel_tests

test-native: $(VENV)/.tools
	$(call native_tests,tests,)

test-neon: $(VENV)/.tools
	@command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64 > /dev/null || \
		{ echo "make test-neon needs a cross compiler and an emulator: apt-get install g++-aarch64-linux-gnu qemu-user"; exit 1; }
	$(call native_tests,neon,-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
		-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_CXX_FLAGS=-DSUBPIXEL_EMULATED,\
		QEMU_LD_PREFIX=/usr/aarch64-linux-gnu qemu-aarch64 -cpu max)

sanitize: $(VENV)/.tools
	$(call native_tests,address,-DSUBPIXEL_SANITIZE="address;undefined")
	$(call native_tests,thread,-DSUBPIXEL_SANITIZE=thread)

page-checks: $(VENV)/.dev
	$(PIP) playwright
	cd tests/serve/page && npm install --no-audit --no-fund
	$(BIN)/python -m pytest -rs tests/serve/page tests/serve/browser/test_looks.py

# The variable silences a notice about other versions of mkdocs. With --quiet, --strict would see no warning.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "build/site/index.html"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The tools of the build come first, so that building needs no network of its own afterwards; and pyvips, which comes as
# source alone: its own build's needs would be missing where ours is built without isolation.
$(VENV)/.tools: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) cmake ninja nanobind scikit-build-core 'pyvips[binary]'
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

$(VENV)/.docs: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build demo .mypy_cache .ruff_cache .pytest_cache
