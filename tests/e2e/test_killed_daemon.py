"""The daemon is killed with -9 in the middle of a run, and an editor loses nothing by it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pygls.exceptions import JsonRpcException

from support.daemons import until
from support.git_repos import GitRepo
from support.lsp_editor import DAEMON_LOST, Editor, Opener
from support.real_home import RealHome
from support.story import became, choice, items, script, shows, waits

ATTENTION = "branchwork/attention/changed"
CHANGED = "branchwork/changed"
RECONNECTED = "branchwork/reconnected"
QUESTION = "window/showMessageRequest"
LINES = 400


async def new_task(editor: Editor, repo: GitRepo, title: str = "Something to do") -> Any:
    """A task in the repository's project, by code."""
    uri = (repo.root / "cart.py").as_uri()
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    made = await editor.ask("branchwork/task/create", uri=uri, range=place, title=title)
    return made["task"]


class Reader:
    """Follows the raw log of an execution over as many daemons as it takes."""

    def __init__(self, editor: Editor, execution_id: str) -> None:
        self._editor = editor
        self._execution_id = execution_id
        self._tries = 0
        self.end: Any = None
        self.losses: list[Any] = []

    async def follow(self) -> None:
        """Until the end of the log, or the end of the daemon."""
        self._tries += 1
        try:
            self.end = await self._editor.ask(
                "branchwork/execution/logs",
                executionId=self._execution_id,
                view="raw",
                withSent=True,
                follow=True,
                fromSeq=self.next_seq,
                partialResultToken=f"log-{self._tries}",
            )
        except JsonRpcException as problem:
            if problem.code != DAEMON_LOST:
                raise
            self.losses.append(problem.data)

    @property
    def records(self) -> list[Any]:
        """All that came, in the order in which it came."""
        tokens = [f"log-{number + 1}" for number in range(self._tries)]
        parts = [part for token in tokens for part in self._editor.parts(token)]
        return [record for part in parts for record in part["records"]]

    @property
    def next_seq(self) -> int:
        records = self.records
        return records[-1]["seq"] + 1 if records else 1


async def test_nothing_is_lost_when_the_daemon_is_killed(
    editor: Editor, repo: GitRepo, home: RealHome
) -> None:
    """Killed once while the agent waits for a person, once while it talks."""
    task = await new_task(editor, repo)
    prompt = script(
        {"message": "I begin."},
        {"write": "one.txt", "text": "1\n", "ask": True},
        {"flood": LINES, "text": "line"},
        {"until": "../go"},
        {"flood": LINES, "text": "more"},
        {"message": "I am done."},
    )
    started = await editor.ask(
        "branchwork/workspace/start", taskId=task["id"], executor="SCRIPTED", prompt=prompt
    )
    (item,) = items(await editor.hears(ATTENTION, waits(task["id"])), task["id"])
    known = editor.told(CHANGED)[-1]
    reader = Reader(editor, started["execution"]["id"])
    following = asyncio.create_task(reader.follow())
    await editor.hears("$/progress", lambda params: params.token == "log-1")
    home.kill_daemon()
    await following
    await editor.hears(RECONNECTED)

    assert items(await editor.ask("branchwork/attention/list"), task["id"]) == [item]
    following = asyncio.create_task(reader.follow())
    await editor.ask("branchwork/approval/respond", **choice(item))
    await editor.hears("$/progress", has_line(f"line {LINES // 2}"))
    seen = editor.now
    home.kill_daemon()
    await following
    await editor.hears(RECONNECTED, since=seen)

    following = asyncio.create_task(reader.follow())
    Path(started["workspace"]["containerRef"], "go").touch()
    await following
    assert (reader.end["status"], reader.end["exitCode"]) == ("Completed", 0)
    assert reader.losses == [{"kind": "daemonLost", "retryable": True}] * 2
    assert_everything_once(reader)
    await editor.hears(CHANGED, became(task["id"], "InReview"))
    since = await editor.ask("branchwork/changes/since", epoch=known["epoch"], seq=known["seq"])
    assert became(task["id"], "InReview")(since)
    assert committed(repo, started) == ["one.txt"]


def assert_everything_once(reader: Reader) -> None:
    records = reader.records
    assert [record["seq"] for record in records] == list(range(1, reader.end["nextSeq"]))
    sent = [record["d"] for record in records if record["s"] == "i"]
    for what in ('"initialize"', '"session/new"', '"session/prompt"', '"selected"'):
        assert sum(what in line for line in sent) == 1, what
    said = "".join(record.get("d", "") for record in records if record["s"] == "o")
    for word, number in itertools.product(("line", "more"), range(1, LINES + 1)):
        assert said.count(f'"{word} {number}\\n"') == 1


def has_line(text: str) -> Callable[[Any], bool]:
    """A part of a raw log that has that text."""
    return lambda params: any(
        text in record.get("d", "") for record in params.value.get("records", [])
    )


def committed(repo: GitRepo, started: Any) -> list[str]:
    """The files that the workspace's branch has changed."""
    return repo.run("diff", "--name-only", f"main...{started['workspace']['branch']}").splitlines()


async def test_what_an_editor_shows_is_shown_once(
    editor: Editor, repo: GitRepo, home: RealHome
) -> None:
    """A person sees neither a second question nor progress that never ends."""
    task = await new_task(editor, repo, "Show it once")
    steps = script({"message": "I begin."}, {"write": "one.txt", "text": "1\n", "ask": True})
    await editor.ask(
        "branchwork/workspace/start", taskId=task["id"], executor="SCRIPTED", prompt=steps
    )
    asking = await editor.hears("$/progress", shows("asks: Write one.txt?"))
    await editor.hears(QUESTION)
    seen = editor.now
    home.kill_daemon()
    await editor.hears(RECONNECTED, since=seen)
    waiting = await editor.hears(ATTENTION, waits(task["id"]), since=seen)
    again = await editor.hears("$/progress", shows("asks: Write one.txt?"), since=seen)
    assert again.token == asking.token

    (item,) = items(waiting, task["id"])
    await editor.ask("branchwork/approval/respond", **choice(item))
    await editor.hears(QUESTION, lambda params: params.message == "Show it once: I begin.")
    questions = [params.message for params in editor.told(QUESTION, since=seen)]
    assert questions == ["Show it once: I begin."]
    await editor.hears("$/progress", shows("done"))
    kinds = [part["kind"] for part in editor.parts(asking.token) if part["kind"] != "report"]
    assert kinds == ["begin", "end", "begin", "end"]


async def test_a_run_goes_on_without_daemon_and_editor(
    open_in: Opener, repo: GitRepo, home: RealHome
) -> None:
    """Nobody is there when the agent ends; the next editor finds its work committed."""
    async with open_in(repo.root) as editor:
        task = await new_task(editor, repo)
        started = await editor.ask(
            "branchwork/workspace/start",
            taskId=task["id"],
            executor="SCRIPTED",
            mode="edit",
            prompt=script(
                {"message": "I wait."}, {"until": "../go"}, {"write": "one.txt", "text": "1\n"}
            ),
        )
        await editor.hears("$/progress", shows("I wait."))
    home.kill_daemon()
    Path(started["workspace"]["containerRef"], "go").touch()
    workspace = started["workspace"]
    written = Path(workspace["containerRef"], workspace["repos"][0]["directory"], "one.txt")
    await until(written.exists, "the file that the agent writes")

    async with open_in(repo.root) as editor:
        await editor.hears(ATTENTION, waits(task["id"], "finished"))
        found = await editor.ask("branchwork/task/get", taskId=task["id"])
        assert found["task"]["status"] == "InReview"
        execution = await editor.ask(
            "branchwork/execution/get", executionId=started["execution"]["id"]
        )
        assert execution["execution"]["status"] == "Completed"
        assert execution["execution"]["exitCode"] == 0
        assert committed(repo, started) == ["one.txt"]
