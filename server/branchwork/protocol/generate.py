"""Writes what is generated from the protocol: `python -m branchwork.protocol.generate [--check]`.

With `--check` nothing is written: stale files are named, and then the exit code is 1.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from branchwork.protocol.generate_lua import lua
from branchwork.protocol.generate_page import page
from branchwork.protocol.generate_settings import package_json
from branchwork.protocol.generate_typescript import typescript

CHECKOUT = Path(__file__).resolve().parents[3]
WRITERS: Mapping[str, Callable[[str], str]] = {
    "editor-clients/vscode/src/protocol.ts": lambda _: typescript(),
    "editor-clients/vscode/package.json": package_json,
    "editor-clients/nvim/lua/branchwork/protocol.lua": lambda _: lua(),
    "docs/protocol.md": lambda _: page(),
}
"""From the text that stands there to the one that should: a file may be generated in part."""


def stale(root: Path) -> list[str]:
    """The files that are not what the protocol says now."""
    texts = {name: _text(root / name) for name in WRITERS}
    return [name for name, writer in WRITERS.items() if texts[name] != writer(texts[name])]


def write(root: Path) -> None:
    """Write all of them."""
    for name, writer in WRITERS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(writer(_text(path)), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


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
