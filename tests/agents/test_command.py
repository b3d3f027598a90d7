"""Plain commands as agents, with real processes."""

import os
from pathlib import Path

import pytest

from branchwork.agents import launch
from branchwork.agents.agent import Turn
from branchwork.agents.registry import Description
from support.agent_journal import Played, play


def run(folder: Path, *argv: str, prompt: str = "hello\nthere") -> Played:
    description = Description(id="c", name="c", executor="C", command=argv)
    started = launch.launch(description, os.environ, prompt=prompt)
    turn = Turn(prompt=prompt, cwd=str(folder))
    return play(launch.agent_for(description), started, turn)


def test_the_prompt_goes_in_and_text_comes_out(tmp_path: Path) -> None:
    played = run(tmp_path, "tr", "a-z", "A-Z")
    assert (played.ended.status.value, played.ended.reason) == ("Completed", "endTurn")
    assert played.fold.summary == "HELLO\nTHERE"
    assert [e.kind.value for e in played.fold.entries] == ["user_message", "agent_message"]


def test_the_prompt_may_be_an_argument(tmp_path: Path) -> None:
    played = run(tmp_path, "echo", "asked for {prompt}", prompt="tea")
    assert played.fold.summary == "asked for tea"
    assert [e.kind.value for e in played.fold.entries] == ["user_message", "agent_message"]


@pytest.mark.parametrize("code", [1, 42])
def test_the_exit_code_decides(tmp_path: Path, code: int) -> None:
    played = run(tmp_path, "sh", "-c", f"cat > /dev/null; echo no tea >&2; exit {code}")
    assert (played.ended.status.value, played.ended.reason) == ("Failed", "agentExited")
    assert f"exit code {code}" in played.ended.sentence
    assert "no tea" in played.ended.sentence
