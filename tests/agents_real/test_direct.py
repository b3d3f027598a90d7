"""Real agents spoken to directly, without Branchwork: what the end-to-end tests rely on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from support import tagged
from support.acp_client import AgentError, Start
from support.model_script import Edit, Fail, Hold, Read, Say, Shell, Write
from support.model_server import ModelServer
from support.real_agents import RealAgent, age_sessions

pytestmark = pytest.mark.agent


async def test_an_allowed_file_is_written(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play("greet", [Write("hello.txt", "hello\n")], [Say("It is written.")])
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        turn = client.prompt(session, f"Greet me {play}")
        permission = await client.permission()
        assert not (repository / "hello.txt").exists()
        client.choose(permission, "allow_once")
        assert (await turn)["stopReason"] == "end_turn"
        assert client.said().endswith("It is written.")
    assert (repository / "hello.txt").read_text() == "hello\n"


async def test_a_rejected_file_is_not_written(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play("greet", [Write("hello.txt", "hello\n")], [Say("As you like.")])
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        turn = client.prompt(session, f"Greet me {play}")
        client.choose(await client.permission(), "reject_once")
        assert (await turn)["stopReason"] == "end_turn"
    assert not (repository / "hello.txt").exists()


async def test_edits_and_commands_really_run(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play(
        "work",
        [Read("prices.py")],
        [Edit("prices.py", "sum(prices)", "sum(prices, 0.0)")],
        [Shell("cat prices.py > copy.txt")],
        [Say("Done.")],
    )
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        turn = client.prompt(session, f"Work {play}")
        for _ in range(2):
            client.choose(await client.permission(), "allow_once")
        assert (await turn)["stopReason"] == "end_turn"
    assert "sum(prices, 0.0)" in (repository / "copy.txt").read_text()


async def test_new_processes_go_on_with_the_session(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    known = None
    for name in ("first", "second", "third"):
        play = models.play(name, [Say(f"The {name} answer.")])
        async with start() as client:
            session = await client.open_session(repository, agent.asking_mode, known)
            await client.prompt(session, f"Go on {play}")
            assert client.said().endswith(f"The {name} answer.")
        known = (agent.reopen, session)
        age_sessions(Path(agent.env["HOME"]))
    assert models.requests[-1].prompts == ("first", "second", "third")


async def test_a_hanging_model_can_be_cancelled(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play("hang", [Say("Let me think."), Hold("for ever")])
    after = models.play("after", [Say("Here again.")])
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        turn = client.prompt(session, f"Think {play}")
        await asyncio.to_thread(models.reached, "for ever")
        client.notify("session/cancel", {"sessionId": session})
        assert (await turn)["stopReason"] == "cancelled"
        assert (await client.prompt(session, f"And now {after}"))["stopReason"] == "end_turn"
        assert client.said().endswith("Here again.")


async def test_a_cancel_withdraws_the_permission_request(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play("greet", [Write("hello.txt", "hello\n")], [Say("Done.")])
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        turn = client.prompt(session, f"Greet me {play}")
        permission = await client.permission()
        client.notify("session/cancel", {"sessionId": session})
        client.withdraw(permission)
        assert (await turn)["stopReason"] == "cancelled"
    assert not (repository / "hello.txt").exists()


async def test_a_refused_model_request_is_an_error_or_a_sentence(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play("fail", [Fail(400, "this model is out of order")])
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        turn = client.prompt(session, f"Try {play}")
        try:
            await turn
            heard = client.said()
        except AgentError as problem:
            heard = str(problem)
    assert "this model is out of order" in heard


async def test_nothing_of_a_killed_agent_is_left(
    agent: RealAgent, start: Start, models: ModelServer, repository: Path
) -> None:
    play = models.play("sleep", [Shell("touch begun; sleep 600")], [Say("Awake.")])
    async with start() as client:
        session = await client.open_session(repository, agent.asking_mode)
        client.prompt(session, f"Sleep {play}")
        client.choose(await client.permission(), "allow_once")
        await asyncio.to_thread(wait_for_file, repository / "begun")
        tag = client.tag
        assert list(tagged.pids(tag))
    assert list(tagged.pids(tag)) == []


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was never written"
        time.sleep(0.02)
