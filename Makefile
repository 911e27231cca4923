# Everything runs inside .venv, which is created here. Only Python 3.11 or later and make are needed.
# To use another interpreter: make up PYTHON=python3.12

PYTHON ?= python3
# Processes that run tests. Tests mostly wait, so four are faster than two even on two processors.
JOBS ?= 4
BIN := .venv/bin/python
# A Python named on the command line replaces a .venv of another version; the default one does not.
NAMED := $(if $(filter file,$(origin PYTHON)),,--this-python)
INSTALL = @command -v $(PYTHON) >/dev/null || { echo 'There is no $(PYTHON). Python 3.11 or later is needed; name one \
that is installed: make $(or $(MAKECMDGOALS),up) PYTHON=python3.12' >&2; exit 1; }; $(PYTHON) install.py $(NAMED)
# uv resolves for other platforms. Nothing else needs it, so it gets a temporary environment.
WITH_UV = folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && "$$folder/bin/python" -m pip install --quiet uv &&

.DEFAULT_GOAL := help
.PHONY: help install install-embedded install-dev install-docs up test pictures docs docs-serve coverage fuzz bench fmt lint style types lock lowest wheels sbom release-check clean

help:
	@echo 'make up       install, start everything with demo data, until Ctrl-C (PORT, POSTBACKS_DATA_DIR, WORKER_CONCURRENCY)'
	@echo 'make install  create .venv for your own PostgreSQL and Redis servers (requirements.txt)'
	@echo 'make test     run all tests in four processes (ARGS="-k name" for some, JOBS=1 for one process)'
	@echo 'make pictures make the pictures of docs/images again, by the tests of the screens (needs a browser)'
	@echo 'make docs     build the site of docs/ in var/site; make docs-serve shows it while you write'
	@echo 'make coverage run all tests and print which lines none of them reaches (slower; ARGS and JOBS as above)'
	@echo 'make fuzz     ask every address thousands of things that nobody types (FUZZ_REQUESTS=20000, FUZZ_REPORTS=5000, FUZZ_SEED=2, FUZZ_EXAMPLES=200)'
	@echo 'make bench    measure the delivery engine, docs/benchmarks.md (BENCH=full for long, ONLY=name,... for some)'
	@echo 'make fmt      format the code and apply automatic fixes'
	@echo 'make lint     check style, format, spelling and the direction of imports'
	@echo 'make style    count the words that the project avoids (.ci/avoided.txt)'
	@echo 'make types    check types'
	@echo 'make lock     lock the dependencies of pyproject.toml in the requirements files again'
	@echo 'make lowest   run all tests with the lowest versions that pyproject.toml allows (ARGS as above)'
	@echo 'make wheels   check that all packages have wheels for all supported platforms'
	@echo 'make sbom     list what a deployment is built of, with versions and hashes (CycloneDX, in dist/)'
	@echo 'make release-check build the release twice, compare, and try the wheel in an empty environment (docs/releasing.md)'
	@echo 'make clean    remove .venv and caches; keep the data in var/'

install:
	$(INSTALL) requirements.txt

# Each file also contains the packages of the previous one, in the same versions.
install-embedded:
	$(INSTALL) requirements-embedded.txt

install-dev:
	$(INSTALL) requirements-dev.txt

up: install-embedded
	@exec $(BIN) manage.py up --demo

test: install-dev
	$(BIN) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

# What no test makes any more is older than the beginning, and goes once all the others are there.
pictures: install-dev
	@began=$$(mktemp) && trap 'rm -f "$$began"' EXIT && \
	POSTBACKS_SCREENSHOTS=1 $(BIN) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder tests/browser && \
	find docs/images -name '*.png' ! -newer "$$began" -print -delete && \
	$(BIN) -m pytest --quiet tests/documents/test_pictures.py

# Its packages go into the same .venv: they have the versions of requirements-dev.txt where both name one.
install-docs:
	$(INSTALL) requirements-docs.txt

docs: install-docs
	NO_MKDOCS_2_WARNING=1 $(BIN) -m mkdocs --quiet build --strict

docs-serve: install-docs
	@NO_MKDOCS_2_WARNING=1 exec $(BIN) -m mkdocs serve --dev-addr 127.0.0.1:8002

# Separate from `make test`, because it takes longer. Without a threshold: reaching a line does not test it.
coverage: install-dev
	rm -f .coverage .coverage.*
	$(BIN) -m coverage run -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)
	$(BIN) -m coverage combine --quiet
	$(BIN) -m coverage report

# The test asks a few hundred things, the same each time.
fuzz: install-dev
	FUZZ_REQUESTS=$(or $(FUZZ_REQUESTS),20000) FUZZ_SEED=$(or $(FUZZ_SEED),$(shell date +%s)) \
		FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),200) FUZZ_REPORTS=$(or $(FUZZ_REPORTS),5000) \
		$(BIN) -m pytest --override-ini timeout=0 \
		tests/config/test_hostile_requests.py tests/config/test_api_document.py tests/actions/api/test_concurrency.py \
		tests/front/test_same_as_django.py tests/front/test_on_the_wire.py $(ARGS)

bench: install-dev
	@exec $(BIN) -m benchmarks

fmt: install-dev
	$(BIN) -m ruff check --fix .
	$(BIN) -m ruff format .

lint: install-dev
	$(BIN) -m ruff check .
	$(BIN) -m ruff format --check .
	.venv/bin/lint-imports --no-cache
	$(BIN) -m codespell_lib

style: install-dev
	$(BIN) .ci/style.py $(ARGS)

types: install-dev
	$(BIN) -m mypy .

# The largest first: the others take their versions from it, so that they all agree.
lock:
	@$(WITH_UV) \
	compile() { "$$folder/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url "$$@"; } && \
	compile pyproject.toml --extra embedded --extra otel --extra sentry --group dev --output-file requirements-dev.txt && \
	compile pyproject.toml --extra embedded --constraint requirements-dev.txt --output-file requirements-embedded.txt && \
	compile pyproject.toml --extra otel --extra sentry --constraint requirements-dev.txt \
		--output-file requirements-telemetry.txt && \
	compile pyproject.toml --constraint requirements-dev.txt --output-file requirements.txt && \
	compile --group docs --constraint requirements-dev.txt --output-file requirements-docs.txt && \
	compile --group install --output-file requirements-install.txt

# The lowest versions that pyproject.toml allows; `make lock` takes the newest.
lowest:
	@$(WITH_UV) \
	"$$folder/bin/uv" pip compile --quiet --resolution lowest-direct --extra embedded --extra otel --extra sentry \
		pyproject.toml \
		--output-file "$$folder/lowest.txt" && \
	"$$folder/bin/uv" pip install --quiet --python "$$folder/bin/python" --constraint "$$folder/lowest.txt" \
		--requirement "$$folder/lowest.txt" --group dev && \
	"$$folder/bin/python" -m pytest $(ARGS)

wheels:
	@$(WITH_UV) "$$folder/bin/python" .ci/wheels.py

# The packages of requirements.txt. An image has more: those of its base.
sbom:
	@$(WITH_UV) \
	"$$folder/bin/uv" pip install --quiet --python "$$folder/bin/python" cyclonedx-bom && \
	mkdir -p dist && \
	"$$folder/bin/cyclonedx-py" requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
		--output-format JSON --output-file dist/sbom.cdx.json requirements.txt && \
	echo 'Written to dist/sbom.cdx.json.'

release-check:
	@$(WITH_UV) \
	"$$folder/bin/uv" pip install --quiet --python "$$folder/bin/python" build hatchling twine && \
	"$$folder/bin/python" .ci/release_check.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
