"""How a verb talks to a person: steps, sentences and live output that fit a plain terminal.

Colours only where there is a terminal that wants them; nothing that an agent printed reaches it
uncleaned.
"""

import os
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Mapping
from typing import TextIO

from branchwork.agents.render import clean

WIDEST, NARROWEST = 80, 40
INDENT = "    "
MARK_WIDTH = 9

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"
_DIFF_COLOURS = {"+": GREEN, "-": RED, "@": CYAN}


class Terminal:
    """Writes to one stream. `live` keeps a column, so that its text may come in any pieces."""

    def __init__(self, out: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self._out = out
        is_tty = out.isatty()
        plain = environ.get("NO_COLOR") or environ.get("TERM", "") in ("", "dumb")
        self._coloured = is_tty and not plain
        columns = shutil.get_terminal_size((WIDEST, 24)).columns if is_tty else WIDEST
        self.width = max(NARROWEST, min(WIDEST, columns))
        is_unicode = (out.encoding or "").lower().replace("-", "") == "utf8"
        self._bar = "│ " if is_unicode else "| "
        self._steps = 0
        self._column = 0
        # Spaces that are shown only when a word follows on the same line.
        self._gap = ""

    def title(self, text: str) -> None:
        """The first line of all."""
        self._line(self._painted(BOLD, text))

    def step(self, text: str) -> int:
        """A numbered heading; gives its number."""
        self._steps += 1
        self.end_live()
        number = f"{self._steps:2}"
        self._line("")
        self._line(f"{self._painted(CYAN, number)}  {self._painted(BOLD, text)}")
        return self._steps

    def say(self, text: str, colour: str = "") -> None:
        """A paragraph, cleaned and wrapped."""
        self.end_live()
        width = self.width - len(INDENT)
        for line in clean(text).splitlines() or [""]:
            for part in _wrapped(line, width):
                self._line(INDENT + self._painted(colour, part) if part else "")

    def heading(self, text: str) -> None:
        """A line of its own after an empty one."""
        self.end_live()
        self._line("")
        self._line(self._painted(BOLD, clean(text)))

    def item(self, mark: str, colour: str, text: str) -> None:
        """A text that stands beside its mark; without a mark it stands below the text before."""
        self.end_live()
        margin = " " * (len(INDENT) + MARK_WIDTH)
        shown = INDENT + self._painted(colour, mark) + " " * (MARK_WIDTH - len(mark))
        for line in clean(text).splitlines():
            for part in _wrapped(line, self.width - len(margin)):
                self._line(shown + part)
                shown = margin

    def exactly(self, text: str) -> None:
        """Lines to be copied, whatever their width."""
        self.end_live()
        for line in clean(text).splitlines():
            self._line(INDENT + line)

    def lines(self, text: str) -> None:
        """Lines as they are, beside a bar; only what is too wide is folded."""
        self.end_live()
        width = self.width - len(INDENT) - len(self._bar)
        for line in clean(text).expandtabs(4).splitlines():
            for part in _wrapped(line, width, _indent(line) + "  "):
                self._beside_bar(part)

    def diff(self, patch: str) -> None:
        """A unified diff."""
        self.end_live()
        for line in clean(patch).splitlines():
            is_head = line.startswith(("+++", "---"))
            colour = BOLD if is_head else _DIFF_COLOURS.get(line[:1], "")
            self._beside_bar(self._painted(colour, line.expandtabs(4)))

    def live(self, text: str) -> None:
        """A piece of a text that grows, beside a bar, folded between words."""
        for piece in re.findall(r"\n|[^\S\n]+|\S+", clean(text).expandtabs(4)):
            if piece == "\n":
                self._end_live_line()
            elif piece.isspace():
                self._gap += piece
            else:
                self._live_word(piece)
        self._out.flush()

    def end_live(self) -> None:
        """The line that was grown is over."""
        if self._column:
            self._end_live_line()
        self._gap = ""

    def ask(self, question: str) -> str | None:
        """A line that the person types; None at the end of the input."""
        self.end_live()
        try:
            return input(INDENT + self._painted(YELLOW, question) + " ")
        except EOFError:
            self._line("")
            return None

    def _live_word(self, word: str) -> None:
        if self._column and self._column + len(self._gap) + _width(word) > self.width:
            self._end_live_line()
        if not self._column:
            self._out.write(INDENT + self._painted(DIM, self._bar))
            self._column = len(INDENT) + len(self._bar)
        self._out.write(self._gap + word)
        self._column += len(self._gap) + _width(word)
        self._gap = ""

    def _end_live_line(self) -> None:
        if self._column:
            self._line("")
        else:
            self._beside_bar("")
        self._column, self._gap = 0, ""

    def _beside_bar(self, text: str) -> None:
        bar = self._bar if text else self._bar.rstrip()
        self._line(INDENT + self._painted(DIM, bar) + text)

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def _painted(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured and colour and text else text


def _wrapped(line: str, width: int, indent: str = "") -> list[str]:
    """Between words only: paths and addresses stay whole."""
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(line) or [""]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _width(text: str) -> int:
    """How many columns it takes."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
