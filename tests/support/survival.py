"""One run from start to review over a real proxy, driven by a person whose daemon may die any time.

What the agent does is a script, so that two runs differ in times and generated ids only.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from branchwork.cli import lsp
from support.daemons import Home, ProxyClient, editor
from support.git_repos import GitRepo, make_env, make_repo
from support.inproc import RequestFailed

DAEMON_LOST = -32017
LOOK_SECONDS = 0.03
RUN_SECONDS = 240

SETUP = """echo begun >> "$COUNTS/setup"
for n in 1 2 3 4 5 6 7 8 9 10; do echo "setup $n"; sleep 0.02; done
echo "to stderr" >&2
echo made by setup > setup.txt
"""
CLEANUP = """echo begun >> "$COUNTS/cleanup"
for n in 1 2 3 4 5; do echo "cleanup $n"; sleep 0.02; done
echo cleaned >> cleaned.txt
"""


def played(title: str, *steps: dict[str, Any]) -> str:
    """A prompt that the scripted agent plays."""
    return f"{title}\n<script>{json.dumps(steps)}</script>"


# Tool calls of every kind, two permissions, text that streams, a process that stays.
FIRST_PROMPT = played(
    "Do the first part.",
    {"message": "I begin with the first part, and look at what there is.\n"},
    {"shell": 'echo first >> "$COUNTS/prompts"'},
    {"plan": [["Look", "in_progress"], ["Write", "pending"]]},
    {"read": "cart.py"},
    {"write": "notes/first.md", "text": "first\n", "ask": True},
    {"stderr": "a word on stderr"},
    {"flood": 30, "text": "line", "pause": 0.01},
    {"shell": "sleep 3600", "leave": True},
    {"thought": "What is left is the edit."},
    {"edit": "cart.py", "old": "items[0]", "new": "items[0] if items else None", "ask": True},
    {"shell": "git status --short"},
    {"message": "\nThe first turn is done."},
)


SECOND_PROMPT = played(
    "Do the second part.",
    {"shell": 'echo second >> "$COUNTS/prompts"'},
    {"flood": 15, "text": "more", "pause": 0.01},
    {"write": "notes/second.md", "text": "second\n", "ask": False},
    {"message": "The second turn is done."},
)


@dataclass(frozen=True, slots=True)
class Place(Home):
    """The folders of one round: data, worktrees, a repository, and what its children count."""

    repo: GitRepo = field(kw_only=True)

    @property
    def counts(self) -> Path:
        return self.root / "counts"

    @property
    def executions(self) -> Path:
        return Path(self.data, "executions")

    def counted(self, name: str) -> list[str]:
        file = self.counts / name
        return file.read_text().splitlines() if file.exists() else []

    def rows(self, statement: str) -> list[Any]:
        """The first column of what the database has now."""
        with closing(
            sqlite3.connect(f"file:{self.data}/branchwork.sqlite?mode=ro", uri=True)
        ) as db:
            return [row[0] for row in db.execute(statement)]

    @property
    def editor_environment(self) -> dict[str, str]:
        return {**self.repo.env, "COUNTS": str(self.counts)}


def make_place(root: Path, empty_database: Path) -> Place:
    """A fresh data folder with a migrated database, and a repository."""
    root.mkdir(parents=True)
    repo = make_repo(root / "shop", make_env(root / "home"))
    repo.commit_files({"cart.py": "def first(items):\n    return items[0]\n"}, "The cart")
    place = Place(root, repo=repo)
    place.counts.mkdir()
    Path(place.data).mkdir(mode=0o700)
    shutil.copyfile(empty_database, Path(place.data, "branchwork.sqlite"))
    place.limit(idle_seconds=600)
    return place


class Person:
    """Somebody at an editor, who repeats what the daemon's death has swallowed.

    What must not be done twice is looked for before it is asked for again, as a person would.
    """

    def __init__(self, client: ProxyClient) -> None:
        self.client = client
        self.lost = 0
        # Cleared while the person is away, so that nobody starts the next daemon.
        self.present = asyncio.Event()
        self.present.set()

    @property
    def seq(self) -> int:
        """The newest change that this editor has heard of."""
        told = (p["seq"] for m, p in self.client.notifications if m == "branchwork/changed")
        return max(told, default=0)

    async def ask(self, method: str, **params: Any) -> Any:
        """A request that does no harm when it is repeated."""
        while True:
            await self.present.wait()
            try:
                return await self.client.request(f"branchwork/{method}", params)
            except RequestFailed as error:
                self._note(error)

    async def once(
        self, method: str, params: dict[str, Any], done: Callable[[], Awaitable[Any]]
    ) -> Any:
        """A request that is repeated only where `done` finds nothing of it."""
        while True:
            try:
                return await self.client.request(f"branchwork/{method}", params)
            except RequestFailed as error:
                self._note(error)
            found = await done()
            if found:
                return found

    def _note(self, error: RequestFailed) -> None:
        if error.code != DAEMON_LOST:
            raise error
        self.lost += 1

    async def make_task(
        self, place: Place, *, setup: str | None = SETUP, cleanup: str | None = CLEANUP
    ) -> Any:
        """A task in the repository, which has scripts."""
        made = await self.ask("task/create", uri=(place.repo.root / "cart.py").as_uri(), title="X")
        (repo,) = (await self.ask("repo/list"))["repos"]
        await self.ask("repo/update", repoId=repo["id"], setupScript=setup, cleanupScript=cleanup)
        return made["task"]

    async def start(self, task: Any, prompt: str, mode: str = "ask") -> Any:
        """The workspace with its conversation, however often it takes."""
        wanted = {"taskId": task["id"], "executor": "SCRIPTED", "prompt": prompt, "mode": mode}

        async def begun() -> Any:
            # One without a conversation is being made, or taken back.
            found = await self.until(lambda: self._workspaces(task))
            return found[0]

        await self.once("workspace/start", wanted, begun)
        (workspace,) = await begun()
        return workspace

    async def _workspaces(self, task: Any) -> Any:
        """In a list of its own; None while one is neither whole nor gone."""
        found = (await self.ask("task/get", taskId=task["id"]))["workspaces"]
        return [found] if all(one.get("conversationId") for one in found) else None

    async def follow_up(self, conversation_id: str, prompt: str) -> None:
        async def sent() -> bool:
            found = await self.ask("conversation/get", conversationId=conversation_id)
            prompts = [one["prompt"] for one in (*found["turns"], *found["queue"])]
            return prompt in prompts

        params = {"conversationId": conversation_id, "prompt": prompt}
        await self.once("conversation/prompt", params, sent)

    async def pending(self) -> list[Any]:
        return list((await self.ask("approval/list"))["approvals"])

    async def allow(self, approval: Any) -> None:
        option = next(one for one in approval["options"] if one["kind"] == "allow_once")
        try:
            await self.ask("approval/respond", approvalId=approval["id"], optionId=option["id"])
        except RequestFailed as error:
            if (error.data or {}).get("kind") != "alreadyAnswered":
                raise

    async def allow_until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        """Allow whatever is asked until something has come to pass."""
        async with asyncio.timeout(RUN_SECONDS):
            while not (found := await condition()):
                for approval in await self.pending():
                    await self.allow(approval)
                await asyncio.sleep(LOOK_SECONDS)
        return found

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(RUN_SECONDS):
            while not (found := await condition()):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        return found

    async def is_in_review(self, task: Any, is_done: bool = False) -> bool:
        """Or done, where that is looked for."""
        found = await self.ask("task/get", taskId=task["id"])
        return bool(found["task"]["status"] == ("Done" if is_done else "InReview"))


@asynccontextmanager
async def person(
    place: Place, *, argv: list[str] | None = None, roots: tuple[Path, ...] | None = None
) -> AsyncIterator[Person]:
    """Somebody who has the repository open, or other folders, and hears of everything."""
    abilities = {"protocolVersion": 1, "strict": True, "subscribe": "all"}
    async with editor(
        place,
        argv=argv or lsp.command(),
        environment=place.editor_environment,
        cwd=place.repo.root,
        roots=(place.repo.root,) if roots is None else roots,
        branchwork=abilities,
    ) as client:
        yield Person(client)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run was about."""

    task: Any
    workspace: Any

    @property
    def conversation_id(self) -> str:
        return str(self.workspace["conversationId"])


async def begin(someone: Person, place: Place, task: Any) -> Job:
    """Start, and queue the follow-up while the agent waits for its first permission."""
    workspace = await someone.start(task, FIRST_PROMPT)
    job = Job(task=task, workspace=workspace)
    await someone.until(someone.pending)
    await someone.follow_up(job.conversation_id, SECOND_PROMPT)
    return job


async def run_to_review(someone: Person, place: Place, task: Any) -> Job:
    """The whole run; whatever waits for the person is answered."""
    job = await begin(someone, place, task)
    await someone.allow_until(lambda: someone.is_in_review(task))
    return job
