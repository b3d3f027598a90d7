"""Entries as text: what a person sees, and what an agent can't make a terminal do."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branchwork.agents.acp.fold import Fold
from branchwork.agents.render import Renderer, clean, text_of
from branchwork.agents.text_fold import TextFold
from support.agent_journal import Journal, fold_all, wire

WIRES = sorted((Path(__file__).parent / "transcripts").glob("*-1.jsonl"))


def streamed(journal: Journal) -> str:
    renderer = Renderer()
    return "".join(renderer.delta(delta) for delta in fold_all(Fold(), journal.records))


def test_a_growing_message_is_written_as_it_grows(journal: Journal) -> None:
    for part in ("one", " two\nth", "ree\n", "four"):
        journal.say(part)
    assert streamed(journal) == "one two\nthree\nfour"


def test_what_comes_between_gets_a_line_of_its_own(journal: Journal) -> None:
    journal.say("a wo")
    journal.add("e", "phase 1")
    journal.add("e", "phase 2")
    journal.say("rd")
    assert streamed(journal) == "a wo\n! phase 1\n! phase 2\nrd"


def test_a_tool_call_is_told_at_its_start_and_at_its_end(journal: Journal) -> None:
    journal.update("tool_call", toolCallId="t", title="make", kind="execute")
    journal.update("tool_call_update", toolCallId="t", status="in_progress")
    text = {"type": "content", "content": {"type": "text", "text": "```\nok\n```"}}
    journal.update("tool_call_update", toolCallId="t", status="completed", content=[text])
    assert streamed(journal) == "[execute] make\n[execute] make: done\n    ok\n"


def test_terminal_output_is_told_while_it_comes_and_once(journal: Journal) -> None:
    journal.update("tool_call", toolCallId="t", title="make", kind="execute")
    for part in ("one\n", "two\n"):
        meta = {"terminal_output_delta": {"data": part}}
        journal.update("tool_call_update", toolCallId="t", _meta=meta)
    journal.update("tool_call_update", toolCallId="t", status="completed")
    expected = "[execute] make\n    one\n    two\n[execute] make: done\n"
    assert streamed(journal) == expected


def test_long_output_is_shortened(journal: Journal) -> None:
    lines = "\n".join(str(number) for number in range(100))
    text = {"type": "content", "content": {"type": "text", "text": lines}}
    journal.update("tool_call", toolCallId="t", title="seq", status="completed", content=[text])
    shown = streamed(journal).splitlines()
    assert len(shown) == 22
    assert shown[-1] == "    … 80 more lines"


@pytest.mark.parametrize("path", WIRES, ids=[path.stem for path in WIRES])
def test_a_real_conversation_reads_the_same_live_and_later(path: Path) -> None:
    """Live it says more (titles that changed, plans that moved), but all that counts is in both."""
    fold, renderer = Fold(), Renderer()
    live = "".join(renderer.delta(delta) for delta in fold_all(fold, wire(path)))
    later = text_of(fold.entries)
    for text in (live, later):
        assert "> please create the file" in text
        assert text.count("-- end of turn: end_turn") == 3
        assert text.count("-- end of turn: cancelled") == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("\x9b2Jx\x07\x08\x7f", "2Jx"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
)
def test_sequences_are_taken_out(said: str, shown: str) -> None:
    assert clean(said) == shown


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(alphabet="a\x1b[]\x07\x9b\r\n\\;0m\x00\u2028", max_size=12), max_size=6))
def test_no_control_character_gets_through(parts: list[str]) -> None:
    journal = Journal()
    for part in parts:
        journal.say(part)
        journal.add("e", part)
        journal.update("tool_call", toolCallId=part or "t", title=part, status="completed")
    for text in (streamed(journal), text_of(_fold(journal).entries)):
        assert not [c for c in text if c not in "\n\t" and (c < " " or "\x7f" <= c <= "\x9f")]


def _fold(journal: Journal) -> Fold:
    fold = Fold()
    fold_all(fold, journal.records)
    return fold


def test_a_script_is_just_its_output(journal: Journal) -> None:
    for line in ("one", "", "two"):
        journal.add("o", line)
    fold = TextFold()
    fold_all(fold, journal.records)
    assert text_of(fold.entries) == "one\n\ntwo"
    assert [e.kind.value for e in fold.entries] == ["script_output"]
