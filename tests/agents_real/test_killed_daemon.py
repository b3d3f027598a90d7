"""The daemon is killed with -9 while a real agent waits for a permission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from branchwork.execution import stop
from support.git_repos import GitRepo
from support.lsp_editor import open_editor
from support.model_script import Say, Write
from support.model_server import ModelServer
from support.real_agents import RealAgent
from support.real_home import RealHome, open_home
from support.story import became, choice, items, waits

pytestmark = pytest.mark.agent

ATTENTION = "branchwork/attention/changed"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    with open_home(tmp_path) as found:
        yield found


async def test_the_agent_gets_its_answer_from_the_next_daemon(
    home: RealHome,
    agent: RealAgent,
    agent_env: dict[str, str],
    models: ModelServer,
    repository: Path,
) -> None:
    play = models.play("greet", [Write("hello.txt", "hello\n")], [Say("It is written.")])
    async with open_editor(home, repository, environment=agent_env) as editor:
        uri = (repository / "prices.py").as_uri()
        task = (await editor.ask("branchwork/task/create", uri=uri, title="Greet"))["task"]
        started = await editor.ask(
            "branchwork/workspace/start",
            taskId=task["id"],
            executor=agent.name,
            prompt=f"Greet me {play}",
        )
        (item,) = items(await editor.hears(ATTENTION, waits(task["id"])), task["id"])
        seen = editor.now
        home.kill_daemon()
        await editor.hears("branchwork/reconnected", since=seen)
        assert stop.tagged(started["execution"]["id"])
        await editor.ask("branchwork/approval/respond", **choice(item))
        await editor.hears("branchwork/changed", became(task["id"], "InReview"), since=seen)

        execution = await editor.ask(
            "branchwork/execution/get", executionId=started["execution"]["id"]
        )
        assert execution["execution"]["status"] == "Completed"
        assert stop.tagged(started["execution"]["id"]) == []
        branch = started["workspace"]["branch"]
        repo = GitRepo(repository, agent_env)
        assert repo.run("show", f"{branch}:hello.txt") == "hello"
        assert models.requests[-1].prompts == ("greet",)
