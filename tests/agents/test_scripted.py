"""The scripted agent as a real process, through the same seam as real agents."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from branchwork.agents import launch, registry
from branchwork.agents.agent import AgentFold, Policy
from branchwork.agents.render import text_of
from branchwork.domain.execution_process import ExecutionStatus
from support.agent_journal import Played, applied, play

SCRIPTED = registry.load().find("scripted")

Run = Callable[..., Played]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    return folder


@pytest.fixture
def run(repo: Path) -> Run:
    def run(prompt: str | list[dict[str, Any]], start: str = "", **more: Any) -> Played:
        text = prompt if isinstance(prompt, str) else f"<script>{json.dumps(prompt)}</script>"
        policy = more.pop("policy", Policy.EDIT)
        resume = more.pop("resume", None)
        environment = {**os.environ, "BRANCHWORK_SCRIPTED_START": start}
        started = launch.launch(SCRIPTED, environment, policy)
        turn = launch.turn_for(
            SCRIPTED, prompt=text, cwd=str(repo), policy=policy, agent_session_id=resume
        )
        played = play(launch.agent_for(SCRIPTED), started, turn, **more)
        assert applied(played.deltas) == list(played.fold.entries)
        return played

    return run


def choose(kind: str) -> Callable[[AgentFold], dict[str, str | None]]:
    """Answers every request with the option of that kind."""
    return lambda fold: {
        request.request_id: next(o.id for o in request.options if o.kind == kind)
        for request in fold.requests
    }


def kinds(played: Played) -> list[str]:
    return [entry.kind.value for entry in played.fold.entries]


def words(played: Played) -> tuple[str, str]:
    return played.ended.status.value, played.ended.reason


TASK = "handle empty input\n\nSee `calc.py:2`"


def test_the_default_scenario_asks_before_it_writes(run: Run, repo: Path) -> None:
    played = run(TASK, policy=Policy.ASK, decide=choose("allow_once"))
    assert words(played) == ("Completed", "endTurn")
    assert (repo / "calc.py").read_text().endswith("# handle empty input\n")
    assert played.fold.summary == "Added “handle empty input” to calc.py."
    assert len(played.fold.requests) == 1
    assert {"plan", "tool_call", "permission_request", "stop"} <= set(kinds(played))
    assert played.exit_code == 0
    assert "?? calc.py" in text_of(played.fold.entries)


def test_a_denied_permission_changes_nothing(run: Run, repo: Path) -> None:
    before = (repo / "calc.py").read_text()
    played = run(TASK, policy=Policy.ASK, decide=choose("reject_once"))
    assert words(played) == ("Completed", "endTurn")
    assert (repo / "calc.py").read_text() == before


def test_a_prompt_about_no_file_makes_notes(run: Run, repo: Path) -> None:
    run("Think about calc.pyc and /etc/passwd:1 and ../x:1")
    assert (repo / "NOTES.md").read_text().startswith("- Think about")


@pytest.mark.parametrize(("policy", "is_written"), [(Policy.PLAN, False), (Policy.BYPASS, True)])
def test_the_mode_is_obeyed(run: Run, repo: Path, policy: Policy, is_written: bool) -> None:
    before = (repo / "calc.py").read_text()
    assert words(run(TASK, policy=policy)) == ("Completed", "endTurn")
    assert ((repo / "calc.py").read_text() != before) is is_written


def test_a_script_is_played_step_by_step(run: Run, repo: Path) -> None:
    script: list[dict[str, Any]] = [
        {"thought": "let me see"},
        {"plan": ["one", ["two", "completed"]]},
        {"stderr": "phase 1"},
        {"write": "new/a.txt", "text": "hello\n", "ask": True},
        {"edit": "calc.py", "old": "a - b", "new": "a + b"},
        {"shell": "cat new/a.txt; exit 3"},
        {"garbage": "this is no message"},
        {"update": {"sessionUpdate": "novelty"}},
        {"request": {"method": "fs/read_text_file", "params": {}}},
        {"flood": 3},
        {"ask": "Really"},
        {"stop": "max_tokens"},
    ]
    played = run(script, decide=choose("allow_once"))
    assert words(played) == ("Failed", "maxTokens")
    assert (repo / "new" / "a.txt").read_text() == "hello\n"
    assert "a + b" in (repo / "calc.py").read_text()
    assert {"thought", "plan", "stderr", "unreadable", "unknown"} <= set(kinds(played))
    assert [r.sentence for r in played.fold.requests] == ["Write new/a.txt?", "Really?"]
    text = text_of(played.fold.entries)
    assert "[execute] cat new/a.txt; exit 3: failed\n    hello" in text
    assert "answer: -32601" in text
    assert "line 1\nline 2\nline 3\n" in text


@pytest.mark.parametrize(
    ("script", "start", "expected"),
    [
        ([{"exit": 3}], "", ("Failed", "agentExited")),
        ([{"crash": True}], "", ("Failed", "agentExited")),
        ([{"error": {"code": -32603, "message": "overloaded"}}], "", ("Failed", "agentError")),
        ([{"nonsense": 1}], "", ("Failed", "agentError")),
        ("hi", "exit", ("Failed", "agentExited")),
        ("hi", "nologin", ("Failed", "needsLogin")),
        ("hi", "login", ("Failed", "needsLogin")),
        ("hi", "garbage exit", ("Failed", "garbage")),
        ("hi", "garbage", ("Completed", "endTurn")),
        ("hi", "version", ("Failed", "protocolVersion")),
        ("hi", "badmode", ("Failed", "modeUnavailable")),
        ("hi", "nomodes", ("Completed", "endTurn")),
    ],
)
def test_it_fails_in_every_way(
    run: Run, script: Any, start: str, expected: tuple[str, str]
) -> None:
    assert words(run(script, start)) == expected


def test_it_hangs_at_the_start_until_it_is_stopped(run: Run) -> None:
    played = run("hi", "hang", cancel_when=lambda fold: fold.last_seq >= 1)
    assert played.ended.status is ExecutionStatus.KILLED


@pytest.mark.parametrize("step", [{"hang": True}, {"shell": "sleep 600"}, {"ask": "May I"}])
def test_a_cancel_ends_the_turn(run: Run, step: dict[str, Any]) -> None:
    played = run(
        [{"message": "here I go"}, step],
        cancel_when=lambda fold: (
            fold.entries[-1].kind.value in ("permission_request", "tool_call")
            if "hang" not in step and fold.entries
            else fold.summary == "here I go"
        ),
    )
    assert words(played) == ("Killed", "stopped")
    assert played.fold.stop_reason == "cancelled"


def test_a_follow_up_resumes(run: Run) -> None:
    first = run("one")
    again = run("two", resume=first.fold.agent_session_id)
    assert again.fold.agent_session_id == first.fold.agent_session_id
    assert "-- session resumed" in text_of(again.fold.entries)


def test_a_loaded_history_is_not_told(run: Run) -> None:
    played = run("two", "noresume", resume="old")
    assert "An earlier answer" not in text_of(played.fold.entries)
    assert "-- session loaded" in text_of(played.fold.entries)


def test_a_lost_history_is_told(run: Run) -> None:
    played = run("two", "forgetful", resume="old")
    assert words(played) == ("Completed", "endTurn")
    assert "without its history" in text_of(played.fold.entries)


def test_a_tool_that_is_left_behind_outlives_it(run: Run, repo: Path) -> None:
    """What real agents do: whoever started them has to find it."""
    command = "echo $$ > pid.new; mv pid.new pid; exec sleep 600"
    try:
        run([{"shell": command, "leave": True}, {"until": "pid"}])
        os.kill(int((repo / "pid").read_text()), 0)
    finally:
        os.kill(int((repo / "pid").read_text()), signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_stubborn_one_ignores_everything_but_kill(repo: Path) -> None:
    started = launch.launch(SCRIPTED, os.environ)
    child = subprocess.Popen(
        started.argv, env=dict(started.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        script = '<script>[{"message":"now"},{"hang":"stubborn"}]</script>'
        prompt = {"prompt": [{"type": "text", "text": script}]}
        call = {"jsonrpc": "2.0", "id": 0, "method": "session/prompt", "params": prompt}
        child.stdin.write(json.dumps(call).encode() + b"\n")
        child.stdin.flush()
        assert b"now" in child.stdout.readline()
        ignores = Path(f"/proc/{child.pid}/status")
        deadline = time.monotonic() + 30
        while not _ignores(ignores, signal.SIGTERM):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child.stdin.close()
        child.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _ignores(status: Path, number: signal.Signals) -> bool:
    line = next(x for x in status.read_text().splitlines() if x.startswith("SigIgn"))
    return bool(int(line.split()[1], 16) & 1 << (number - 1))


def test_it_needs_nothing_but_the_standard_library(repo: Path) -> None:
    started = launch.launch(SCRIPTED, {})
    assert started.argv[1:3] == ("-I", "-S")
    asked = started.argv[4].replace("main()", "")
    loaded = "import sys; print(sorted(m for m in sys.modules if 'branchwork' in m))"
    done = subprocess.run(
        [*started.argv[:4], f"{asked}{loaded}"], capture_output=True, text=True, check=True
    )
    assert eval(done.stdout) == [
        "branchwork",
        "branchwork.agents",
        "branchwork.agents.scripted",
        "branchwork.agents.scripted_steps",
    ]
