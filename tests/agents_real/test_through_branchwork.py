"""Real agents at work for Branchwork: an editor asks, the agent edits in a worktree, git has it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from branchwork.execution import stop
from branchwork.lsp import features
from branchwork.services.app import App
from support import git_repos
from support.inproc import Client, connected
from support.model_script import Edit, Hold, Read, Say
from support.model_server import ModelServer
from support.real_agents import RealAgent, age_sessions
from support.story import became, choice, items

pytestmark = pytest.mark.agent

ATTENTION = "branchwork/attention/changed"
CHANGED = "branchwork/changed"
RESUMED = {"session/load": "loaded", "session/resume": "resumed"}


@pytest.fixture
async def editor(app: App, repository: Path, agent_env: Mapping[str, str]) -> AsyncIterator[Client]:
    abilities = {"protocolVersion": 1, "strict": True, "subscribe": "all"}
    async with connected(
        app,
        features.collect(),
        roots=(repository,),
        branchwork=abilities,
        environment=agent_env,
    ) as client:
        client.on_request("window/showMessageRequest", lambda _: None)
        yield client


@pytest.fixture
def git(repository: Path, agent_env: dict[str, str]) -> Callable[..., str]:
    """Runs git in the person's repository."""
    return git_repos.GitRepo(repository, agent_env).run


class Job:
    """One task with a real agent at work on it."""

    def __init__(self, editor: Client, started: Any) -> None:
        self._editor = editor
        self.execution_id: str = started["execution"]["id"]
        self.workspace: Any = started["workspace"]
        self.task_id: str = self.workspace["taskId"]
        self._conversation_id: str = started["session"]["conversationId"]

    @property
    def worktree(self) -> Path:
        return Path(self.workspace["containerRef"], self.workspace["repos"][0]["directory"])

    async def follow_up(self, prompt: str) -> Any:
        """Send it, and wait until the task is in review again; the execution."""
        params = {"conversationId": self._conversation_id, "prompt": prompt}
        sent = await self.until_reviewed("branchwork/conversation/prompt", params)
        return await self.execution(sent["execution"]["id"])

    async def until_reviewed(self, method: str, params: Any) -> Any:
        """Ask for something that ends with the task in review."""
        reviewed = self._editor.wait_for(CHANGED, became(self.task_id, "InReview"))
        result = await self._editor.request(method, params)
        await reviewed
        return result

    async def execution(self, execution_id: str) -> Any:
        params = {"executionId": execution_id}
        return (await self._editor.request("branchwork/execution/get", params))["execution"]

    async def entries(self) -> list[Any]:
        params = {"conversationId": self._conversation_id}
        found = await self._editor.request("branchwork/conversation/entries", params)
        entries: list[Any] = found["entries"]
        return entries

    async def said(self) -> list[str]:
        """The agent's messages."""
        return [one["text"] for one in await self.entries() if one["kind"] == "agent_message"]

    async def boundaries(self) -> list[Any]:
        """How each turn began."""
        return [one for one in await self.entries() if one["kind"] == "session_boundary"]


async def start(editor: Client, agent: RealAgent, repository: Path, prompt: str) -> Job:
    uri = (repository / "prices.py").as_uri()
    made = await editor.request("branchwork/task/create", {"uri": uri, "title": "Better prices"})
    params = {"taskId": made["task"]["id"], "executor": agent.name, "prompt": prompt}
    return Job(editor, await editor.request("branchwork/workspace/start", params))


def asks(editor: Client) -> Awaitable[Any]:
    """The next request of an agent; armed at the call."""
    return editor.wait_for(
        ATTENTION, lambda params: any(item["kind"] == "approval" for item in params["items"])
    )


async def test_an_allowed_edit_is_merged(
    editor: Client,
    agent: RealAgent,
    models: ModelServer,
    repository: Path,
    git: Callable[..., str],
) -> None:
    play = models.play(
        "edit",
        [Read("prices.py")],
        [Edit("prices.py", "sum(prices)", "sum(prices, 0.0)")],
        [Say("It starts at 0.0 now.")],
    )
    asked = asks(editor)
    job = await start(editor, agent, repository, f"Work {play}")
    (item,) = items(await asked, job.task_id)
    assert "0.0" not in (job.worktree / "prices.py").read_text()
    await job.until_reviewed("branchwork/approval/respond", choice(item))
    ended = await job.execution(job.execution_id)
    assert ended["status"] == "Completed"
    assert "sum(prices, 0.0)" in git("show", f"{job.workspace['branch']}:prices.py")
    assert "0.0" not in (repository / "prices.py").read_text()
    await editor.request("branchwork/workspace/merge", {"workspaceId": job.workspace["id"]})
    assert "sum(prices, 0.0)" in (repository / "prices.py").read_text()
    assert git("status", "--porcelain") == ""
    assert stop.tagged(job.execution_id) == []


@pytest.fixture
async def answered(editor: Client, agent: RealAgent, models: ModelServer, repository: Path) -> Job:
    """A job whose agent has answered `The first.` and ended."""
    play = models.play("first", [Say("The first.")])
    models.play("second", [Say("The second.")])
    reviewed = editor.wait_for(CHANGED, is_any_in_review)
    job = await start(editor, agent, repository, f"Begin {play}")
    await reviewed
    return job


async def test_a_follow_up_goes_on_with_the_session(
    answered: Job, agent: RealAgent, models: ModelServer
) -> None:
    age_sessions(Path(agent.env["HOME"]))
    ended = await answered.follow_up("Go on [play: second]")
    assert ended["status"] == "Completed"
    assert models.requests[-1].prompts == ("first", "second")
    assert await answered.said() == ["The first.", "The second."]
    assert [one["start"] for one in await answered.boundaries()] == ["new", RESUMED[agent.reopen]]


async def test_a_session_that_is_gone_is_said(
    answered: Job, agent: RealAgent, models: ModelServer
) -> None:
    for sessions in (".gemini/tmp", ".claude/projects"):
        shutil.rmtree(Path(agent.env["HOME"], sessions), ignore_errors=True)
    ended = await answered.follow_up("Go on [play: second]")
    assert ended["status"] == "Completed"
    assert models.requests[-1].prompts == ("second",)
    assert await answered.said() == ["The first.", "The second."]
    assert_restarted(await answered.boundaries())


async def test_a_follow_up_at_once_has_the_history_or_says_that_it_has_not(
    answered: Job, agent: RealAgent, models: ModelServer
) -> None:
    """gemini erases a session that it loads in the minute in which it began it."""
    ended = await answered.follow_up("Go on [play: second]")
    assert ended["status"] == "Completed"
    boundaries = await answered.boundaries()
    if models.requests[-1].prompts == ("first", "second"):
        assert boundaries[-1]["start"] == RESUMED[agent.reopen]
    else:
        assert agent.name == "gemini"
        assert_restarted(boundaries)


def assert_restarted(boundaries: list[Any]) -> None:
    assert [one["start"] for one in boundaries] == ["new", "restarted"]
    assert boundaries[-1]["sentence"].endswith("this one starts without its history.")


async def test_a_stop_cancels_the_turn(
    editor: Client, agent: RealAgent, models: ModelServer, repository: Path
) -> None:
    play = models.play("hang", [Say("Let me think."), Hold("for ever")])
    job = await start(editor, agent, repository, f"Think {play}")
    await asyncio.to_thread(models.reached, "for ever")
    assert stop.tagged(job.execution_id)
    await job.until_reviewed("branchwork/workspace/stop", {"workspaceId": job.workspace["id"]})
    ended = await job.execution(job.execution_id)
    assert (ended["status"], ended["endedReason"]) == ("Killed", "stopped")
    assert stop.tagged(job.execution_id) == []


def is_any_in_review(params: Any) -> bool:
    """A `branchwork/changed` with a task in review."""
    return any(
        change["entity"] == "task" and (change.get("value") or {}).get("status") == "InReview"
        for change in params["changes"]
    )
