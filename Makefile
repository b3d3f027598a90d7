# Two commands are enough: `make demo` and `make test`. Both set up what they need in .venv.
# Another Python: `make PYTHON=/path/to/python3 demo`. Arguments: `make demo ARGS="--keep"`.

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
export PYTHON
# node, which some tests install, is to trust the certificates that the machine trusts.
export NODE_USE_SYSTEM_CA ?= 1

VSCODE := editor-clients/vscode

.PHONY: help demo test test-fast test-editors check chaos bench pictures vsix format setup setup-run

help:
	@echo "make demo          the main job once, from a selection to a merged branch"
	@echo "make test          all checks, and all tests but the long ones"
	@echo "make test-fast     the tests that need no real editor, no real agent and no chaos"
	@echo "make test-editors  all stories in real editors, the long ones too"
	@echo "make chaos         kill -9 of daemons and shims, in full number; takes a while"
	@echo "make check         format, lint, types, import contracts, generated files"
	@echo "make bench         the figures of docs/performance.md"
	@echo "make pictures      the pictures of the README, by the tests that make them"
	@echo "make vsix          the extension for VS Code, as a file to install"
	@echo "make format        put the code into its form and write the generated files"

demo: setup-run
	@$(BIN)/branchwork demo $(ARGS)

test: check
	$(PYTEST) $(ARGS)

test-fast: setup
	$(PYTEST) -m "not editor and not agent and not chaos and not long" $(ARGS)

test-editors: setup
	$(PYTEST) -m editor $(ARGS)

check: setup
	$(BIN)/ruff format --check server tests
	$(BIN)/ruff check server tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m branchwork.protocol.generate --check

chaos: setup
	BRANCHWORK_CHAOS_ROUNDS=50 $(PYTEST) -m chaos --timeout=0 $(ARGS)

bench: setup
	$(BIN)/python tests/bench/main.py $(ARGS)

# As in CI, where a test that can't install what it needs fails and is not skipped.
pictures: setup
	CI=true $(PYTEST) -m editor tests/editors/test_neovim_picture.py tests/editors/vscode/test_picture.py $(ARGS)
	mkdir -p docs/images
	cp build/screenshots/neovim.png build/screenshots/vscode.png docs/images

vsix: setup-run $(VSCODE)/node_modules/.installed
	@.ci/wheel $(VSCODE)/server
	cd $(VSCODE) && npm run --silent package

$(VSCODE)/node_modules/.installed: $(VSCODE)/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)' || \
		{ echo "The extension is built with Node.js 22 or newer and its npm: install it." >&2; exit 1; }
	cd $(VSCODE) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

format: setup
	$(BIN)/ruff check --fix server tests
	$(BIN)/ruff format server tests
	$(BIN)/python -m branchwork.protocol.generate

setup:
	@.ci/setup dev

setup-run:
	@.ci/setup run
