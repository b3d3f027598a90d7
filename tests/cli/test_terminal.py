"""What a verb prints: plain in a pipe, coloured on a terminal, never what an agent smuggled in."""

import io
import os
import pty

import pytest

from branchwork.cli.terminal import YELLOW, Terminal


class Pipe(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return False


def on_a_terminal(**variables: str) -> str:
    """What a step looks like on a real pseudo-terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as out:
        terminal = Terminal(out, {"TERM": "xterm", **variables})
        terminal.step("A step")
        terminal.say("It waits", YELLOW)
    with os.fdopen(ours, "rb", buffering=0) as screen:
        return b"".join(iter(lambda: _read(screen), b"")).decode()


def _read(screen: io.RawIOBase) -> bytes:
    """The end of a pseudo-terminal is an error on Linux."""
    try:
        return screen.read(4096) or b""
    except OSError:
        return b""


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[33mIt waits\x1b[0m" in on_a_terminal()
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(TERM="dumb")


def test_steps_are_counted() -> None:
    out = Pipe()
    terminal = Terminal(out)

    assert [terminal.step("One"), terminal.step("Two")] == [1, 2]
    assert out.getvalue() == "\n 1  One\n\n 2  Two\n"


def test_a_text_that_grows_in_pieces_is_shown_once_beside_a_bar() -> None:
    out = Pipe()
    terminal = Terminal(out)

    for piece in ("I will ", "look", " at it.\nThen", " I wr", "ite.\n", "\nDone"):
        terminal.live(piece)
    terminal.end_live()

    assert out.getvalue().splitlines() == [
        "    │ I will look at it.",
        "    │ Then I write.",
        "    │",
        "    │ Done",
    ]


def test_a_growing_text_is_folded_between_words() -> None:
    out = Pipe()
    terminal = Terminal(out)

    terminal.live("word " * 40)
    terminal.end_live()

    lines = out.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "".join(line.removeprefix("    │ ") + " " for line in lines).split() == ["word"] * 40


def test_a_sentence_in_between_ends_the_line_that_grows() -> None:
    out = Pipe()
    terminal = Terminal(out)

    terminal.live("half a")
    terminal.say("It waits.")
    terminal.live(" line")
    terminal.end_live()

    assert out.getvalue().splitlines() == ["    │ half a", "    It waits.", "    │  line"]


@pytest.mark.parametrize("smuggled", ["\x1b[2J", "\x1b]0;title\x07", "\x07", "\r", "\x9b31m"])
def test_control_sequences_do_not_reach_the_terminal(smuggled: str) -> None:
    out = Pipe()
    terminal = Terminal(out)

    for show in (terminal.say, terminal.lines, terminal.diff, terminal.live, terminal.exactly):
        show(f"+a{smuggled}b\n")

    assert not {"\x1b", "\x07", "\r", "\x9b"} & set(out.getvalue())


def test_paths_stay_whole() -> None:
    out = Pipe()
    path = "/a/very-long-path" * 8

    Terminal(out).say(f"It lies in {path} now.")

    assert path in out.getvalue()


def test_wide_characters_count_twice() -> None:
    out = Pipe()
    terminal = Terminal(out)

    terminal.live("漢字 " * 20)
    terminal.end_live()

    assert len(out.getvalue().splitlines()) == 2
