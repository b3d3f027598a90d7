"""Direct merges over the wire: what they do, when they are refused, and what stays untouched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import person as story
from support.inproc import Client, RequestFailed

Git = Callable[..., str]
WRITE = '[{"write": "new.txt", "text": "from the agent\\n"}, {"message": "wrote it"}]'


async def attempt(editor: Client, repository: Path, script: str = WRITE, **more: Any) -> Any:
    """A finished run: the task and what was started."""
    task = await story.new_task(editor, repository, "Write it", description="All of it.")
    started = await story.finished(editor, task, script, **more)
    return task, started


async def merge(editor: Client, started: Any, **more: Any) -> Any:
    """Merge the workspace of a run."""
    return await editor.request(
        "branchwork/workspace/merge", {"workspaceId": started["workspace"]["id"], **more}
    )


async def refusal(editor: Client, started: Any) -> str:
    """The kind of the error that a merge gets; the preview says the same before."""
    preview = await editor.request(
        "branchwork/workspace/mergePreview", {"workspaceId": started["workspace"]["id"]}
    )
    with pytest.raises(RequestFailed) as refused:
        await merge(editor, started)
    assert refused.value.code == -32011
    foretold = preview["repos"][0].get("refusal")
    assert foretold is None or foretold["kind"] == refused.value.data["kind"]
    return str(refused.value.data["kind"])


def worktree(started: Any) -> Path:
    """Where the agent worked."""
    workspace = started["workspace"]
    return Path(workspace["containerRef"]) / workspace["repos"][0]["directory"]


async def test_one_commit_with_title_and_description(
    editor: Client, repository: Path, git: Git
) -> None:
    """Squash by default; the branch stays and stands on the target."""
    _, started = await attempt(editor, repository)
    done = await merge(editor, started)
    assert git(repository, "log", "-1", "--format=%B").split("\n\n") == ["Write it", "All of it."]
    assert git(repository, "rev-list", "--count", "HEAD") == "2"
    assert (repository / "new.txt").read_text() == "from the agent\n"
    assert done["merges"][0]["mergeCommit"] == git(repository, "rev-parse", "main")
    branch = started["workspace"]["branch"]
    assert git(repository, "rev-parse", branch) == git(repository, "rev-parse", "main")
    kept = git(repository, "for-each-ref", "--format=%(objectname)", "refs/branchwork/merged")
    assert kept == done["merges"][0]["mergedHead"]


async def test_more_work_is_merged_again(editor: Client, repository: Path, git: Git) -> None:
    """A follow-up after the merge brings the task back only as far as a person lets it."""
    task, started = await attempt(editor, repository)
    await merge(editor, started)
    assert await refusal(editor, started) == "nothingToMerge"
    ended = editor.wait_for(
        "branchwork/attention/changed",
        lambda params: any(item["kind"] == "finished" for item in params["items"]),
    )
    script = '<script>[{"write": "second.txt", "text": "2"}, {"message": "again"}]</script>'
    await editor.request(
        "branchwork/conversation/prompt",
        {"conversationId": started["session"]["conversationId"], "prompt": script},
    )
    await ended
    read = await editor.request("branchwork/task/get", {"taskId": task["id"]})
    assert read["task"]["status"] == "Done"
    await merge(editor, started, message="The second part")
    assert git(repository, "log", "--format=%s") == "The second part\nWrite it\nThe cart"


async def test_a_target_that_is_checked_out_nowhere(
    editor: Client, repository: Path, git: Git
) -> None:
    """Only the ref moves; the checkout stays as it is."""
    git(repository, "branch", "release")
    _, started = await attempt(editor, repository, baseBranch="release")
    before = git(repository, "rev-parse", "HEAD")
    await merge(editor, started)
    assert git(repository, "show", "release:new.txt") == "from the agent"
    assert git(repository, "rev-parse", "HEAD") == before
    assert not (repository / "new.txt").exists()


async def test_unrelated_edits_of_the_checkout_stay(
    editor: Client, repository: Path, git: Git
) -> None:
    """A merge writes only what it has to."""
    (repository / "cart.py").write_text("mine, not saved to git\n")
    _, started = await attempt(editor, repository)
    await merge(editor, started)
    assert (repository / "cart.py").read_text() == "mine, not saved to git\n"
    assert git(repository, "status", "--porcelain").split() == ["M", "cart.py"]


async def test_refused_where_it_would_overwrite(editor: Client, repository: Path) -> None:
    """An uncommitted file in the target's checkout is the user's."""
    _, started = await attempt(editor, repository)
    (repository / "new.txt").write_text("mine")
    assert await refusal(editor, started) == "targetDirty"
    assert (repository / "new.txt").read_text() == "mine"


async def test_refused_where_it_would_conflict(editor: Client, repository: Path, git: Git) -> None:
    """The files are named; nothing has moved."""
    script = '[{"write": "cart.py", "text": "theirs\\n"}]'
    _, started = await attempt(editor, repository, script)
    (repository / "cart.py").write_text("mine\n")
    git(repository, "commit", "-qam", "Mine")
    before = git(repository, "rev-parse", "HEAD")
    assert await refusal(editor, started) == "mergeConflicts"
    assert git(repository, "rev-parse", "HEAD") == before


async def test_refused_while_the_agent_works(
    editor: Client, repository: Path, tmp_path: Path
) -> None:
    """Half a piece of work is not merged."""
    task = await story.new_task(editor, repository)
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    started = await story.start(editor, task, f'[{{"until": "{tmp_path / "gate"}"}}]')
    (worktree(started) / "x.txt").write_text("x")
    with pytest.raises(RequestFailed) as refused:
        await merge(editor, started)
    assert refused.value.data["kind"] in ("running", "nothingToMerge")
    (tmp_path / "gate").touch()
    await reviewed


async def test_refused_with_uncommitted_work(editor: Client, repository: Path) -> None:
    """It would silently be left behind."""
    _, started = await attempt(editor, repository)
    (worktree(started) / "forgotten.txt").write_text("not committed")
    assert await refusal(editor, started) == "dirtyWorktree"


async def test_refused_while_a_rebase_is_under_way(
    editor: Client, repository: Path, git: Git, environment: dict[str, str]
) -> None:
    """The target's checkout is in the middle of something."""
    _, started = await attempt(editor, repository)
    git(repository, "checkout", "-q", "-b", "side")
    (repository / "cart.py").write_text("side\n")
    git(repository, "commit", "-qam", "Side")
    git(repository, "checkout", "-q", "main")
    (repository / "cart.py").write_text("main\n")
    git(repository, "commit", "-qam", "Main")
    with pytest.raises(Exception, match="returned non-zero"):
        git(repository, "rebase", "side")
    assert await refusal(editor, started) == "operationInProgress"
    git(repository, "rebase", "--abort")


async def test_nothing_to_merge(editor: Client, repository: Path) -> None:
    """An agent that changed nothing."""
    _, started = await attempt(editor, repository, '[{"message": "looks fine"}]')
    assert await refusal(editor, started) == "nothingToMerge"
