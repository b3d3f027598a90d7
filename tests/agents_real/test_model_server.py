"""The scripted model itself, without an agent: what its answers depend on, and how it ends."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.model_script import Edit, Fail, Hold, Say, Write
from support.model_server import ModelServer

WRITE_TOOL = {
    "name": "Write",
    "input_schema": {"properties": {"file_path": {}, "content": {}}, "required": ["file_path"]},
}


def ask(models: ModelServer, *messages: tuple[str, str], tools: bool = True) -> dict[str, Any]:
    """One whole answer of the Anthropic kind to a history of (role, text)."""
    body: dict[str, Any] = {
        "messages": [{"role": role, "content": text} for role, text in messages],
        "tools": [WRITE_TOOL] if tools else [],
    }
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{models.url}/v1/messages", data, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_the_turn_is_read_from_the_history(models: ModelServer) -> None:
    play = models.play("two", [Write("a.txt", "a")], [Say("Done.")])
    first = ask(models, ("user", f"Go {play}"))
    assert first["content"][0]["input"] == {"file_path": "a.txt", "content": "a"}
    assert first["stop_reason"] == "tool_use"
    history = (("user", f"Go {play}"), ("assistant", "…"), ("user", "the tool's result"))
    for _ in range(2):
        assert ask(models, *history)["content"] == [{"type": "text", "text": "Done."}]


def test_the_last_marker_counts_and_notes_do_not(models: ModelServer) -> None:
    old = models.play("old", [Say("Old.")])
    new = models.play("new", [Say("New.")])
    note = f"<system-reminder>prices.py holds {old}</system-reminder>"
    history = (("user", old), ("assistant", "Old."), ("user", f"Now {new}"), ("user", note))
    assert ask(models, *history)["content"][0]["text"] == "New."
    assert models.requests[-1].prompts == ("old", "new")


def test_a_question_beside_the_conversation_gets_a_short_text(models: ModelServer) -> None:
    play = models.play("one", [Say("One.")])
    assert ask(models, ("user", f"A title for {play}"), tools=False)["content"][0]["text"]
    assert models.requests == []


def test_a_failure_is_an_http_status(models: ModelServer) -> None:
    play = models.play("fail", [Fail(529, "overloaded")])
    with pytest.raises(urllib.error.HTTPError, match="529"):
        ask(models, ("user", play))


def test_an_answer_waits_at_its_hold(models: ModelServer) -> None:
    play = models.play("wait", [Say("Before, "), Hold("gate"), Say("after.")])
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, models, ("user", play))
        models.reached("gate")
        assert not answer.done()
        models.release("gate")
        assert [part["text"] for part in answer.result()["content"]] == ["Before, ", "after."]


def test_it_ends_while_an_answer_hangs() -> None:
    with ThreadPoolExecutor() as pool:
        with ModelServer() as models:
            play = models.play("hang", [Hold("for ever")])
            answer = pool.submit(ask, models, ("user", play))
            models.reached("for ever")
        with pytest.raises(ConnectionError):
            answer.result(60)


def test_a_tool_that_the_agent_does_not_offer_fails_the_test() -> None:
    def ask_for_an_edit() -> None:
        with ModelServer() as models:
            play = models.play("edit", [Edit("a", "b", "c")])
            with pytest.raises(ConnectionError):
                ask(models, ("user", play))

    with pytest.raises(AssertionError, match="no tool for Edit"):
        ask_for_an_edit()
