"""Whether one can go on typing in VS Code while a log runs through its terminal."""

import re
import time
from dataclasses import dataclass

from bench.board import Board
from bench.figure import Figure, median, spread
from bench.logs import PACE, Child, paced
from bench.size import Size
from support.vscode import Window

NAME = "vscode-flood"
# A letter each so many seconds, which is fast for a person.
KEY_SECONDS = 0.06
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LOOK_MILLISECONDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What a person feels of it, in milliseconds."""

    pauses: list[float]
    keys: list[float]


def figures(found: Board, window: Window, size: Size) -> list[Figure]:
    """The log of a script in the terminal, a file above it, and somebody who types."""
    lines = size.editor_flood_lines
    seconds = lines / PACE
    child = Child(found.place, "vscode-flood", paced(lines))
    window.run("Branchwork: Show Log")
    window.terminal("setup script").first.wait_for()
    window.open("cart.py")
    window.line("return items").click()
    window.page.keyboard.press("Control+End")
    _begin(window, "calm")
    _type(window, seconds)
    calm = _end(window)
    window.page.keyboard.press("Enter")
    _begin(window, "flood")
    child.go()
    went = time.monotonic()
    _type(window, seconds)
    window.terminal(re.compile(rf"^{lines - 1} a line")).wait_for()
    took = time.monotonic() - went
    flood = _end(window)
    child.editor.close()
    _check_whole(window, lines)
    return _figures(calm, flood, f"{lines:,} lines, the last seen after {took:.1f} s")


def _begin(window: Window, name: str) -> None:
    """A comment of its own, at the cursor."""
    mark = f"#{name}:"
    window.page.keyboard.type(mark)
    window.line(mark).wait_for()
    window.page.evaluate("mark => bench.watchTyping(mark)", mark)
    window.page.evaluate("bench.watchPauses()")


def _type(window: Window, seconds: float) -> None:
    """By the clock, for so long."""
    began = time.monotonic()
    for number in range(int(seconds / KEY_SECONDS)):
        wait = began + number * KEY_SECONDS - time.monotonic()
        window.page.wait_for_timeout(max(0.0, wait * 1000))
        window.page.keyboard.press(LETTERS[number % len(LETTERS)])


def _end(window: Window) -> Felt:
    """When every letter is there."""
    page = window.page
    page.wait_for_function("bench.typed.length === bench.keys.length", polling=LOOK_MILLISECONDS)
    page.evaluate("bench.stopPauses()")
    page.evaluate("bench.stopTyping()")
    return Felt(pauses=page.evaluate("bench.late"), keys=page.evaluate("bench.typed"))


def _check_whole(window: Window, lines: int) -> None:
    """The last lines that the terminal shows follow one another."""
    rows = window.terminal(re.compile(r"^\d+ a line")).all_inner_texts()
    numbers = [int(row.partition("\u00a0")[0].partition(" ")[0]) for row in rows]
    assert numbers == list(range(lines - len(numbers), lines)), f"the log ends with {numbers}"


def _figures(calm: Felt, flood: Felt, note: str) -> list[Figure]:
    return [
        Figure(
            name=f"VS Code's longest pause, a log of {PACE:,} lines/s",
            unit="ms",
            measured=max(flood.pauses),
            goal=100.0,
            versus=max(calm.pauses),
            versus_name="without it",
            note=f"p99 {spread(flood.pauses, 99):.0f} ms; {note}",
        ),
        Figure(
            name="a typed character in VS Code meanwhile, p99",
            unit="ms",
            measured=spread(flood.keys, 99),
            best=min(flood.keys),
            goal=100.0,
            versus=spread(calm.keys, 99),
            versus_name="without it",
            rounds=len(flood.keys),
            note=f"p50 {median(flood.keys):.0f} ms, without it {median(calm.keys):.0f} ms",
        ),
    ]
