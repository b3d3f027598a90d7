"""Kill -9 of the daemon while git makes worktrees, commits and merges: all of it or nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from branchwork.daemon import lock
from support.aftermath import check_rows, left_running
from support.daemons import is_alive, until
from support.git_repos import make_repo
from support.held_git import HeldGit, at_reference, hold
from support.inproc import RequestFailed
from support.killing import IN_FULL, SEED, kill_shim_of_git, rounds
from support.survival import DAEMON_LOST, Job, Person, Place, person, played

pytestmark = pytest.mark.chaos

WORK = played("Write it.", {"write": "made.txt", "text": "made\n"}, {"message": "Made it."})
When = Callable[[Place, HeldGit, Person], Awaitable[None]]


async def released_first(place: Place, held: HeldGit, someone: Person) -> None:
    """git ends while there is no daemon."""
    someone.present.clear()
    place.kill_daemon()
    held.release()
    await until(lambda: not left_running(place), "git goes on for ever")
    someone.present.set()


async def released_late(place: Place, held: HeldGit, someone: Person) -> None:
    """The next daemon finds git at work, and does not keep anybody waiting for it."""
    killed = place.kill_daemon()
    assert (await someone.ask("daemon/status"))["pid"] != killed
    assert held.times == 1
    held.release()


async def killed_twice(place: Place, held: HeldGit, someone: Person) -> None:
    """The one that waits for git dies as well."""
    place.kill_daemon()
    await someone.ask("task/list")
    await released_late(place, held, someone)


async def orphaned(place: Place, held: HeldGit, someone: Person) -> None:
    """The shim that watched git dies together with the daemon."""
    someone.present.clear()
    place.kill_daemon()
    await kill_shim_of_git(place)
    someone.present.set()
    await someone.ask("task/list")
    held.release()


async def stopped(place: Place, held: HeldGit, someone: Person) -> None:
    """An orderly end does not wait for git either."""
    pid = place.daemon_pid()
    os.kill(pid, signal.SIGTERM)
    await until(lambda: not is_alive(pid), "the daemon does not end")
    await someone.ask("task/list")
    held.release()


WAYS = (released_first, released_late, killed_twice, orphaned, stopped)


def state_of(place: Place) -> tuple[str, ...]:
    """What a person's own checkout and their list of worktrees and branches are."""
    run = place.repo.run
    return run("worktree", "list"), run("branch", "--list"), place.repo.fingerprint()


async def reviewed(someone: Person, place: Place, prompt: str = WORK) -> Job:
    """A run of a small agent to its end."""
    task = await someone.make_task(place, setup=None, cleanup=None)
    workspace = await someone.start(task, prompt, mode="bypass")
    await someone.until(lambda: someone.is_in_review(task))
    return Job(task=task, workspace=workspace)


async def settled(place: Place) -> None:
    """Nothing of git runs any more, and no operation is open."""
    await until(lambda: not left_running(place), "git goes on for ever")
    await until(lambda: not place.rows("SELECT id FROM intents WHERE closed_at IS NULL"), "open")


# In few: others each time.
SOME_WAYS = WAYS if IN_FULL else random.Random(SEED).sample(WAYS, 3)


@pytest.mark.parametrize("way", SOME_WAYS)
async def test_while_a_worktree_is_made(place: Place, tmp_path: Path, way: When) -> None:
    """Nobody has heard of the workspace: nothing of it stays, and the start can be repeated."""
    async with person(place) as someone:
        task = await someone.make_task(place, setup=None, cleanup=None)
        before = state_of(place)
        held = hold(place.repo, tmp_path / "held", "post-checkout")
        wanted = {"taskId": task["id"], "executor": "SCRIPTED", "prompt": WORK, "mode": "bypass"}
        _, starting = someone.client.start_request("branchwork/workspace/start", wanted)
        await held.until_held()
        await way(place, held, someone)
        with pytest.raises(RequestFailed) as lost:
            await asyncio.wait_for(starting, 60)
        assert lost.value.code == DAEMON_LOST
        await settled(place)
        assert state_of(place) == before
        assert (await someone.ask("task/get", taskId=task["id"]))["workspaces"] == []
        assert not any(Path(place.root, "worktrees").iterdir())

        await someone.start(task, WORK, mode="bypass")
        await someone.until(lambda: someone.is_in_review(task))
    check_rows(place)


async def test_while_the_second_of_two_worktrees_is_made(place: Place, tmp_path: Path) -> None:
    """All of them or none: the first, which was whole, goes too."""
    second = make_repo(tmp_path / "zoo", place.repo.env)
    async with person(place) as someone:
        task = await someone.make_task(place, setup=None, cleanup=None)
        project = task["projectId"]
        await someone.ask("repo/register", path=str(second.root), projectId=project)
        held = hold(second, tmp_path / "held", "post-checkout")
        wanted = {"taskId": task["id"], "executor": "SCRIPTED", "prompt": WORK, "mode": "bypass"}
        _, starting = someone.client.start_request("branchwork/workspace/start", wanted)
        starting.add_done_callback(lambda answer: answer.exception())
        await held.until_held()
        for repo in (place.repo, second):
            assert len(repo.run("worktree", "list").splitlines()) == 2
        await released_late(place, held, someone)
        await settled(place)
        for repo in (place.repo, second):
            assert len(repo.run("worktree", "list").splitlines()) == 1
            assert repo.run("branch", "--list").split() == ["*", "main"]
        assert (await someone.ask("task/get", taskId=task["id"]))["workspaces"] == []
        await someone.start(task, WORK, mode="bypass")
        await someone.until(lambda: someone.is_in_review(task))
    check_rows(place)


@pytest.mark.parametrize("way", SOME_WAYS)
async def test_while_the_work_is_committed(place: Place, tmp_path: Path, way: When) -> None:
    """It is committed once, and the run comes to its end."""
    async with person(place) as someone:
        held = hold(place.repo, tmp_path / "held", "pre-commit")
        task = await someone.make_task(place, setup=None, cleanup=None)
        workspace = await someone.start(task, WORK, mode="bypass")
        await held.until_held()
        await way(place, held, someone)
        await someone.until(lambda: someone.is_in_review(task))
        branch, directory = workspace["branch"], Path(workspace["containerRef"], "shop")
        assert place.repo.run("log", "--format=%s", f"main..{branch}") == "Made it."
        assert place.repo.at(directory).run("status", "--porcelain") == ""
        (item,) = (await someone.ask("attention/list"))["items"]
        assert (item["kind"], item["sentence"]) == ("finished", "Made it.")
        assert left_running(place) == {}
    check_rows(place)


async def test_an_editor_that_leaves_while_its_work_is_committed(
    place: Place, tmp_path: Path
) -> None:
    """It has lent its environment after a restart, and goes before the commit is made."""
    async with person(place) as someone:
        task = await someone.make_task(place, setup=None, cleanup=None)
        waits = played("Wait.", {"until": str(tmp_path / "end")}, {"write": "made.txt", "text": ""})
        await someone.start(task, waits, mode="bypass")
        prompted = "SELECT id FROM coding_agent_turns WHERE agent_session_id IS NOT NULL"
        await until(lambda: bool(place.rows(prompted)), "the agent does not begin")
        someone.present.clear()
        place.kill_daemon()
    async with person(place, roots=(tmp_path / "elsewhere",)) as other:
        (tmp_path / "end").touch()
        await until(
            lambda: place.rows("SELECT why FROM waiting_runs") == ["environment"],
            "the commit does not wait for the person's environment",
        )
        held = hold(place.repo, tmp_path / "held", "pre-commit")
        async with person(place):
            await held.until_held()
        held.release()
        await other.until(lambda: other.is_in_review(task))
        assert (await other.ask("attention/list"))["items"][0]["kind"] == "finished"
    check_rows(place)


@pytest.mark.parametrize("what", ["commit", "merge"])
async def test_git_that_loses_its_shim_under_a_daemon(
    place: Place, tmp_path: Path, what: str
) -> None:
    """The daemon lives, and looks at what git has done rather than at who saw it."""
    async with person(place) as someone:
        hook = "pre-commit" if what == "commit" else "post-merge"
        held = hold(place.repo, tmp_path / "held", hook)
        task = await someone.make_task(place, setup=None, cleanup=None)
        workspace = await someone.start(task, WORK, mode="bypass")
        if what == "merge":
            await someone.until(lambda: someone.is_in_review(task))
            merging = asyncio.create_task(
                someone.ask("workspace/merge", workspaceId=workspace["id"])
            )
        await held.until_held()
        await kill_shim_of_git(place)
        held.release()
        await someone.until(lambda: someone.is_in_review(task, what == "merge"))
        if what == "merge":
            assert (await merging)["task"]["status"] == "Done"
            assert place.rows("SELECT merge_commit FROM merges") == [place.repo.head("main")]
        assert place.repo.run("log", "--format=%s", "-1", workspace["branch"]) == (
            "X" if what == "merge" else "Made it."
        )
        assert place.repo.run("status", "--porcelain") == ""
    check_rows(place)


async def test_a_commit_that_hooks_refuse_is_told_by_the_next_daemon(
    place: Place, tmp_path: Path
) -> None:
    async with person(place) as someone:
        held = hold(place.repo, tmp_path / "held", "pre-commit")
        task = await someone.make_task(place, setup=None, cleanup=None)
        workspace = await someone.start(task, WORK, mode="bypass")
        await held.until_held()
        (held.folder / "refuse").touch()
        place.kill_daemon()
        await someone.ask("task/list")
        (held.folder / "go").touch()
        await someone.until(lambda: someone.is_in_review(task))
        (item,) = (await someone.ask("attention/list"))["items"]
        assert item["kind"] == "failed"
        assert "not committed" in item["sentence"]
        directory = Path(workspace["containerRef"], "shop")
        assert place.repo.at(directory).run("status", "--porcelain").split() == ["A", "made.txt"]
        assert place.repo.head(workspace["branch"]) == place.repo.head("main")
    check_rows(place)


POINTS = {
    "the message is made": ("commit-msg", "", False),
    "the target is about to move": (
        "reference-transaction",
        at_reference("refs/heads/main", "prepared"),
        None,
    ),
    "the target has moved": (
        "reference-transaction",
        at_reference("refs/heads/main", "committed"),
        True,
    ),
    "the files are there": ("post-merge", "", True),
}


# In few: each point once.
PAIRS = list(
    product(POINTS, WAYS)
    if IN_FULL
    else zip(POINTS, random.Random(SEED).sample(WAYS, 4), strict=True)
)


@pytest.mark.parametrize(("point", "way"), PAIRS)
async def test_while_it_is_merged(place: Place, tmp_path: Path, point: str, way: When) -> None:
    """The target has the commit and the rows say so, or both are as they were."""
    hook, when, has_moved = POINTS[point]
    async with person(place) as someone:
        job = await reviewed(someone, place)
        # Work of the person's own that has nothing to do with it.
        place.repo.write("README.md", "mine\n")
        place.repo.write("draft.txt", "mine too\n")
        old = place.repo.head("main")
        held = hold(place.repo, tmp_path / "held", hook, when)
        wanted = {"workspaceId": job.workspace["id"]}
        _, merging = someone.client.start_request("branchwork/workspace/merge", wanted)
        await held.until_held()
        await way(place, held, someone)
        with pytest.raises(RequestFailed) as lost:
            await asyncio.wait_for(merging, 60)
        assert lost.value.code == DAEMON_LOST
        await settled(place)
        is_whole = place.repo.head("main") != old
        assert has_moved in (None, is_whole)
        await check_merge(someone, place, job, old, is_whole=is_whole)
        if not is_whole:
            await someone.ask("workspace/merge", **wanted)
            await check_merge(someone, place, job, old, is_whole=True)
    check_rows(place)


def ask_to_merge(someone: Person, job: Job) -> dict[str, str]:
    """Without waiting for the answer, which never comes; what was asked for."""
    wanted = {"workspaceId": str(job.workspace["id"])}
    _, merging = someone.client.start_request("branchwork/workspace/merge", wanted)
    merging.add_done_callback(lambda answer: answer.exception())
    return wanted


async def check_merge(someone: Person, place: Place, job: Job, old: str, *, is_whole: bool) -> None:
    """Repository, checkout and rows tell the same."""
    run = place.repo.run
    merged = place.rows("SELECT merge_commit FROM merges")
    assert merged == ([place.repo.head("main")] if is_whole else [])
    assert run("rev-list", f"{old}..main").split() == merged
    assert run("status", "--porcelain").split("\n") == [" M README.md", "?? draft.txt"]
    assert (place.repo.root / "made.txt").exists() is is_whole
    task = (await someone.ask("task/get", taskId=job.task["id"]))["task"]
    assert task["status"] == ("Done" if is_whole else "InReview")
    assert not list((place.repo.root / ".git").glob("**/*.lock"))
    if is_whole:
        assert place.repo.head(job.workspace["branch"]) == merged[0]
        assert run("for-each-ref", "--format=%(refname)", "refs/branchwork/merged") != ""


async def test_a_merge_that_was_refused_while_nobody_looked(place: Place, tmp_path: Path) -> None:
    """git moves the files before the branch: they go back, and then it is merged."""
    async with person(place) as someone:
        job = await reviewed(someone, place)
        place.repo.write("README.md", "mine\n")
        place.repo.write("draft.txt", "mine too\n")
        old, when = place.repo.head("main"), at_reference("refs/heads/main", "prepared")
        held = hold(place.repo, tmp_path / "held", "reference-transaction", when)
        ask_to_merge(someone, job)
        await held.until_held()
        someone.present.clear()
        place.kill_daemon()
        (held.folder / "refuse").touch()
        (held.folder / "go").touch()
        await until(lambda: not left_running(place), "git goes on for ever")
        assert "A  made.txt" in place.repo.run("status", "--porcelain")
        held.release()
        someone.present.set()
        await someone.ask("task/list")
        await settled(place)
        await check_merge(someone, place, job, old, is_whole=True)
    check_rows(place)


async def test_a_merge_into_a_branch_that_nobody_has_checked_out(
    place: Place, tmp_path: Path
) -> None:
    async with person(place) as someone:
        job = await reviewed(someone, place)
        place.repo.run("switch", "--quiet", "--create", "elsewhere")
        old = place.repo.head("main")
        when = at_reference("refs/heads/main", "prepared")
        held = hold(place.repo, tmp_path / "held", "reference-transaction", when)
        ask_to_merge(someone, job)
        await held.until_held()
        await released_late(place, held, someone)
        await settled(place)
        assert place.rows("SELECT merge_commit FROM merges") == [place.repo.head("main")]
        assert place.repo.head("main^") == old
        assert place.repo.head() == old
        assert place.repo.run("status", "--porcelain") == ""
    check_rows(place)


async def test_a_target_that_moved_meanwhile_is_left_alone_and_told(
    place: Place, tmp_path: Path
) -> None:
    """The commit was made, git was refused, and then somebody else was faster."""
    async with person(place) as someone:
        job = await reviewed(someone, place)
        place.repo.run("switch", "--quiet", "--create", "elsewhere")
        when = at_reference("refs/heads/main", "prepared")
        held = hold(place.repo, tmp_path / "held", "reference-transaction", when)
        wanted = ask_to_merge(someone, job)
        await held.until_held()
        someone.present.clear()
        place.kill_daemon()
        (held.folder / "refuse").touch()
        held.release()
        await until(lambda: not left_running(place), "git goes on for ever")
        place.repo.run("switch", "--quiet", "main")
        theirs = place.repo.commit("Theirs", **{"theirs.txt": "theirs\n"})
        someone.present.set()
        await settled(place)
        assert place.repo.head("main") == theirs
        (item,) = (await someone.ask("attention/list"))["items"]
        assert item["kind"] == "failed"
        assert "has moved" in item["sentence"]
        await someone.ask("workspace/merge", **wanted)
        assert place.repo.head("main^") == theirs
        assert (await someone.ask("attention/list"))["items"] == []
    check_rows(place)


@pytest.mark.parametrize("number", range(rounds(full=20, few=2)))
async def test_a_merge_killed_anywhere(place: Place, number: int) -> None:
    chance = random.Random(f"{SEED} merge {number}")
    delay = chance.uniform(0, 0.6)
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}: {delay:.3f} s into the merge")
    async with person(place) as someone:
        job = await reviewed(someone, place)
        place.repo.write("README.md", "mine\n")
        place.repo.write("draft.txt", "mine too\n")
        old, daemon = place.repo.head("main"), place.daemon_pid()
        wanted = {"workspaceId": job.workspace["id"]}
        _, merging = someone.client.start_request("branchwork/workspace/merge", wanted)
        await asyncio.sleep(delay)
        os.kill(daemon, signal.SIGKILL)
        answer: Any = None
        with suppress(RequestFailed):
            answer = await asyncio.wait_for(merging, 60)
        await until(lambda: not is_alive(daemon) and lock.holder(place.data) is not None, "next")
        await someone.ask("task/list")
        await settled(place)
        is_whole = place.repo.head("main") != old
        assert is_whole or answer is None
        await check_merge(someone, place, job, old, is_whole=is_whole)
        if not is_whole:
            await someone.ask("workspace/merge", **wanted)
            await check_merge(someone, place, job, old, is_whole=True)
    check_rows(place)


@pytest.mark.parametrize("number", range(rounds(full=10, few=1)))
async def test_a_removal_killed_anywhere(place: Place, number: int) -> None:
    """What the worktree held is on a ref before it goes, and the removal can be repeated."""
    chance = random.Random(f"{SEED} removal {number}")
    delay = chance.uniform(0, 0.6)
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}: {delay:.3f} s into the removal")
    async with person(place) as someone:
        job = await reviewed(someone, place)
        worktree = Path(job.workspace["containerRef"], "shop")
        (worktree / "unsaved.txt").write_text("unsaved\n")
        daemon = place.daemon_pid()
        wanted = {"taskId": job.task["id"]}
        _, removing = someone.client.start_request("branchwork/task/delete", wanted)
        removing.add_done_callback(lambda answer: answer.exception())
        await asyncio.sleep(delay)
        os.kill(daemon, signal.SIGKILL)
        await asyncio.wait([removing])
        if (await someone.ask("task/list"))["tasks"]:
            await settled(place)
            saved = saved_files(place, job)
            assert (worktree / "unsaved.txt").exists() or "unsaved.txt" in saved
            await someone.ask("task/delete", **wanted)
        assert "unsaved.txt" in saved_files(place, job)
        assert (await someone.ask("task/list"))["tasks"] == []
        assert not worktree.exists()
        assert "made.txt" in place.repo.run("ls-tree", "--name-only", job.workspace["branch"])
        assert place.repo.run("worktree", "list").count("\n") == 0
        assert place.repo.run("status", "--porcelain") == ""
    check_rows(place)


def saved_files(place: Place, job: Job) -> set[str]:
    """What snapshots of the workspace hold."""
    pattern = f"refs/branchwork/snapshots/{job.workspace['id']}/"
    refs = place.repo.run("for-each-ref", "--format=%(refname)", pattern).split()
    return {name for ref in refs for name in place.repo.run("ls-tree", "--name-only", ref).split()}
