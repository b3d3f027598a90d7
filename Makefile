# Two commands are enough: `make demo` and `make test`. Both set up what they need in .venv.
# Another Python: `make PYTHON=/path/to/python3 demo`. Arguments: `make demo ARGS="--keep"`.

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
export PYTHON
# node, which some tests install, is to trust the certificates that the machine trusts.
export NODE_USE_SYSTEM_CA ?= 1

.PHONY: help demo test test-fast check chaos bench pictures format setup setup-run

help:
	@echo "make demo       the main job once, from a selection to a merged branch"
	@echo "make test       all checks and all tests"
	@echo "make test-fast  the tests that need no real editor, no real agent and no chaos"
	@echo "make chaos      kill -9 of daemons and shims, in full number; takes a while"
	@echo "make check      format, lint, types, import contracts, generated files"
	@echo "make bench      the figures of docs/performance.md"
	@echo "make pictures   the pictures of the README, by the tests that make them"
	@echo "make format     put the code into its form and write the generated files"

demo: setup-run
	@$(BIN)/branchwork demo $(ARGS)

test: check
	$(PYTEST) $(ARGS)

test-fast: setup
	$(PYTEST) -m "not editor and not agent and not chaos" $(ARGS)

check: setup
	$(BIN)/ruff format --check server tests
	$(BIN)/ruff check server tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m branchwork.protocol.generate --check

chaos: setup
	BRANCHWORK_CHAOS_ROUNDS=50 $(PYTEST) -m chaos $(ARGS)

bench: setup
	$(BIN)/python tests/bench/main.py $(ARGS)

# As in CI, where a test that can't install what it needs fails and is not skipped.
pictures: setup
	CI=true $(PYTEST) -m editor tests/editors/test_neovim_picture.py tests/editors/vscode/test_story.py::test_the_main_job $(ARGS)
	mkdir -p docs/images
	cp build/screenshots/neovim.png docs/images/neovim.png
	cp build/screenshots/the_main_job-03-asks.png docs/images/vscode.png

format: setup
	$(BIN)/ruff check --fix server tests
	$(BIN)/ruff format server tests
	$(BIN)/python -m branchwork.protocol.generate

setup:
	@.ci/setup dev

setup-run:
	@.ci/setup run
