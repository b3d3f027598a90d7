"""Kill -9 of a shim, alone and together with the daemon: the run is lost, and nothing else is."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import Any

import pytest

from support.aftermath import check_journals, check_rows, left_running, records
from support.daemons import until
from support.killing import SEED, events, rounds
from support.shims import Shim, shims
from support.survival import (
    FIRST_PROMPT,
    LOOK_SECONDS,
    SECOND_PROMPT,
    Job,
    Person,
    Place,
    person,
    played,
)

from .conftest import Undisturbed

pytestmark = pytest.mark.chaos

AFTERWARDS = played(
    "Go on.", {"write": "notes/third.md", "text": "third\n"}, {"message": "Here again."}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What was killed, and what it had written until then."""

    shim: Shim
    written: dict[str, bytes]
    with_daemon: bool

    @property
    def id(self) -> str:
        return self.shim.directory.name


async def kill_one(place: Place, someone: Person, chance: random.Random, at: int) -> Killed:
    """A shim of an execution at that event, and in half of the rounds the daemon with it."""
    while events(place, someone.seq) < at:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await asyncio.sleep(chance.uniform(0, 0.1))
    order = chance.choice(("shim", "shim", "daemon shim", "shim daemon")).split()
    while True:
        found = [one for one in shims(place) if one.directory.parent == place.executions]
        # One that has ended only waits for the daemon to hear of it.
        found = [one for one in found if not (one.directory / "exit.json").exists()]
        shim = chance.choice(found) if found else None
        written = shim and {f.name: f.read_bytes() for f in shim.directory.glob("*.jsonl")}
        if shim is None or not written:
            await asyncio.sleep(0.002)
            continue
        for what in order:
            if what == "shim":
                shim.kill()
            else:
                place.kill_daemon()
        return Killed(shim=shim, written=written, with_daemon="daemon" in order)


async def go_on(someone: Person, job: Job, killing: asyncio.Task[Killed]) -> None:
    """What a person does until the run is over, and somebody was killed or can't be any more."""
    queued = False
    while not await someone.is_in_review(job.task):
        for approval in await someone.pending():
            if not queued:
                await someone.follow_up(job.conversation_id, SECOND_PROMPT)
                queued = True
            await someone.allow(approval)
        await asyncio.sleep(LOOK_SECONDS)
    killing.cancel()


async def found_lost(someone: Person, place: Place, killed: Killed) -> Any:
    """The execution, unless it had come to its end before its shim was killed."""
    execution = (await someone.ask("execution/get", executionId=killed.id))["execution"]
    answered = any(
        one["s"] == "o" and '"stopReason"' in one.get("d", "")
        for one in records(killed.shim.directory)
    )
    if (killed.shim.directory / "exit.json").exists() or answered:
        # The answer of a turn decides, and it was written.
        assert execution["status"] == "Completed"
        return None
    return execution


async def check_lost(someone: Person, place: Place, job: Job, lost: Any, killed: Killed) -> None:
    """Told as lost, kept as far as it was written, and followed by nothing."""
    assert (lost["status"], lost["exitCode"], lost["endedReason"]) == ("Failed", None, "lost")
    assert "killed" in lost["endedSentence"]
    assert killed.id not in left_running(place)
    for name, written in killed.written.items():
        assert (killed.shim.directory / name).read_bytes().startswith(written), name
    workspace = {"workspaceId": job.workspace["id"]}
    ran = (await someone.ask("execution/list", **workspace))["executions"]
    assert max(one["id"] for one in ran) == killed.id, "something came after it"
    (state,) = (await someone.ask("execution/get", executionId=killed.id))["repoStates"]
    assert state["beforeHeadCommit"] == state["afterHeadCommit"], "half of it was committed"
    is_agent = lost["runReason"] == "CodingAgent"
    queue = await queue_of(someone, job)
    assert all(one["heldBecause"] for one in queue)
    waiting = (await someone.ask("attention/list"))["items"]
    kinds = ["lost" if is_agent else "failed", *("heldPrompt" for _ in queue)]
    assert sorted(item["kind"] for item in waiting) == sorted(kinds)
    if is_agent:
        told = {"conversationId": job.conversation_id}
        *_, last = (await someone.ask("conversation/entries", **told))["entries"]
        assert (last["kind"], last["sentence"]) == ("error", lost["endedSentence"])


async def check_resumed(someone: Person, place: Place, job: Job) -> None:
    """A follow-up goes on with what the agent knows, and what was held stays held."""
    told = {"conversationId": job.conversation_id}
    before = await someone.ask("conversation/get", **told)
    known = [one["agentSessionId"] for one in before["turns"] if one["agentSessionId"]]
    await someone.follow_up(job.conversation_id, AFTERWARDS)
    await someone.allow_until(lambda: someone.is_in_review(job.task))
    after = await someone.ask("conversation/get", **told)
    assert after["turns"][-1]["summary"] == "Here again."
    assert after["queue"] == before["queue"]
    newest = max(one["id"] for one in after["executions"])
    sent = [json.loads(one["d"]) for one in records(place.executions / newest) if one["s"] == "i"]
    (session,) = (one for one in sent if one["method"].startswith("session/") and "cwd" in str(one))
    assert session["method"] == ("session/resume" if known else "session/new")
    assert session["params"].get("sessionId") == (known[-1] if known else None)
    waiting = {item["kind"] for item in (await someone.ask("attention/list"))["items"]}
    assert waiting == {"finished", *("heldPrompt" for _ in after["queue"])}


async def queue_of(someone: Person, job: Job) -> list[Any]:
    found = await someone.ask("conversation/get", conversationId=job.conversation_id)
    return list(found["queue"])


@pytest.mark.parametrize("number", range(rounds(full=20, few=2)))
async def test_a_shim_killed_anywhere(place: Place, undisturbed: Undisturbed, number: int) -> None:
    chance = random.Random(f"{SEED} shim {number}")
    at = chance.randrange(10, undisturbed.events * 8 // 10)
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}: at event {at}")
    async with person(place) as someone:
        task = await someone.make_task(place)
        killing = asyncio.create_task(kill_one(place, someone, chance, at))
        workspace = await someone.start(task, FIRST_PROMPT)
        job = Job(task=task, workspace=workspace)
        await go_on(someone, job, killing)
        killed = (await asyncio.gather(killing, return_exceptions=True))[0]
        print(killed)
        lost = await found_lost(someone, place, killed) if isinstance(killed, Killed) else None
        if isinstance(killed, Killed) and lost is not None:
            await check_lost(someone, place, job, lost, killed)
            await check_resumed(someone, place, job)
        await until(lambda: not left_running(place), "processes are left")
    check_journals(place)
    check_rows(place)
