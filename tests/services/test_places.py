"""Where agents work: worktrees of one or more repositories, and the user's own checkout."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from branchwork.domain.errors import BranchworkError, Conflict, InvalidInput
from branchwork.domain.task import TaskStatus
from branchwork.domain.workspace import Isolation
from branchwork.services import conversations, merges, removal, reviews
from branchwork.store import runs
from branchwork.store import workspaces as stored_workspaces
from support.stage import Stage, script, waiting_for, writing

AGENT, CLEANUP = "CodingAgent", "CleanupScript"
Git = Callable[..., str]


def fingerprint(root: Path, git: Git) -> dict[str, str]:
    """What a start or a merge elsewhere must leave alone: files, index, branches, settings."""
    found = {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }
    for name in ("config", "HEAD", "info/exclude"):
        file = root / ".git" / name
        found[f"git {name}"] = file.read_text() if file.exists() else ""
    found["status"] = git(root, "--no-optional-locks", "status", "--porcelain")
    found["head"] = git(root, "rev-parse", "HEAD")
    found["hooks"] = " ".join(sorted(path.name for path in (root / ".git" / "hooks").glob("*")))
    found["stash"] = git(root, "stash", "list")
    return found


# --- two repositories ----------------------------------------------------------------------------


async def both(stage: Stage, repository: Path, library: Path, *steps: dict[str, str]) -> object:
    await stage.project(repository, library)
    started = await stage.start(library, script(*steps))
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    return started


BOTH = (
    {"write": "shop/made.txt", "text": "in the shop\n"},
    {"write": "lib/made.txt", "text": "in the library\n"},
    {"message": "Two files"},
)


async def test_both_repositories_are_committed(
    stage: Stage, repository: Path, library: Path, git: Git
) -> None:
    before = fingerprint(repository, git), fingerprint(library, git)
    started = await both(stage, repository, library, *BOTH)
    for root, target in ((repository, "main"), (library, "trunk")):
        worktree = stage.directory(started.workspace, root)
        assert git(worktree, "log", "--format=%s", f"{target}..") == "Two files"
        assert git(worktree, "diff", "--name-only", target) == "made.txt"
        assert git(worktree, "branch", "--show-current") == started.workspace.branch
    assert (fingerprint(repository, git), fingerprint(library, git)) == before


async def test_one_merged_of_two_leaves_the_task_in_review(
    stage: Stage, repository: Path, library: Path, git: Git
) -> None:
    started = await both(stage, repository, library, *BOTH)
    first, second = await reviews.attempts(stage.app, started.workspace.id)
    merge = {"workspace_id": started.workspace.id, "environment": stage.environment}
    _, task = await merges.merge(stage.app, **merge, repo_id=first.repo.id)
    assert task.status is TaskStatus.IN_REVIEW
    assert (Path(first.repo.path) / "made.txt").exists()
    assert not (Path(second.repo.path) / "made.txt").exists()
    _, task = await merges.merge(stage.app, **merge)
    assert task.status is TaskStatus.DONE
    assert (Path(second.repo.path) / "made.txt").exists()
    for root in (repository, library):
        assert git(root, "log", "-1", "--format=%s") == "A task"
        assert git(root, "status", "--porcelain") == ""
    with pytest.raises(Conflict) as refused:
        await merges.merge(stage.app, **merge)
    assert refused.value.reason == "nothingToMerge"


async def test_a_repository_without_work_does_not_hold_the_task_up(
    stage: Stage, repository: Path, library: Path
) -> None:
    started = await both(stage, repository, library, BOTH[0])
    done, task = await merges.merge(stage.app, started.workspace.id, stage.environment)
    assert len(done) == 1
    assert task.status is TaskStatus.DONE


async def test_two_folders_of_the_same_name(
    stage: Stage, repository: Path, tmp_path: Path, git: Git
) -> None:
    other = tmp_path / "elsewhere" / "shop"
    other.parent.mkdir()
    git(tmp_path, "clone", "-q", str(repository), str(other))
    await stage.project(repository, other)
    steps = {"write": "shop/1.txt", "text": ""}, {"write": "shop-2/2.txt", "text": ""}
    started = await stage.start(other, script(*steps))
    await stage.settled(started.workspace)
    found = await reviews.diff(stage.app, started.workspace.id)
    assert sorted(file.path for one in found for file in one.files) == ["1.txt", "2.txt"]


async def test_all_worktrees_are_made_or_none(
    stage: Stage, repository: Path, library: Path, git: Git
) -> None:
    """The second repository refuses: nothing of the first is left."""
    await stage.project(repository, library)
    hook = library / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not here' >&2\nexit 1\n")
    hook.chmod(0o755)
    task = await stage.task(library)
    with pytest.raises(BranchworkError):
        await stage.start_task(task, writing())
    for root in (repository, library):
        assert git(root, "worktree", "list", "--porcelain").count("worktree ") == 1
        assert git(root, "for-each-ref", "refs/heads/vk-*") == ""
    assert await stage.app.store.read(lambda tx: stored_workspaces.of_task(tx, task.id)) == []
    assert await stage.app.store.read(runs.open_intents) == []
    assert not stage.app.worktrees.exists() or list(stage.app.worktrees.iterdir()) == []
    # Once the reason is gone, the same task starts.
    hook.unlink()
    started = await stage.start_task(task, writing("shop/made.txt"))
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [(AGENT, "Completed")]


# --- in place ------------------------------------------------------------------------------------


async def test_in_place_only_the_agent_changes_anything(
    stage: Stage, repository: Path, git: Git
) -> None:
    await stage.repo(repository, cleanup_script="exit 1")
    (repository / "mine.txt").write_text("not committed\n")
    (repository / "cart.py").write_text("def first(items):\n    return None\n")
    git(repository, "add", "cart.py")
    before = fingerprint(repository, git)
    started = await stage.start(repository, writing(), isolation=Isolation.IN_PLACE)
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [(AGENT, "Completed")]
    assert (repository / "made.txt").read_text() == "made\n"
    (repository / "made.txt").unlink()
    assert fingerprint(repository, git) == before
    assert git(repository, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert git(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


async def test_in_place_there_is_nothing_to_merge_or_to_remove(
    stage: Stage, repository: Path, git: Git
) -> None:
    started = await stage.start(repository, writing(), isolation=Isolation.IN_PLACE)
    await stage.settled(started.workspace)
    before = fingerprint(repository, git)
    with pytest.raises(Conflict) as refused:
        await merges.merge(stage.app, started.workspace.id, stage.environment)
    assert refused.value.reason == "notAWorktree"
    (shown,) = await merges.preview(stage.app, started.workspace.id)
    assert shown.refusal is not None
    assert shown.refusal.reason == "notAWorktree"
    (diff,) = await reviews.diff(stage.app, started.workspace.id)
    assert [file.path for file in diff.files] == ["made.txt"]
    removed = await removal.delete_task(
        stage.app, started.workspace.task_id, stage.environment, stop_running=True
    )
    assert removed.kept_branches == ()
    assert fingerprint(repository, git) == before


async def test_a_second_agent_is_kept_out_of_a_directory(
    stage: Stage, repository: Path, tmp_path: Path, git: Git
) -> None:
    """Whichever task and workspace it belongs to."""
    go = tmp_path / "go"
    in_place = {"isolation": Isolation.IN_PLACE}
    first = await stage.start(repository, script({"shell": waiting_for(go)}), **in_place)
    execution = await stage.running(first.workspace)
    task = await stage.task(repository, "Another")
    with pytest.raises(Conflict) as refused:
        await stage.start_task(task, writing(), **in_place)
    assert refused.value.reason == "agentRunning"
    assert refused.value.ids["execution_id"] == execution.id
    assert str(repository) in refused.value.sentence
    assert await stage.app.store.read(lambda tx: stored_workspaces.of_task(tx, task.id)) == []
    # A worktree is another directory.
    beside = await stage.start_task(task, writing())
    await stage.settled_alone(beside.workspace)
    go.touch()
    await stage.settled(first.workspace)
    second = await stage.start_task(task, writing(), **in_place)
    await stage.settled(second.workspace)
    assert await stage.ends(second.workspace) == [(AGENT, "Completed")]


async def test_a_follow_up_is_kept_out_too(stage: Stage, repository: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    in_place = {"isolation": Isolation.IN_PLACE}
    first = await stage.start(repository, script({"message": "One"}), **in_place)
    await stage.settled(first.workspace)
    second = await stage.start(repository, script({"shell": waiting_for(go)}), **in_place)
    await stage.running(second.workspace)
    with pytest.raises(Conflict) as refused:
        await stage.prompt(first, script({"message": "Two"}))
    assert refused.value.reason == "agentRunning"
    go.touch()
    await stage.settled(second.workspace)
    await stage.prompt(first, script({"message": "Two"}))
    await stage.settled(first.workspace)
    assert await stage.ends(first.workspace) == [(AGENT, "Completed"), (AGENT, "Completed")]


async def test_an_agent_behind_its_setup_waits_for_a_directory_that_is_taken(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    """The directory was free at the start and is taken when the setup has ended."""
    ready, go = tmp_path / "ready", tmp_path / "go"
    in_place = {"isolation": Isolation.IN_PLACE}
    await stage.repo(repository, setup_script=waiting_for(ready))
    first = await stage.start(repository, script({"message": "First"}), **in_place)
    await stage.repo(repository, setup_script="")
    second = await stage.start(repository, script({"shell": waiting_for(go)}), **in_place)
    await stage.running(second.workspace)
    ready.touch()

    async def waits() -> bool:
        return [one.why for one in await stage.app.store.read(runs.waiting)] == ["lease"]

    await stage.until(waits)
    go.touch()
    for started in (second, first):
        await stage.settled(started.workspace)
    assert (await stage.ends(first.workspace))[-1] == (AGENT, "Completed")


async def test_a_directory_is_free_again_when_its_agent_is_lost(
    stage: Stage, repository: Path
) -> None:
    in_place = {"isolation": Isolation.IN_PLACE}
    first = await stage.start(repository, script({"hang": "deaf"}), **in_place)
    stage.kill_shim(await stage.running(first.workspace))
    await stage.settled(first.workspace)
    second = await stage.start(repository, writing(), **in_place)
    await stage.settled(second.workspace)
    assert await stage.ends(second.workspace) == [(AGENT, "Completed")]


async def test_in_place_is_for_one_repository(
    stage: Stage, repository: Path, library: Path
) -> None:
    await stage.project(repository, library)
    with pytest.raises(InvalidInput) as refused:
        await stage.start(library, writing(), isolation=Isolation.IN_PLACE)
    assert refused.value.reason == "notInPlace"


async def test_a_second_run_in_a_workspace_is_refused(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    from branchwork.services import workspaces
    from branchwork.services.workspaces import Start

    go = tmp_path / "go"
    started = await stage.start(repository, script({"shell": waiting_for(go)}))
    await stage.running(started.workspace)
    wanted = Start(executor="SCRIPTED", environment=stage.environment, prompt=writing())
    with pytest.raises(Conflict):
        await workspaces.start_again(stage.app, started.workspace.id, wanted)
    go.touch()
    await stage.settled(started.workspace)
    # Afterwards another agent begins a conversation of its own in the same worktree.
    again = await workspaces.start_again(stage.app, started.workspace.id, wanted)
    await stage.settled(started.workspace)
    assert again.session.conversation_id != started.session.conversation_id
    with pytest.raises(BranchworkError):
        await conversations.prompt(stage.app, "nobody", "Hello", stage.environment)


# --- uncommitted changes -------------------------------------------------------------------------


def make_dirty(repository: Path, git: Git) -> None:
    (repository / "staged.txt").write_text("staged\n")
    git(repository, "add", "staged.txt")
    (repository / "cart.py").write_text("def first(items):\n    return None\n")
    (repository / "new.txt").write_text("new\n")
    (repository / ".env").write_text("KEY=1\n")


async def test_uncommitted_changes_stay_where_they_are(
    stage: Stage, repository: Path, git: Git
) -> None:
    make_dirty(repository, git)
    before = fingerprint(repository, git)
    started = await stage.start(repository, writing())
    assert any("uncommitted changes" in note for note in started.notes)
    await stage.settled(started.workspace)
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "ls-files").split() == ["cart.py", "made.txt"]
    assert fingerprint(repository, git) == before


async def test_uncommitted_changes_are_carried_over_where_that_is_wanted(
    stage: Stage, repository: Path, git: Git
) -> None:
    make_dirty(repository, git)
    before = fingerprint(repository, git)
    started = await stage.start(repository, writing(), carry_uncommitted=True)
    assert any("begins with your uncommitted changes" in note for note in started.notes)
    assert any(".env" in note for note in started.notes)
    await stage.settled(started.workspace)
    worktree = stage.directory(started.workspace, repository)
    subjects = git(worktree, "log", "--format=%an: %s", "main..").splitlines()
    assert subjects == ["Ada: Wrote made.txt", "Ada: WIP from main"]
    assert git(worktree, "show", "--name-only", "--format=", "HEAD~1").split() == [
        "cart.py",
        "new.txt",
        "staged.txt",
    ]
    assert fingerprint(repository, git) == before


async def test_changes_are_not_carried_over_to_another_base(
    stage: Stage, repository: Path, git: Git
) -> None:
    git(repository, "branch", "release")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Later")
    make_dirty(repository, git)
    before = fingerprint(repository, git)
    task = await stage.task(repository)
    with pytest.raises(Conflict) as refused:
        await stage.start_task(task, writing(), carry_uncommitted=True, base_branch="release")
    assert refused.value.reason == "otherBase"
    assert git(repository, "for-each-ref", "refs/heads/vk-*") == ""
    assert await stage.app.store.read(lambda tx: stored_workspaces.of_task(tx, task.id)) == []
    assert fingerprint(repository, git) == before


async def test_a_clean_checkout_carries_nothing(stage: Stage, repository: Path, git: Git) -> None:
    started = await stage.start(repository, writing(), carry_uncommitted=True)
    assert started.notes == ()
    await stage.settled(started.workspace)
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "log", "--format=%s", "main..") == "Wrote made.txt"
