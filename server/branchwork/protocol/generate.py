"""Writes what is generated from the protocol: `python -m branchwork.protocol.generate [--check]`.

With `--check` nothing is written: stale files are named, and then the exit code is 1.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from branchwork.protocol.generate_lua import lua
from branchwork.protocol.generate_page import page
from branchwork.protocol.generate_typescript import typescript

CHECKOUT = Path(__file__).resolve().parents[3]
WRITERS: Mapping[str, Callable[[], str]] = {
    "editor-clients/vscode/src/protocol.ts": typescript,
    "editor-clients/nvim/lua/branchwork/protocol.lua": lua,
    "docs/protocol.md": page,
}


def stale(root: Path) -> list[str]:
    """The files that are not what the protocol says now."""
    return [name for name, writer in WRITERS.items() if _text(root / name) != writer()]


def write(root: Path) -> None:
    """Write all of them."""
    for name, writer in WRITERS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(writer(), encoding="utf-8")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m branchwork.protocol.generate")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    parser.add_argument("--root", type=Path, default=CHECKOUT, help="the checkout")
    options = parser.parse_args(argv)
    if not options.check:
        write(options.root)
        return 0
    names = stale(options.root)
    for name in names:
        print(f"{name} is stale: run `python -m branchwork.protocol.generate`")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
