"""How a turn ends, by what the agent answered and by what became of its process."""

import json
from dataclasses import replace
from typing import Any

import pytest

from branchwork.agents.acp.agent import AcpAgent
from branchwork.agents.acp.fold import Fold
from branchwork.agents.agent import Ended, Exit, Inputs, Turn
from support.agent_journal import Journal, fold_all

TURN = Turn(prompt="do it", cwd="/r", mode="ask", login_hint="Run `x login`.")
METHODS = [{"id": "oauth", "name": "Log in with Google", "description": "In a browser"}]
LATER = 10_000_000


def sent(journal: Journal, id_: int, method: str, **params: Any) -> None:
    message = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    journal.add("i", json.dumps(message), method)


def started(journal: Journal) -> Journal:
    """Up to the prompt, which has no answer yet."""
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 1, "authMethods": METHODS})
    sent(journal, 1, "session/new", cwd="/r", mcpServers=[])
    journal.agent(id=1, result={"sessionId": "s1"})
    sent(journal, 2, "session/prompt", sessionId="s1", prompt=[{"type": "text", "text": "do it"}])
    return journal


def answered(journal: Journal, stop_reason: str) -> Journal:
    journal.agent(id=2, result={"stopReason": stop_reason})
    return journal


def cancel(journal: Journal) -> None:
    journal.add("i", json.dumps({"method": "session/cancel", "params": {}}), "cancel")


def outcome(
    journal: Journal,
    *,
    turn: Turn = TURN,
    after_ms: int = 0,
    exited: Exit | None = None,
    **inputs: Any,
) -> Ended | None:
    """The outcome so long after the last record."""
    fold = Fold()
    fold_all(fold, journal.records)
    now = (journal.records[-1].t if journal.records else 0) + after_ms
    return AcpAgent().outcome(fold, turn, Inputs(**inputs), now_ms=now, exited=exited)


def words(ended: Ended | None) -> tuple[str, str]:
    assert ended is not None
    return ended.status.value, ended.reason


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [
        ("end_turn", ("Completed", "endTurn")),
        ("cancelled", ("Completed", "cancelledByAgent")),
        ("max_tokens", ("Failed", "maxTokens")),
        ("max_turn_requests", ("Failed", "maxTurnRequests")),
        ("refusal", ("Failed", "refusal")),
        ("bored", ("Failed", "stopped")),
    ],
)
def test_the_answer_decides(journal: Journal, stop_reason: str, expected: tuple[str, str]) -> None:
    assert outcome(started(journal)) is None
    assert words(outcome(answered(journal, stop_reason))) == expected


def test_a_cancel_that_nobody_asked_for_holds_the_queue(journal: Journal) -> None:
    ended = outcome(answered(started(journal), "cancelled"))
    assert ended is not None
    assert ended.holds_queue


def test_the_exit_code_does_not_matter_after_the_answer(journal: Journal) -> None:
    answered(started(journal), "end_turn")
    assert words(outcome(journal, exited=Exit(code=1))) == ("Completed", "endTurn")


def test_it_is_quiet_for_a_while_before_it_is_over(journal: Journal) -> None:
    answered(started(journal), "end_turn")
    turn = replace(TURN, quiet_seconds=2)
    assert outcome(journal, turn=turn, after_ms=1999) is None
    assert outcome(journal, turn=turn, after_ms=2000) is not None
    journal.say("one more thing")
    assert outcome(journal, turn=turn, after_ms=1999) is None
    assert outcome(journal, turn=turn, exited=Exit(code=0)) is not None


def test_an_open_tool_call_is_waited_for_but_not_for_ever(journal: Journal) -> None:
    started(journal)
    journal.update("tool_call", toolCallId="t", title="in the background", status="in_progress")
    answered(journal, "end_turn")
    assert outcome(journal, after_ms=59_999) is None
    assert words(outcome(journal, after_ms=60_000)) == ("Completed", "endTurn")
    journal.update("tool_call_update", toolCallId="t", status="completed")
    assert outcome(journal) is not None


def test_a_person_stopped_it(journal: Journal) -> None:
    started(journal)
    assert outcome(journal, cancel=True) is None
    cancel(journal)
    assert outcome(journal) is None
    answered(journal, "cancelled")
    assert words(outcome(journal)) == ("Killed", "stopped")


def test_an_error_after_a_cancel_is_a_stop(journal: Journal) -> None:
    cancel(started(journal))
    journal.agent(id=2, error={"code": -32603, "message": "aborted"})
    assert words(outcome(journal)) == ("Killed", "stopped")


def test_an_agent_that_ignores_a_cancel_is_not_waited_for(journal: Journal) -> None:
    cancel(started(journal))
    assert outcome(journal, after_ms=9_999, cancel=True) is None
    assert words(outcome(journal, after_ms=10_000, cancel=True)) == ("Killed", "stopped")


def test_stopped_before_the_prompt(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    assert words(outcome(journal, cancel=True)) == ("Killed", "stopped")


def test_a_stop_after_the_end_leaves_it_completed(journal: Journal) -> None:
    started(journal)
    journal.update("tool_call", toolCallId="t", title="in the background", status="in_progress")
    answered(journal, "end_turn")
    assert words(outcome(journal, cancel=True)) == ("Completed", "endTurn")


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32000, "message": "Authentication required"},
        {"code": -32603, "message": "Internal error", "data": {"details": "Invalid API key"}},
        {"code": 1, "message": "Not logged in · Please run /login"},
    ],
)
def test_a_missing_login_says_what_to_do(journal: Journal, error: dict[str, Any]) -> None:
    started(journal)
    journal.agent(id=2, error=error)
    ended = outcome(journal)
    assert words(ended) == ("Failed", "needsLogin")
    assert ended is not None
    assert "Run `x login`." in ended.sentence
    assert "Log in with Google (In a browser)" in ended.sentence


def test_a_missing_login_may_stand_on_standard_error(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.add("e", "Error: not logged in")
    assert words(outcome(journal, exited=Exit(code=1))) == ("Failed", "needsLogin")


def test_an_error_of_the_prompt(journal: Journal) -> None:
    started(journal)
    journal.agent(id=2, error={"code": -32603, "message": "Internal error", "data": "overloaded"})
    ended = outcome(journal)
    assert words(ended) == ("Failed", "agentError")
    assert ended is not None
    assert "overloaded" in ended.sentence


@pytest.mark.parametrize(
    ("exited", "said"),
    [
        (Exit(code=3), "exit code 3"),
        (Exit(code=137, signal=9), "signal 9"),
        (Exit(), "unknown exit code"),
    ],
)
def test_an_end_before_the_answer(journal: Journal, exited: Exit, said: str) -> None:
    started(journal).add("e", "Segmentation fault")
    ended = outcome(journal, exited=exited)
    assert words(ended) == ("Failed", "agentExited")
    assert ended is not None
    assert said in ended.sentence
    assert "Segmentation fault" in ended.sentence


def test_an_executable_that_is_none(journal: Journal) -> None:
    journal.event("execFailed", error="Permission denied")
    ended = outcome(journal, exited=Exit(code=126))
    assert words(ended) == ("Failed", "agentNotStarted")
    assert ended is not None
    assert "Permission denied" in ended.sentence


def test_something_that_speaks_another_language(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.add("o", "usage: x [--help]")
    assert words(outcome(journal, exited=Exit(code=0))) == ("Failed", "garbage")
    assert outcome(journal) is None
    assert words(outcome(journal, after_ms=LATER)) == ("Failed", "garbage")


def test_noise_before_the_first_answer_does_not_keep_it_alive(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    for _ in range(20_000):
        journal.add("o", "tick")
    assert words(outcome(journal)) == ("Failed", "garbage")


def test_an_agent_that_hangs_at_initialize(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    assert outcome(journal, after_ms=179_999) is None
    assert words(outcome(journal, after_ms=180_000)) == ("Failed", "notResponding")
    downloading = replace(TURN, start_seconds=None)
    assert outcome(journal, turn=downloading, after_ms=LATER) is None


def test_a_long_history_is_waited_for(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 1})
    sent(journal, 1, "session/load", cwd="/r", mcpServers=[], sessionId="old")
    for _ in range(20_000):
        journal.say("old")
    assert outcome(journal) is None


def test_a_prompt_may_take_as_long_as_it_likes(journal: Journal) -> None:
    assert outcome(started(journal), after_ms=LATER) is None


def test_another_version_of_the_protocol(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 2})
    assert words(outcome(journal)) == ("Failed", "protocolVersion")


def test_a_session_without_an_id(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 1})
    sent(journal, 1, "session/new", cwd="/r", mcpServers=[])
    journal.agent(id=1, result=None)
    assert words(outcome(journal)) == ("Failed", "agentError")


def test_a_mode_that_is_not_there(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 1})
    sent(journal, 1, "session/new", cwd="/r", mcpServers=[])
    modes = {"currentModeId": "auto", "availableModes": [{"id": "auto", "name": "Auto"}]}
    journal.agent(id=1, result={"sessionId": "s1", "modes": modes})
    ended = outcome(journal)
    assert words(ended) == ("Failed", "modeUnavailable")
    assert ended is not None
    assert "auto" in ended.sentence


def test_too_much_output(journal: Journal) -> None:
    started(journal).event("limit", bytes=1, error="The agent was ended because it wrote too much.")
    assert words(outcome(journal, exited=Exit(code=143, signal=15))) == ("Failed", "outputLimit")
