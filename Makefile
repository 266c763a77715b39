# All that is installed goes into .venv, once. Other address: make run HOST=0.0.0.0 PORT=8000
HOST = 127.0.0.1
PORT = 7860
PYTHON := $(shell for p in python3 python3.12 python3.11 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test lint browser screenshots bench kernels-aot

run: .venv/run.stamp ; $(BIN)/python app.py --host $(HOST) --port $(PORT)

test: .venv/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not browser"
	$(BIN)/python -m pytest -q -m "not slow" tests/browser

lint: .venv/dev.stamp
	$(BIN)/ruff check . && $(BIN)/lint-imports --no-cache && $(BIN)/pyright

browser: .venv/dev.stamp ; $(BIN)/python -m pytest -q -m browser
screenshots: .venv/dev.stamp ; $(BIN)/python -m scripts.screenshots
bench: .venv/run.stamp ; $(BIN)/python -m benchmarks

kernels-aot: .venv/dev.stamp .venv/triton-3.6.0.stamp
	$(BIN)/python -m tests.kernels_aot --jobs 2
	PYTHONPATH=.venv/triton-3.6.0 $(BIN)/python -m tests.kernels_aot --jobs 2 --triton 3.6.0

.venv/triton-3.6.0.stamp: | .venv/bin/python  # goes with the newest torch on ZeroGPU
	$(PIP) --no-deps --upgrade --target $(basename $@) triton==3.6.0 && touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "T2R Studio needs Python 3.11 or newer." >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.txt | .venv/bin/python
	@echo "Installing what the app needs into .venv (once; a few minutes)..."
	$(PIP) -r requirements.txt && touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	$(PIP) -r requirements-dev.txt && touch $@
