"""What must be true once a run is over, whatever was killed on the way."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branchwork.execution import stop
from support.survival import Job, Person, Place

GENERATED = (
    (re.compile(r"call-(\d+)-[0-9a-f]{6}"), r"call-\1"),
    (re.compile(r"scripted-[0-9a-f]{12}"), "scripted"),
)
TIMES = ("t", "seq", "index", "executionId", "sessionId", "approvalId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a person sees of a run that is over, without times and generated ids."""

    entries: list[Any]
    stderr: list[Any]
    commits: list[str]
    processes: list[Any]
    turns: list[Any]
    attention: list[str]
    sent: list[list[str]]
    printed: list[list[str]]
    counts: dict[str, list[str]]


async def outcome(someone: Person, place: Place, job: Job) -> Outcome:
    workspace = (await someone.ask("workspace/get", workspaceId=job.workspace["id"]))["workspace"]
    conversation = job.conversation_id
    found = await someone.ask("conversation/get", conversationId=conversation)
    told = await someone.ask("conversation/entries", conversationId=conversation)
    ran = (await someone.ask("execution/list", workspaceId=workspace["id"]))["executions"]
    ran.sort(key=lambda one: one["id"])
    attention = (await someone.ask("attention/list"))["items"]
    entries = [_plain(one, place, workspace) for one in told["entries"]]
    return Outcome(
        entries=[one for one in entries if one["kind"] != "stderr"],
        stderr=[one for one in entries if one["kind"] == "stderr"],
        commits=commits(place, workspace["branch"]),
        processes=[
            (one["runReason"], one["status"], one["exitCode"], one["endedReason"]) for one in ran
        ],
        turns=[
            (one["prompt"], one["summary"], one["stopReason"], one["usage"])
            for one in found["turns"]
        ],
        attention=[one["kind"] for one in attention],
        sent=[message_ids(place.executions / one["id"]) for one in ran],
        printed=[_printed(place, one) for one in ran],
        counts={name: place.counted(name) for name in ("prompts", "setup", "cleanup")},
    )


def commits(place: Place, branch: str) -> list[str]:
    """Content, message and author of each commit on the branch, the oldest first."""
    form = "--format=%T %an <%ae> %B"
    return place.repo.run("log", "--reverse", form, f"main..{branch}").split("\n\n")


def check_journals(place: Place) -> None:
    """Every record once, in order, and no message twice."""
    for directory in place.executions.iterdir():
        found = records(directory)
        assert [one["seq"] for one in found] == list(range(1, len(found) + 1)), directory
        repeated = [m for m, times in Counter(message_ids(directory)).items() if times > 1]
        assert not repeated, (directory, repeated)
        requests = [
            message["id"]
            for one in found
            if one["s"] == "i" and "method" in (message := json.loads(one["d"])) and "id" in message
        ]
        assert len(set(requests)) == len(requests), "an id of ours stands for two requests"
        events = Counter(one["x"] for one in found if one["s"] == "x")
        assert events["started"] == 1, directory


def check_rows(place: Place) -> None:
    """Nothing is left open, and no change is missing."""
    assert place.rows("PRAGMA integrity_check") == ["ok"]
    assert place.rows("SELECT kind FROM intents WHERE closed_at IS NULL") == []
    assert place.rows("SELECT real_path FROM leases") == []
    assert place.rows("SELECT why FROM waiting_runs") == []
    assert place.rows("SELECT id FROM run_plans WHERE closed_at IS NULL") == []
    assert place.rows("SELECT id FROM execution_processes WHERE status = 'Running'") == []
    assert place.rows("SELECT id FROM approvals WHERE status = 'Pending'") == []
    seqs = place.rows("SELECT seq FROM changes ORDER BY seq")
    assert seqs == list(range(1, len(seqs) + 1))


async def check_feed(someone: Person) -> None:
    """A client that missed some gets each of them."""
    epoch = (await someone.ask("changes/subscribe", projects="all"))["epoch"]
    seq, more = 0, True
    while more:
        page = await someone.ask("changes/since", epoch=epoch, seq=seq, limit=50)
        assert len(page["changes"]) == page["seq"] - seq
        seq, more = page["seq"], page.get("more")
    assert seq >= someone.seq


def left_running(place: Place) -> dict[str, list[int]]:
    """Processes by the tag that they carry."""
    folders = (*place.executions.glob("*"), *Path(place.data).glob("intents/*"))
    left = {folder.name: stop.tagged(folder.name) for folder in folders}
    return {tag: pids for tag, pids in left.items() if pids}


def records(directory: Path) -> list[Any]:
    """Every whole line of a journal."""
    whole = b"".join(file.read_bytes() for file in sorted(directory.glob("*.jsonl")))
    return [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]


def message_ids(directory: Path) -> list[str]:
    """Of what was sent, in order; a message in parts counts once."""
    sent = [one for one in records(directory) if one["s"] == "i" and not one.get("more")]
    return [str(one["m"]) for one in sent]


def _printed(place: Place, execution: Any) -> list[str]:
    """The lines of a script, each stream by itself; an agent's are in the entries."""
    if execution["runReason"] == "CodingAgent":
        return []
    found = records(place.executions / execution["id"])
    return [one["d"] for stream in "oe" for one in found if one["s"] == stream]


def _plain(entry: Any, place: Place, workspace: Any) -> Any:
    kept = {key: value for key, value in entry.items() if key not in TIMES}
    text = json.dumps(kept).replace(workspace["containerRef"], "<workspace>")
    text = text.replace(str(place.root), "<root>")
    for pattern, plain in GENERATED:
        text = pattern.sub(plain, text)
    return json.loads(text)
