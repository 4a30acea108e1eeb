# make repro | test | lint | bench | preset | lock: each sets up what it needs on first use, then starts at once.
SHELL := /bin/bash
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
UV := .uv/bin/uv
READY := .venv/.ready

.PHONY: repro test lint bench preset lock
.DEFAULT_GOAL := repro

repro: $(READY)   ## run what changed, and only that
	dvc repro

test: $(READY)    ## the proofs
	python -m pytest

lint: $(READY)
	ruff check .
	ruff format --check .
	mypy

lock: $(READY)    ## pin the ranges of pyproject.toml anew
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --extra dev \
	  --custom-compile-command 'make lock' pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; choose it with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .uv
	.uv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(UV) venv -q --clear --python $(PYTHON) .venv
	$(UV) pip sync -q --require-hashes --python .venv/bin/python requirements.lock
	$(UV) pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@
