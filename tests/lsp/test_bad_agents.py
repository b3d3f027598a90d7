"""Agents that are missing, silent, talkative or broken: what the person hears, and what stays."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from branchwork.agents import registry
from branchwork.execution import stop
from branchwork.services.app import App
from support import person
from support.inproc import Client, connected
from support.refusals import fingerprint, refused, require_sentence

NO_AGENT = -32014
MEBIBYTE = 1 << 20
Git = Callable[..., str]


def odd(id_: str, start: str = "", **more: Any) -> dict[str, Any]:
    """An agent of the user's own: the scripted one with a way to fail, or a shell command."""
    own = {"BRANCHWORK_SCRIPTED_START": start}
    return {"id": id_, "module": "branchwork.agents.scripted", "env": own, **more}


def shell(id_: str, command: str) -> dict[str, Any]:
    return {"id": id_, "executables": [{"name": "sh", "args": ["-c", command]}]}


AGENTS = [
    odd("talks-first", "garbage"),
    odd("exits", "exit"),
    odd("hangs", "hang"),
    odd("hangs-briefly", "hang", startSeconds=1),
    odd("needs-login", "login", login="Run `odd login` in a terminal."),
    odd("not-logged-in", "nologin"),
    odd("other-version", "version"),
    odd("no-modes", "badmode", modes={"ask": "ask"}),
    shell("prints-garbage", "echo 'Welcome to Shop 3.0!'; cat > /dev/null"),
    shell("prints-bytes", "head -c 100000 /dev/urandom; cat > /dev/null"),
    shell("ends-well", "exit 0"),
    shell("floods-garbage", "yes 'this is no protocol' | head -c 100000000; sleep 60"),
    {"id": "missing", "name": "Missing", "executables": ["no-such-agent"]},
    {"id": "not-executable", "executables": ["/dev/null"]},
]


@pytest.fixture(autouse=True)
def agents(app: App, tmp_path: Path) -> None:
    file = tmp_path / "agents.json"
    file.write_text(json.dumps(AGENTS))
    app.agents = registry.load(file)
    assert app.agents.problems == ()


@pytest.fixture(autouse=True)
def checkout_stays_as_it_is(repository: Path, git: Git) -> Any:
    before = fingerprint(repository, git)
    yield
    after = fingerprint(repository, git)
    ours = "\n".join(row for row in after["branches"].splitlines() if "refs/heads/vk-" not in row)
    assert {**after, "branches": ours} == before


def needs(params: Any, kind: str) -> bool:
    return any(item["kind"] == kind for item in params["items"])


async def fails(
    editor: Client, repository: Path, executor: str, reason: str, *words: str
) -> dict[str, Any]:
    """A run that fails: the task waits for a person, with a sentence that says what to do."""
    task = await person.new_task(editor, repository)
    asked = editor.wait_for("branchwork/attention/changed", lambda p: needs(p, "failed"))
    started = await editor.request(
        "branchwork/workspace/start", {"taskId": task["id"], "executor": executor}
    )
    (item,) = [one for one in (await asked)["items"] if one["kind"] == "failed"]
    require_sentence(item["sentence"], *words)
    about = {"executionId": started["execution"]["id"]}
    ended = await editor.request("branchwork/execution/get", about)
    execution = ended["execution"]
    assert (execution["status"], execution["endedReason"]) == ("Failed", reason), execution
    assert execution["endedSentence"] == item["sentence"]
    shown = await editor.request("branchwork/task/get", {"taskId": task["id"]})
    assert shown["task"]["status"] == "InReview"
    assert stop.tagged(execution["id"]) == []
    entries = await all_entries(editor, started["session"]["conversationId"])
    assert any(entry["kind"] in ("error", "stop") for entry in entries)
    return {"task": task, "entries": entries, **started}


async def all_entries(editor: Client, conversation_id: str) -> list[Any]:
    """Page by page, as long conversations come."""
    method, found = "branchwork/conversation/entries", []
    read = await editor.request(method, {"conversationId": conversation_id})
    while read["entries"]:
        found += read["entries"]
        read = await editor.request(
            method, {"conversationId": conversation_id, "from": read["next"]}
        )
    return found


# --- before anything is made ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("executor", "kind", "words"),
    [
        ("MISSING", "agentNotInstalled", ("Missing is not installed", "install no-such-agent")),
        ("NOT_EXECUTABLE", "agentNotInstalled", ("is not installed",)),
        ("NOBODY", "unknownAgent", ("There is no agent 'NOBODY'", "CLAUDE_CODE")),
        ("", "unknownAgent", ("There is no agent",)),
        ("../../bin/sh", "unknownAgent", ("There is no agent",)),
    ],
)
async def test_an_agent_that_is_not_there(
    app: App,
    editor: Client,
    repository: Path,
    git: Git,
    executor: str,
    kind: str,
    words: tuple[str, ...],
) -> None:
    task = await person.new_task(editor, repository)
    params = {"taskId": task["id"], "executor": executor}
    await refused(editor, "branchwork/workspace/start", params, NO_AGENT, kind, *words)
    assert (await editor.request("branchwork/workspace/list", {}))["workspaces"] == []
    assert git(repository, "for-each-ref", "refs/heads/vk-*") == ""
    assert not app.worktrees.exists()
    both = {"uri": (repository / "cart.py").as_uri(), "title": "Both", "executor": executor}
    method = "branchwork/task/createAndStart"
    error = await refused(editor, method, both, NO_AGENT, kind, *words)
    # The task was made, and the error says which it is: nothing has to be typed again.
    shown = await editor.request("branchwork/task/get", {"taskId": error.data["taskId"]})
    assert (shown["task"]["title"], shown["task"]["status"]) == ("Both", "Todo")


async def test_no_agent_at_all(app: App, repository: Path, environment: dict[str, str]) -> None:
    """Neither an agent nor npx is on the PATH of the editor."""
    app.agents = registry.load()
    from branchwork.lsp import features

    bare = {**environment, "PATH": "/nowhere"}
    abilities = {"protocolVersion": 1, "strict": True}
    async with connected(
        app, features.collect(), roots=(repository,), branchwork=abilities, environment=bare
    ) as editor:
        task = await person.new_task(editor, repository)
        params = {"taskId": task["id"]}
        words = "No coding agent is installed", "PATH"
        await refused(editor, "branchwork/workspace/start", params, NO_AGENT, "noAgent", *words)
        listed = await editor.request("branchwork/agent/list", {})
        problems = [agent["problem"] for agent in listed["agents"] if not agent["available"]]
        assert problems
        for problem in problems:
            require_sentence(problem, "install", "/nowhere")


# --- at the start --------------------------------------------------------------------------------


async def test_an_agent_that_exits_at_once(editor: Client, repository: Path) -> None:
    words = "exit code 3", "something went wrong at the start"
    await fails(editor, repository, "EXITS", "agentExited", *words)


async def test_an_agent_that_ends_without_a_word(editor: Client, repository: Path) -> None:
    await fails(editor, repository, "ENDS_WELL", "agentExited", "exit code 0")


async def test_an_agent_that_prints_garbage(editor: Client, repository: Path) -> None:
    """And waits for more: it is told when its person has had enough of it."""
    task = await person.new_task(editor, repository)
    started = await editor.request(
        "branchwork/workspace/start", {"taskId": task["id"], "executor": "PRINTS_GARBAGE"}
    )
    conversation = {"conversationId": started["session"]["conversationId"]}
    entries: list[Any] = []
    while not entries:
        read = await editor.request("branchwork/conversation/entries", conversation)
        entries = [entry for entry in read["entries"] if entry["kind"] == "unreadable"]
    assert entries[0]["text"] == "Welcome to Shop 3.0!"
    about = {"executionId": started["execution"]["id"]}
    stopped = await editor.request("branchwork/execution/stop", about)
    assert stopped["execution"]["status"] == "Killed"


async def test_an_agent_that_prints_bytes(editor: Client, repository: Path) -> None:
    """Every response is valid JSON all the same, and the journal has each byte."""
    task = await person.new_task(editor, repository)
    started = await editor.request(
        "branchwork/workspace/start", {"taskId": task["id"], "executor": "PRINTS_BYTES"}
    )
    about = {"executionId": started["execution"]["id"]}
    conversation = {"conversationId": started["session"]["conversationId"]}
    seen = 0
    while seen < 1000:
        read = await editor.request("branchwork/conversation/entries", conversation)
        seen = sum(len(entry.get("text", "")) for entry in read["entries"])
    for view in ("raw", "text"):
        await editor.request("branchwork/execution/logs", {**about, "view": view})
    stopped = await editor.request("branchwork/execution/stop", about)
    assert stopped["execution"]["status"] == "Killed"


async def test_garbage_before_the_protocol_is_kept_and_the_agent_works(
    editor: Client, repository: Path
) -> None:
    task = await person.new_task(editor, repository)
    prompt = '[{"write": "a.txt", "text": "a"}]'
    started = await person.finished(editor, task, prompt, executor="TALKS_FIRST")
    conversation = {"conversationId": started["session"]["conversationId"]}
    read = await editor.request("branchwork/conversation/entries", conversation)
    said = [entry["text"] for entry in read["entries"] if entry["kind"] == "unreadable"]
    assert said == ["Welcome! This is not a protocol."]


async def test_an_agent_that_hangs_at_the_start(editor: Client, repository: Path) -> None:
    """It runs, visibly, until its person stops it or its time is over."""
    task = await person.new_task(editor, repository)
    started = await editor.request(
        "branchwork/workspace/start", {"taskId": task["id"], "executor": "HANGS"}
    )
    shown = await editor.request("branchwork/task/get", {"taskId": task["id"]})
    assert shown["task"]["running"] is True
    about = {"executionId": started["execution"]["id"]}
    stopped = await editor.request("branchwork/execution/stop", about)
    assert stopped["execution"]["status"] == "Killed"
    assert stop.tagged(started["execution"]["id"]) == []


async def test_an_agent_that_hangs_for_too_long(editor: Client, repository: Path) -> None:
    words = "did not answer initialize within 1 seconds", "in a terminal"
    await fails(editor, repository, "HANGS_BRIEFLY", "notResponding", *words)


async def test_an_agent_that_needs_a_login(editor: Client, repository: Path) -> None:
    words = "odd login", "Authentication required"
    await fails(editor, repository, "NEEDS_LOGIN", "needsLogin", *words)


async def test_an_agent_that_says_so_on_its_way_out(editor: Client, repository: Path) -> None:
    await fails(editor, repository, "NOT_LOGGED_IN", "needsLogin", "log in")


async def test_an_agent_of_another_version(editor: Client, repository: Path) -> None:
    await fails(editor, repository, "OTHER_VERSION", "protocolVersion", "version 7", "version 1")


async def test_an_agent_without_the_mode_that_asks(editor: Client, repository: Path) -> None:
    """It might do more than was allowed: it gets no prompt."""
    found = await fails(editor, repository, "NO_MODES", "modeUnavailable", "not sent")
    assert [entry for entry in found["entries"] if entry["kind"] == "user_message"] == []


# --- floods --------------------------------------------------------------------------------------


async def test_an_agent_that_floods_a_hundred_megabytes(
    app: App, editor: Client, second_editor: Client, repository: Path
) -> None:
    """It is read as fast as it goes; meanwhile others are answered, and all of it is kept."""
    task = await person.new_task(editor, repository)
    reviewed = editor.wait_for("branchwork/changed", person.has_status(task, "InReview"))
    steps = {"flood": 1000, "text": "x" * 100_000}, {"read": "cart.py"}, {"message": "Done"}
    flood = json.dumps(steps)
    started = await person.start(editor, task, flood)
    about = {"executionId": started["execution"]["id"]}
    answered = 0
    job = asyncio.ensure_future(reviewed)
    while not job.done():
        await second_editor.request("branchwork/task/list", {})
        answered += 1
    await job
    assert answered > 10
    ended = await editor.request("branchwork/execution/get", about)
    assert ended["execution"]["status"] == "Completed"
    assert ended["turn"]["summary"] == "Done"
    journal = app.execution_directory(about["executionId"])
    assert sum(file.stat().st_size for file in journal.glob("*.jsonl")) > 100_000_000


async def test_a_flood_ends_at_its_limit(editor: Client, repository: Path) -> None:
    limit = {"scope": "daemon", "values": {"journal_limit_bytes": 8 * MEBIBYTE}}
    await editor.request("branchwork/settings/update", limit)
    found = await fails(editor, repository, "FLOODS_GARBAGE", "outputLimit", "journal_limit_bytes")
    about = {"executionId": found["execution"]["id"]}
    whole = await editor.request("branchwork/execution/logs", {**about, "view": "raw"})
    assert whole["records"][0]["seq"] == 1


async def test_a_setup_script_that_floods(editor: Client, repository: Path, app: App) -> None:
    """Of a script's output a stretch may be missing, and then it says so."""
    repo = (await editor.request("branchwork/repo/register", {"path": str(repository)}))["repo"]
    flood = {"repoId": repo["id"], "setupScript": "yes flooded | head -c 100000000; echo the end"}
    await editor.request("branchwork/repo/update", flood)
    task = await person.new_task(editor, repository)
    started = await person.finished(editor, task, '[{"message": "Done"}]')
    about = {"executionId": started["execution"]["id"]}
    ended = await editor.request("branchwork/execution/get", about)
    assert ended["execution"]["status"] == "Completed"
    directory = app.execution_directory(started["execution"]["id"])
    kept = sum(file.stat().st_size for file in directory.glob("*.jsonl"))
    assert kept > 50 * MEBIBYTE
