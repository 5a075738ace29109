# make demo   upscale a real photograph (IMAGE=path takes yours) and compare it with bicubic
# make test   everything: lint, types, tests
# make test-fast   lint, types, and the tests without training and benchmarks: under three minutes
# make test-long   what takes long: JAX arrays (it installs JAX), random arguments, mutated files by the thousand, an hour of images and of videos, wheels
# make lint   ruff and mypy alone
# make format   ruff's mends of style and its formatter
# make fuzz   every reader and editor of files, and the engine, on inputs that fuzzers make up: an hour, or `FUZZ_SECONDS=` (needs clang)
# make fuzz-api   requests made up from the server's OpenAPI document, for ten minutes or `FUZZ_SECONDS=`
# make test-native   the engine alone, without Python: every instruction set against plain loops
# make sanitize   the same built with gcc's sanitizers: addresses and undefined behaviour, then threads
# make test-neon   the same built for 64-bit ARM and run under qemu
# make page-checks   the page: the types of its scripts, and axe, which looks for what keeps people out (needs node and chromium)
# make dist   the wheel for this machine and the source package, in dist/, as they would be published
# make test-dist   make dist, then both installed into empty environments: no network, no compiler
# make docs   the documentation site, into build/site
# make sbom   what is installed with the package, as CycloneDX, in build/sbom.json
# make licences   docs/licences.md: the licences of all that; fails at one that is not expected
# make audit   known holes in the versions of constraints.txt, by pip-audit (needs the network)
# make clean   removes .venv and all that was built
# All is installed into .venv once; without changes no later call needs the network.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Tests run in as many processes as there are processors; `make test PARALLEL=` runs them in one.
PARALLEL ?= --numprocesses auto
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# What a build of the package reads.
SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE ATTRIBUTION.md $(shell find src native -type f -not -path '*/__pycache__/*' -not -path 'native/tests/*' -not -path 'native/fuzz/*')

.PHONY: demo test test-fast test-long lint format fuzz fuzz-api test-native sanitize test-neon page-checks dist test-dist docs sbom licences audit clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py $(if $(IMAGE),"$(IMAGE)")

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest $(PARALLEL) -m "not long" tests --pyargs subpixel

test-fast: $(VENV)/.dev lint
	$(BIN)/python -m pytest $(PARALLEL) -m "not long and not slow" tests --pyargs subpixel \
		--ignore tests/train --ignore tests/bench

# The tests of properties once more, on other examples than in every run of make test.
test-long: $(VENV)/.long build/wheelhouse/.complete
	$(BIN)/python -m pytest -m long tests
	$(BIN)/python -m pytest -m "not long" --hypothesis-profile random $$(grep -rl "^from hypothesis" tests --include "test_*.py")

# On Linux, auditwheel names the oldest system that the wheel runs on and packs the libraries that other systems lack.
dist: $(VENV)/.release
	rm -rf dist build/dist
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m build --no-isolation --sdist --wheel --outdir build/dist
	mkdir dist && cp build/dist/*.tar.gz dist/
	if [ "$$(uname)" = Linux ]; then \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist build/dist/*.whl; \
	else cp build/dist/*.whl dist/; fi
	$(BIN)/twine check --strict dist/*

test-dist: build/wheelhouse/.complete
	$(BIN)/python -m pytest -rs --capture no -m "long or not long" tests/release

# All that the packages need to be installed without network: what they depend on, the tools of the build, and for the
# other Pythons, on which the tests only import, the two packages of an import that are made for one version.
build/wheelhouse/.complete: constraints.txt pyproject.toml | dist
	rm -rf build/wheelhouse && mkdir -p build/wheelhouse
	$(BIN)/python -m pip wheel --quiet --constraint constraints.txt --wheel-dir build/wheelhouse \
		"$$(echo dist/*.whl)[web]" cmake ninja nanobind scikit-build-core setuptools-scm
	for version in 3.12 3.13; do $(BIN)/python -m pip download --quiet --constraint constraints.txt --no-deps \
		--only-binary :all: --python-version $$version --dest build/wheelhouse numpy safetensors || exit; done
	rm build/wheelhouse/subpixel-*
	touch $@

# In an environment of its own. The checks are those of what the document promises: it does not promise that all values
# go together. The phase "coverage" of schemathesis 4.32 fails by itself at bodies that are bytes.
FUZZ := build/fuzz
fuzz-api: FUZZ_SECONDS ?= 600
fuzz-api: $(VENV)/.dev
	@test -x $(FUZZ)/bin/schemathesis || { $(PYTHON) -m venv $(FUZZ) && $(FUZZ)/bin/pip install --quiet "schemathesis>=4.30"; }
	@$(BIN)/python -m subpixel serve --port 8799 --workers 1 --data $(FUZZ)/data & server=$$!; trap "kill $$server" EXIT; \
		cd $(FUZZ) && bin/schemathesis run http://127.0.0.1:8799/openapi.json --wait-for-schema 30 --max-time $(FUZZ_SECONDS) \
		--continue-on-failure --phases examples,fuzzing,stateful \
		--checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance

# atheris in an environment of its own, which finds the packages of .venv too; the engine's targets built by clang, which
# has libFuzzer. Corpora, logs and findings are kept in build/fuzzing, so the next run goes on where this one ended.
ATHERIS := build/atheris
fuzz: FUZZ_SECONDS ?= 3600
fuzz: $(VENV)/.dev
	@command -v clang++ > /dev/null || { echo "make fuzz needs clang, which has libFuzzer: apt-get install clang"; exit 1; }
	@test -x $(ATHERIS)/bin/python || $(PYTHON) -m venv $(ATHERIS)
	@$(ATHERIS)/bin/python -c "import atheris" 2> /dev/null || $(ATHERIS)/bin/pip install --quiet --constraint constraints.txt atheris
	@echo "$(CURDIR)/$$(echo $(VENV)/lib/python3*/site-packages)" > $$(echo $(ATHERIS)/lib/python3*/site-packages)/subpixel.pth
	PATH="$(CURDIR)/$(BIN):$$PATH" && cmake -S . -B build/fuzz-native -G Ninja -DSUBPIXEL_TESTS=ON -DSUBPIXEL_FUZZ=ON \
		-DCMAKE_CXX_COMPILER=clang++ -DSUBPIXEL_SANITIZE="fuzzer-no-link;address;undefined" > build/fuzz-native.log \
		&& cmake --build build/fuzz-native -- --quiet
	PYTHONPATH=tests $(ATHERIS)/bin/python -m fuzz --seconds $(FUZZ_SECONDS) --native build/fuzz-native/native/fuzz

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

# What is installed with the package, in an environment without anything else: the wheel needs no compiler for that.
RUNTIME := build/runtime
$(RUNTIME)/.made: $(VENV)/.tools pyproject.toml constraints.txt
	rm -rf $(RUNTIME) build/metadata_wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -C wheel.cmake=false -w build/metadata_wheel .
	$(PYTHON) -m venv --without-pip $(RUNTIME)
	$(BIN)/python -m pip --python $(RUNTIME)/bin/python install --quiet --disable-pip-version-check \
		--constraint constraints.txt "$$(echo build/metadata_wheel/subpixel-*.whl)[web]"
	touch $@

# Tools that look at all this, in an environment of their own.
TOOLS := build/tools
$(TOOLS)/.made: constraints.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt cyclonedx-bom pip-audit
	touch $@

sbom: $(TOOLS)/.made $(RUNTIME)/.made
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file build/sbom.json $(RUNTIME)/bin/python
	$(TOOLS)/bin/python docs/make_licences.py --path $(RUNTIME)/lib/python*/site-packages --sbom build/sbom.json

licences: $(TOOLS)/.made $(RUNTIME)/.made
	$(TOOLS)/bin/python docs/make_licences.py --path $(RUNTIME)/lib/python*/site-packages

audit: $(TOOLS)/.made
	$(PYTHON) docs/audit.py $(TOOLS)/bin/pip-audit

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
	$(PIP) cmake ninja nanobind scikit-build-core setuptools-scm 'pyvips[binary]'
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

$(VENV)/.release: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation '.[release]'
	touch $@

$(VENV)/.docs: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache
