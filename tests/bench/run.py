"""All figures in one run, on real processes: the table to the terminal, the numbers to a file."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench import checkouts, logs, machine, memory, neovim, place, requests, starts, vscode
from bench.figure import QUIET_PERCENT, Figure, table
from bench.place import Place
from bench.size import FULL, SMALL, Size
from support.npm_tools import CannotInstall

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "build" / "bench.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by `make bench ARGS=--write` -->\n", "<!-- end of figures -->\n"

# In this order: the first start of all makes the database that the others find.
GROUPS: dict[str, Callable[[Place, Size], list[Figure]]] = {
    "cold": starts.cold,
    "memory": memory.idle,
    "warm": starts.warm,
    "empty": requests.empty,
    "lists": requests.lists,
    "lines": logs.lines,
    "flood": logs.flood,
    "workspaces": checkouts.creation,
    "neovim": neovim.plugin,
    "vscode": vscode.extension,
    "afterwards": memory.afterwards,
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), metavar="GROUP")
    parser.add_argument("--json", type=Path, default=RESULT)
    parser.add_argument(
        "--quick", action="store_true", help="see that it works; the figures say nothing"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the table into docs/performance.md"
    )
    options = parser.parse_args(argv)
    began = time.monotonic()
    load = os.getloadavg()[0]
    figures, left_out = _measured(options.only, SMALL if options.quick else FULL)
    shown = f"{machine.described()}.\n\n{table(figures)}\n\n{_summary(figures, left_out)}\n"
    print(f"\n{shown}")
    for figure in figures:
        if figure.note:
            print(f"- {figure.name}: {figure.note}")
    print(f"\nIt took {time.monotonic() - began:.0f} s; the load before was {load:.1f}.")
    if options.write:
        _write_page(shown)
    found = {
        "machine": machine.described(),
        "load": load,
        "figures": [figure.to_json() for figure in figures],
        "leftOut": left_out,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _summary(figures: Sequence[Figure], left_out: Mapping[str, str]) -> str:
    missed = sum(figure.verdict == "missed" for figure in figures)
    goals = sum(figure.verdict != "shown" for figure in figures)
    told = f"{goals - missed} of {goals} goals met."
    if any(figure.is_loaded for figure in figures):
        told += "\nOthers used this machine meanwhile: `best` and the ratios tell more."
    for group, why in left_out.items():
        told += f"\nNOT MEASURED: {group}. {why}"
    return told


def _write_page(shown: str) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{shown}\n{END}{after}", "utf-8")


def _in_quiet(
    group: Callable[[Place, Size], list[Figure]], made: Place, size: Size
) -> list[Figure]:
    """Wait a little for others to be done; what they use before or after is told."""
    busy = machine.wait_for_quiet(QUIET_PERCENT, size.patience)
    figures = group(made, size)
    busy = max(busy, machine.busy_percent())
    return [replace(figure, busy=busy) for figure in figures]


def _measured(groups: Sequence[str], size: Size) -> tuple[list[Figure], dict[str, str]]:
    """The figures, and why a group has none: a machine may have no way to an editor."""
    figures: list[Figure] = []
    left_out: dict[str, str] = {}
    with place.made() as made:
        if "cold" not in groups:
            made.editor().close()
        for name, group in GROUPS.items():
            if name in groups:
                print(f"{name} …", file=sys.stderr, flush=True)
                try:
                    figures += _in_quiet(group, made, size)
                except (pytest.skip.Exception, CannotInstall) as missing:
                    left_out[name] = " ".join(str(missing).split())
                    print(f"{name} IS LEFT OUT: {left_out[name]}", file=sys.stderr, flush=True)
    return figures, left_out
