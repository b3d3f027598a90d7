"""How the demo chooses an answer: by itself, or by what the person at the terminal types."""

import io
import sys

import msgspec
import pytest

from branchwork.cli.demo_watch import StepFailed, allow, ask_at
from branchwork.cli.terminal import Terminal
from branchwork.protocol import examples
from branchwork.protocol.attention import AttentionItem

KINDS = ("reject_once", "allow_always", "allow_once")


def request(*kinds: str) -> AttentionItem:
    options = [{"id": kind, "kind": kind, "name": kind.title()} for kind in kinds]
    return msgspec.convert({**examples.ATTENTION_ITEM, "options": options}, AttentionItem)


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        (KINDS, "allow_once"),
        (("reject_once", "allow_always"), "allow_always"),
        (("something", "else"), "else"),
    ],
)
def test_alone_it_allows_as_little_as_it_can(kinds: tuple[str, ...], chosen: str) -> None:
    assert allow(request(*kinds)).id == chosen


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("2\n", "allow_always"),
        ("yes\n9\n0\n 3 \n", "allow_once"),
        ("", "reject_once"),
    ],
)
def test_a_person_chooses_by_number_and_silence_is_a_no(
    typed: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))

    option = ask_at(Terminal(out))(request(*KINDS))

    assert option.id == chosen
    assert "2  Allow_Always" in out.getvalue()


def test_silence_never_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    with pytest.raises(StepFailed, match="Nobody answered"):
        ask_at(Terminal(io.StringIO()))(request("allow_once", "allow_always"))
