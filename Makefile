# Everything runs inside .venv, made here. Only Python 3.11 or later and make are needed.
# Another interpreter: make up PYTHON=python3.12

PYTHON ?= python3
# Processes that run tests. They mostly wait, so two are nearly twice as fast as one.
JOBS ?= 2
BIN := .venv/bin/python
PIP := $(BIN) -m pip install --disable-pip-version-check --no-input --quiet --require-hashes

.DEFAULT_GOAL := help
.PHONY: help install install-dev up test coverage bench fmt lint style types lock lowest clean

help:
	@echo 'make up       install, start everything with demo data, until Ctrl-C (PORT, POSTBACKS_DATA_DIR, WORKER_CONCURRENCY)'
	@echo 'make install  create .venv from requirements.txt'
	@echo 'make test     run all tests in two processes (ARGS="-k name" for some, JOBS=1 for one process)'
	@echo 'make coverage run all tests and print which lines none of them reaches (slower; ARGS and JOBS as above)'
	@echo 'make bench    measure the delivery engine, docs/benchmarks.md (BENCH=full for long, ONLY=name,... for some)'
	@echo 'make fmt      format the code, and fix what can be fixed without a person'
	@echo 'make lint     check style, format and spelling'
	@echo 'make style    count the words that the project avoids (.ci/avoided.txt)'
	@echo 'make types    check types'
	@echo 'make lock     resolve the dependencies of pyproject.toml into the requirements files again'
	@echo 'make lowest   run all tests with the lowest versions that pyproject.toml allows (ARGS as above)'
	@echo 'make clean    remove .venv and caches; the data in var/ stays'

install: .venv/.installed

install-dev: .venv/.installed-dev

up: install
	@exec $(BIN) manage.py up --demo

test: install-dev
	$(BIN) -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)

# Apart from `make test`: it takes longer. Without a threshold: a line that is reached is not yet a line that is tested.
coverage: install-dev
	rm -f .coverage .coverage.*
	$(BIN) -m coverage run -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)
	$(BIN) -m coverage combine --quiet
	$(BIN) -m coverage report

bench: install-dev
	@exec $(BIN) -m benchmarks

fmt: install-dev
	$(BIN) -m ruff check --fix .
	$(BIN) -m ruff format .

lint: install-dev
	$(BIN) -m ruff check .
	$(BIN) -m ruff format --check .
	$(BIN) -m codespell_lib

style: install-dev
	$(BIN) .ci/style.py $(ARGS)

types: install-dev
	$(BIN) -m mypy .

# uv resolves for all platforms at once; it is needed for nothing else, so it gets an environment that is thrown away.
lock:
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && "$$folder/bin/python" -m pip install --quiet uv && \
	compile() { "$$folder/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url pyproject.toml "$$@"; } && \
	compile --output-file requirements.txt && \
	compile --group dev --output-file requirements-dev.txt

# What pyproject.toml promises to work with; `make lock` takes the newest.
lowest:
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && "$$folder/bin/python" -m pip install --quiet uv && \
	"$$folder/bin/uv" pip compile --quiet --resolution lowest-direct pyproject.toml --output-file "$$folder/lowest.txt" && \
	"$$folder/bin/uv" pip install --quiet --python "$$folder/bin/python" --constraint "$$folder/lowest.txt" \
		--requirement "$$folder/lowest.txt" --group dev && \
	"$$folder/bin/python" -m pytest $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

.venv/.installed: requirements.txt | $(BIN)
	@echo 'Installing the packages of requirements.txt into .venv …'
	@$(PIP) -r requirements.txt
	@touch $@

# It holds the run-time packages too, in the same versions.
.venv/.installed-dev: requirements-dev.txt | $(BIN)
	@echo 'Installing the packages of requirements-dev.txt into .venv …'
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(BIN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Python 3.11 or later is needed. Name one that you have: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv || { \
		echo 'No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
