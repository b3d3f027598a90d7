"""Pieces of Markdown in which text of agents and repositories stays text: no fence that it could
close, no comment that it could open, no command to click. Nothing of our nouns is known here.
"""

import re
import zlib

from branchwork.agents import render

_SCHEMES = r"(?!https?:|mailto:)[a-z][a-z0-9+.-]*+(?::\S|&)"
# What begins a comment, a link with a command in it, or a link that may hide one.
_ACTIVE = re.compile(
    rf"(?P<bracket>\])(?P<link>\\*+)(?=[(:]\s*+(?:[\\&<]|{_SCHEMES}))"
    r"|(?<!\\)(?P<angle>\\*+)(?=<!--|<command:)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[\\\[\]<`]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_OTHER_LINE_ENDS = re.compile(r"[\x80-\x9f\u2028\u2029]")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<rest>.*)")


def escaped(text: str) -> str:
    """The text with a backslash before what would be more than text; `unescaped` takes it away."""
    return _ACTIVE.sub(lambda match: _bracket(match) + _backslashes(match) * 2 + "\\", text)


def unescaped(text: str) -> str:
    """What `escaped` was given; what a person has typed without escaping it stays as it is."""
    return _ACTIVE.sub(_unescape, text)


def line(text: str) -> str:
    """A text of one line, to stand in a paragraph or a heading."""
    return escaped(plain_line(text))


def plain_line(text: str) -> str:
    """A text on one line without control characters and broken ones."""
    return render.inline(_whole(text))


def plain(text: str) -> str:
    """A text of several lines without control characters and broken ones."""
    return render.clean(_whole(text))


def label(text: str) -> str:
    """A text to stand between the brackets of a link."""
    return _LABEL.sub(r"\\\g<0>", plain_line(text))


def link(text: str, target: str) -> str:
    """A link; the target is one of ours."""
    return f"[{label(text)}]({target})"


def code(text: str) -> str:
    """A name to be read letter by letter."""
    content = plain_line(text)
    ticks = "`" * (_longest_run(content) + 1)
    space = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{ticks}{space}{content}{space}{ticks}" if content else ""


def fenced(text: str, language: str = "") -> str:
    """Foreign text as a block that ends where we end it."""
    return _fenced(escaped(plain(text)), language)


def fenced_patch(patch: str) -> str:
    """A patch, character by character: each of its lines has a mark before what is foreign.

    Control characters are shown as pictures, as an editor would make line ends of some of them.
    """
    shown = _CONTROLS.sub(lambda match: _picture(match[0]), _whole(patch))
    return _fenced(_OTHER_LINE_ENDS.sub("\ufffd", shown), "diff")


def closing_fence(text: str) -> str:
    """The line that ends a block which the text leaves open, else nothing."""
    opened = ""
    for current in text.split("\n"):
        match = _FENCE.fullmatch(current)
        if match is None:
            continue
        fence, rest = match["fence"], match["rest"]
        if not opened:
            opened = "" if fence[0] == "`" and "`" in rest else fence
        elif fence.startswith(opened) and not rest.strip():
            opened = ""
    return opened


def digest(*texts: str) -> str:
    """A short mark by which a later look sees whether the texts are still the same."""
    return f"{zlib.crc32(chr(0).join(texts).encode('utf-8', 'replace')):08x}"


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _whole(text: str) -> str:
    """File names that are no UTF-8 come with halves of characters that can't be written."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _picture(character: str) -> str:
    return "\u2421" if character == "\x7f" else chr(0x2400 + ord(character))


def _unescape(match: re.Match[str]) -> str:
    """We write an odd number of backslashes; an even one was typed and escapes nothing."""
    count = len(_backslashes(match))
    return _bracket(match) + "\\" * (count // 2 if count % 2 else count)


def _bracket(match: re.Match[str]) -> str:
    return match["bracket"] or ""


def _backslashes(match: re.Match[str]) -> str:
    return match["link"] or match["angle"] or ""
