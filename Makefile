# make repro [THREADS=of this machine] [SCHEDULER=address or file of Dask's] | report | plots | prune [YES=1]
#      compare BRANCH=main (or A=... B=...) | preset PRESET=best [DATA=folder]
#      test | torture N=200 (kills at random moments) | lint | bench | graph (code dependencies into dvc.yaml) | readme | lock
# Each sets up what it needs on first use (a private uv, the environment of requirements.lock), then starts at once.
SHELL := /bin/bash
PYTHON ?= python3
PRESET ?= quick
UV := .uv/bin/uv
READY := .venv/.ready
OFFLINE := .dvc/offline.html
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: repro report plots compare prune test torture lint bench graph preset readme lock
.DEFAULT_GOAL := repro

repro: $(READY) $(OFFLINE)
	@python -m visrep.tools.repro $(if $(THREADS),--threads $(THREADS)) $(if $(SCHEDULER),--scheduler '$(SCHEDULER)')
	@git diff --quiet HEAD -- metrics plots 2>/dev/null; case $$? in \
	0) echo "All numbers and pictures are those of the last commit." ;; \
	1) echo "Numbers or pictures differ from the last commit: make compare BRANCH=HEAD shows how." ;; esac
	@echo "Done: open report/index.html"

report: $(READY)
	dvc repro report

plots: $(READY) $(OFFLINE)
	dvc plots show

compare: $(READY)
	@python -m visrep.tools.compare $(or $(A),$(BRANCH),main) $(B)

prune: $(READY)
	@python -m visrep.tools.prune $(if $(YES),--yes)

test: $(READY)
	python -m pytest -n auto --maxprocesses 4 --durations 25

torture: $(READY)
	N=$(or $(N),200) SEED=$(or $(SEED),0) python -m pytest -s tests/test_torture.py

lint: $(READY)
	ruff check .
	ruff format --check .
	mypy

preset: $(READY)
	@python -m visrep.tools.preset $(PRESET) $(if $(DATA),--data '$(DATA)')

graph: $(READY)
	python -m visrep.tools.graph

readme: $(READY)
	python -m visrep.tools.readme

bench: .venv-bench/.ready
	PYTHONPATH=src:. .venv-bench/bin/python -m benchmarks

# The environments

$(READY): requirements.lock pyproject.toml $(UV)
	@echo "Setting up .venv (a few gigabytes, once)"
	$(UV) venv -q --clear --python $(PYTHON) .venv
	$(UV) pip sync -q --compile-bytecode --require-hashes --python .venv/bin/python requirements.lock
	$(UV) pip install -q --python .venv/bin/python --no-deps --no-build-isolation --offline -e .
	@touch $@

$(OFFLINE): $(READY) src/visrep/tools/offline.py
	python -m visrep.tools.offline

.venv-bench/.ready: benchmarks/requirements.txt requirements.lock $(UV)
	@echo "Setting up .venv-bench (the peers)"
	$(UV) venv -q --clear --python $(PYTHON) .venv-bench
	$(UV) pip install -q --compile-bytecode --python .venv-bench/bin/python -r benchmarks/requirements.txt
	@touch $@

$(UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python lacks its module venv: install it (Debian: apt install python3-venv) or make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

lock: $(UV)
	echo uv | $(UV) pip compile -q --universal --generate-hashes --custom-compile-command 'make lock' - -o requirements-uv.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --extra dev --extra lanes --custom-compile-command 'make lock' pyproject.toml -o requirements.lock
