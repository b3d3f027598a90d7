"""The run chain, its second part: the agent, its auto-commit, the scripts behind it."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from branchwork.agents.launch import SERVER
from branchwork.domain.entry import EntryKind
from branchwork.domain.execution_process import ExecutionProcess, RunReason
from branchwork.domain.task import TaskStatus
from branchwork.execution import stop
from branchwork.services import chain
from branchwork.store import executions
from support.stage import Stage, script, waiting_for, writing

SETUP, AGENT, CLEANUP = "SetupScript", "CodingAgent", "CleanupScript"
DONE = (AGENT, "Completed")


async def heads(stage: Stage, execution: ExecutionProcess) -> list[tuple[str | None, str | None]]:
    """HEAD of each repo before and after a process."""
    states = await stage.app.store.read(lambda tx: executions.repo_states(tx, execution.id))
    return [(state.before_head_commit, state.after_head_commit) for state in states]


# --- completed -----------------------------------------------------------------------------------


async def test_what_an_agent_changed_is_committed_and_cleaned_up(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    base = git(repository, "rev-parse", "HEAD")
    await stage.repo(repository, cleanup_script="echo tidy > tidy.txt")
    started = await stage.start(repository, writing("made.txt"))
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE, (CLEANUP, "Completed")]
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "log", "--format=%an: %s", f"{base}..").splitlines() == [
        "Ada: Cleanup after: A task",
        "Ada: Wrote made.txt",
    ]
    assert git(worktree, "status", "--porcelain") == ""
    agent, cleanup = await stage.ran(started.workspace)
    first = git(worktree, "rev-parse", "HEAD~1")
    assert await heads(stage, agent) == [(base, first)]
    assert await heads(stage, cleanup) == [(first, git(worktree, "rev-parse", "HEAD"))]
    assert await stage.attention() == [("finished", "Wrote made.txt")]


async def test_nothing_is_cleaned_up_where_head_did_not_move(
    stage: Stage, repository: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    await stage.repo(repository, cleanup_script=f"touch {tmp_path}/cleaned")
    started = await stage.start(repository, script({"message": "It is fine as it is"}))
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE]
    assert not (tmp_path / "cleaned").exists()
    head = git(repository, "rev-parse", "HEAD")
    assert await heads(stage, (await stage.ran(started.workspace))[0]) == [(head, head)]
    assert await stage.attention() == [("finished", "It is fine as it is")]


async def test_an_agent_that_commits_itself_is_cleaned_up_after(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    await stage.repo(repository, cleanup_script="true")
    commit = "echo x > own.txt && git add own.txt && git commit -q -m own"
    started = await stage.start(repository, script({"shell": commit}))
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [DONE, (CLEANUP, "Completed")]
    assert git(stage.directory(started.workspace, repository), "log", "-1", "--format=%s") == "own"


async def test_the_tools_of_an_agent_do_not_outlive_it(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    left = {"shell": waiting_for(tmp_path / "never"), "leave": True}
    started = await stage.start(repository, script(left, {"message": "Left something running"}))
    await stage.settled(started.workspace)
    (execution,) = await stage.ran(started.workspace)
    assert execution.status == "Completed"
    assert stop.tagged(execution.id) == []


async def test_an_agent_works_where_the_repo_says(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    (repository / "inner").mkdir()
    (repository / "inner" / "file").touch()
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "A folder")
    await stage.repo(repository, default_working_dir="inner")
    started = await stage.start(repository, writing("made.txt"))
    await stage.settled(started.workspace)
    worktree = stage.directory(started.workspace, repository)
    assert (worktree / "inner" / "made.txt").read_text() == "made\n"


# --- failed, killed, lost ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"error": {"code": -32603, "message": "The model is away"}}, "agentError"),
        ({"stop": "refusal"}, "refusal"),
        ({"stop": "max_tokens"}, "maxTokens"),
        ({"exit": 0}, "agentExited"),
        ({"crash": 1}, "agentExited"),
    ],
)
async def test_an_agent_that_fails(
    stage: Stage, repository: Path, step: dict[str, object], reason: str, git: Callable[..., str]
) -> None:
    """Its work stays where it is, uncommitted, for a person to look at."""
    base = git(repository, "rev-parse", "HEAD")
    await stage.repo(repository, cleanup_script="exit 1")
    steps = {"write": "half.txt", "text": "half\n"}, {"message": "Half-way"}, step
    started = await stage.start(repository, script(*steps))
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [(AGENT, "Failed")]
    (execution,) = await stage.ran(started.workspace)
    assert execution.ended_reason == reason
    assert await stage.attention() == [("failed", execution.ended_sentence)]
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? half.txt"
    assert git(worktree, "rev-parse", "HEAD") == base


async def test_an_agent_that_a_person_stops(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    await stage.repo(repository, cleanup_script="exit 1")
    steps = {"write": "half.txt", "text": "half\n"}, {"message": "Half-way"}, {"hang": True}
    started = await stage.start(repository, script(*steps))
    execution = await stage.running(started.workspace)
    worktree = stage.directory(started.workspace, repository)
    await stage.until_file(worktree / "half.txt")
    ended = await stage.stop(execution)
    assert (ended.status, ended.ended_reason) == ("Killed", "stopped")
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [(AGENT, "Killed")]
    assert await stage.attention() == []
    assert git(worktree, "status", "--porcelain") == "?? half.txt"
    assert stop.tagged(execution.id) == []


@pytest.mark.parametrize("how", ["deaf", "stubborn"])
async def test_an_agent_that_will_not_stop(stage: Stage, repository: Path, how: str) -> None:
    """Neither a cancel nor the end of its input ends it; TERM or KILL does."""
    steps = {"write": "half.txt", "text": ""}, {"hang": how}
    started = await stage.start(repository, script(*steps))
    execution = await stage.running(started.workspace)
    await stage.until_file(stage.directory(started.workspace, repository) / "half.txt")
    assert (await stage.stop(execution)).status == "Killed"
    assert stop.tagged(execution.id) == []
    await stage.settled(started.workspace)


async def test_stopping_a_workspace_ends_all_that_runs_in_it(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    setup = waiting_for(tmp_path / "never")
    await stage.repo(repository, parallel_setup_script=True, setup_script=setup)
    started = await stage.start(repository, script({"hang": True}))
    await stage.running(started.workspace)
    await stage.running(started.workspace, RunReason.SETUP_SCRIPT)
    stopped = await chain.stop_workspace(stage.app, started.workspace.id)
    assert [str(execution.status) for execution in stopped] == ["Killed", "Killed"]
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.attention() == []


async def test_stopping_while_its_work_is_committed_ends_the_run_there(
    stage: Stage, repository: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    """Nothing can be killed between two processes: the commit is made, and nothing follows."""
    go = tmp_path / "go"
    hook(repository, f"touch {tmp_path}/committing; {waiting_for(go)}")
    await stage.repo(repository, cleanup_script=f"touch {tmp_path}/cleaned")
    steps = {"shell": waiting_for(tmp_path / "queued")}, {"write": "made.txt", "text": ""}
    started = await stage.start(repository, script(*steps))
    await stage.running(started.workspace)
    await stage.prompt(started, script({"message": "Two"}))
    (tmp_path / "queued").touch()
    await stage.until_file(tmp_path / "committing")
    assert await chain.stop_workspace(stage.app, started.workspace.id) == []
    go.touch()
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE]
    assert not (tmp_path / "cleaned").exists()
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == ""
    assert sorted(kind for kind, _ in await stage.attention()) == ["finished", "heldPrompt"]


async def test_stopping_what_has_ended_changes_nothing(stage: Stage, repository: Path) -> None:
    started = await stage.start(repository, script({"message": "Done"}))
    await stage.settled(started.workspace)
    (execution,) = await stage.ran(started.workspace)
    assert await stage.stop(execution) == execution
    assert await chain.stop_workspace(stage.app, started.workspace.id) == []


async def test_an_agent_that_is_lost(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    """Its shim was killed: nothing of it goes on, the run is told as lost, a follow-up resumes."""
    await stage.repo(repository, cleanup_script="true")
    steps = {"write": "half.txt", "text": "half\n"}, {"message": "Half-way"}, {"hang": "deaf"}
    started = await stage.start(repository, script(*steps))
    execution = await stage.running(started.workspace)

    async def said() -> bool:
        return any("Half-way" in getattr(e, "text", "") for e in await stage.entries(started))

    await stage.until(said)
    stage.kill_shim(execution)
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    (ended,) = await stage.ran(started.workspace)
    assert (ended.status, ended.exit_code, ended.ended_reason) == ("Failed", None, "lost")
    assert stop.tagged(execution.id) == []
    assert await stage.attention() == [("lost", ended.ended_sentence)]
    assert "resume it with a follow-up" in (ended.ended_sentence or "")
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? half.txt"
    *_, last = await stage.entries(started)
    assert (last.kind, last.reason) == (EntryKind.ERROR, "lost")
    assert last.sentence == ended.ended_sentence

    await stage.prompt(started, script({"message": "Here again"}))
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    boundaries = [e for e in await stage.entries(started) if e.kind is EntryKind.SESSION_BOUNDARY]
    assert [str(boundary.start) for boundary in boundaries] == ["new", "resumed"]
    assert [kind for kind, _ in await stage.attention()] == ["finished"]


async def test_a_run_that_was_stopped_and_then_lost_is_killed(
    stage: Stage, repository: Path
) -> None:
    steps = {"write": "half.txt", "text": ""}, {"hang": "stubborn"}
    started = await stage.start(repository, script(*steps))
    execution = await stage.running(started.workspace)
    await stage.until_file(stage.directory(started.workspace, repository) / "half.txt")
    await chain.stop(stage.app, execution.id)
    stage.kill_shim(execution)
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [(AGENT, "Killed")]
    assert await stage.attention() == []


async def test_what_could_not_be_started_explains_itself(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    """The agent was there when the run was asked for and is gone when its turn comes."""
    agent_file = tmp_path / "my-agent"
    agent_file.write_text("#!/bin/sh\n")
    agent_file.chmod(0o755)
    stage.agents(tmp_path, {"id": "mine", "executables": [str(agent_file)]})
    await stage.repo(repository, setup_script=f"rm {agent_file}")
    started = await stage.start(repository, "Do it", executor="MINE")
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [(SETUP, "Completed"), (AGENT, "Failed")]
    agent = (await stage.ran(started.workspace))[-1]
    assert agent.ended_reason == "agentNotInstalled"
    assert [kind for kind, _ in await stage.attention()] == ["failed"]
    (told,) = await stage.entries(started)
    assert (told.kind, told.reason) == (EntryKind.ERROR, agent.ended_reason)
    assert (told.index, told.sentence) == (0, agent.ended_sentence)


async def test_an_agent_that_is_downloaded_gets_the_time_for_it(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    """Which also the daemon after this one has to know."""
    npx = tmp_path / "tools" / "npx"
    npx.parent.mkdir()
    start = f"sys.path.insert(0, {str(SERVER)!r}); from branchwork.agents.scripted import main"
    npx.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S -c "import sys; {start}; main()"\n')
    npx.chmod(0o755)
    stage.agents(tmp_path, {"id": "far", "distribution": {"npx": {"package": "far-away@1"}}})
    environment = {**stage.environment, "PATH": f"{npx.parent}:{stage.environment['PATH']}"}
    prompt = script({"message": "Here"})
    wanted = {"executor": "FAR", "environment": environment}
    started = await stage.start(repository, prompt, **wanted)
    await stage.settled(started.workspace)
    (execution,) = await stage.ran(started.workspace)
    assert execution.status == "Completed"
    assert execution.executor_action["downloads"] is True


# --- cleanup -------------------------------------------------------------------------------------


async def test_a_cleanup_that_fails(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    await stage.repo(repository, cleanup_script="echo half > half.txt; exit 5")
    started = await stage.start(repository, writing())
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE, (CLEANUP, "Failed")]
    ((kind, sentence),) = await stage.attention()
    assert (kind, "exit code 5" in sentence) == ("failed", True)
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? half.txt"


async def test_a_cleanup_that_a_person_stops(
    stage: Stage, repository: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    cleanup = f"echo half > half.txt; {waiting_for(tmp_path / 'never')}"
    await stage.repo(repository, cleanup_script=cleanup)
    started = await stage.start(repository, writing())
    execution = await stage.running(started.workspace, RunReason.CLEANUP_SCRIPT)
    await stage.until_file(stage.directory(started.workspace, repository) / "half.txt")
    await stage.stop(execution)
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE, (CLEANUP, "Killed")]
    assert await stage.attention() == []
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? half.txt"


async def test_a_cleanup_that_is_lost(stage: Stage, repository: Path, tmp_path: Path) -> None:
    await stage.repo(repository, cleanup_script=waiting_for(tmp_path / "never"))
    started = await stage.start(repository, writing())
    execution = await stage.running(started.workspace, RunReason.CLEANUP_SCRIPT)
    stage.kill_shim(execution)
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    ended = (await stage.ran(started.workspace))[-1]
    assert (ended.status, ended.ended_reason) == ("Failed", "lost")
    assert [kind for kind, _ in await stage.attention()] == ["failed"]
    assert stop.tagged(execution.id) == []


async def test_the_first_of_two_cleanups_fails(
    stage: Stage, repository: Path, library: Path, tmp_path: Path
) -> None:
    project = await stage.project(repository)
    await stage.repo(repository, display_name="B", cleanup_script=f"touch {tmp_path}/second")
    await stage.project(repository)
    await stage.repo(library, project, display_name="A", cleanup_script="exit 1")
    started = await stage.start(library, writing("shop/made.txt"))
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [DONE, (CLEANUP, "Failed")]
    assert not (tmp_path / "second").exists()


# --- the commit ----------------------------------------------------------------------------------


def hook(repository: Path, text: str) -> Path:
    file = repository / ".git" / "hooks" / "pre-commit"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


async def test_a_commit_that_a_hook_refuses(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    """It is shown, the chain stops, nothing is lost, and nothing works around the hook."""
    base = git(repository, "rev-parse", "HEAD")
    refusing = hook(repository, "echo 'Tabs are forbidden' >&2; exit 1")
    await stage.repo(repository, cleanup_script="exit 1")
    started = await stage.start(repository, writing())
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE]
    ((kind, sentence),) = await stage.attention()
    assert kind == "failed"
    assert "not committed" in sentence
    assert "Tabs are forbidden" in sentence
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? made.txt"
    assert git(worktree, "rev-parse", "HEAD") == base
    *_, last = await stage.entries(started)
    assert (last.kind, last.reason, last.sentence) == (EntryKind.ERROR, "notCommitted", sentence)

    # The next turn commits what was left, once the hook is content.
    refusing.unlink()
    await stage.prompt(started, script({"message": "Mended"}))
    await stage.settled(started.workspace)
    assert git(worktree, "log", "--format=%s", f"{base}..") == "Mended"
    assert git(worktree, "show", "--name-only", "--format=") == "made.txt"


async def test_a_commit_by_nobody(stage: Stage, repository: Path, git: Callable[..., str]) -> None:
    git(repository, "config", "user.useConfigOnly", "true")
    nobody = {k: v for k, v in stage.environment.items() if not k.startswith("GIT_")}
    started = await stage.start(repository, writing(), environment=nobody)
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    ((kind, sentence),) = await stage.attention()
    assert kind == "failed"
    assert "git config --global user.name" in sentence
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? made.txt"
    with pytest.raises(Exception, match="exit status 1"):
        git(repository, "config", "user.name")


async def test_a_commit_that_takes_too_long(
    stage: Stage, repository: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    stage.app.settings.update({"git_seconds": 5})
    hook(repository, waiting_for(tmp_path / "never"))
    started = await stage.start(repository, writing())
    await stage.settled(started.workspace)
    assert [kind for kind, _ in await stage.attention()] == ["failed"]
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? made.txt"


async def test_a_repo_may_say_that_nothing_is_committed(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    await stage.repo(repository, auto_commit=False, cleanup_script="exit 1")
    started = await stage.start(repository, writing())
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE]
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == "?? made.txt"


async def test_copied_files_and_secrets_are_not_committed(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    (repository / ".env").write_text("KEY=1\n")
    (repository / "config").mkdir()
    (repository / "config" / "dev.local").write_text("local\n")
    await stage.repo(repository, copy_files=".env, config/*.local\nnowhere.txt")
    steps = (
        {"shell": "cat .env config/dev.local > seen.txt"},
        {"write": ".env.production", "text": "KEY=2\n"},
    )
    started = await stage.start(repository, script(*steps))
    assert any("nowhere.txt" in note for note in started.notes)
    await stage.settled(started.workspace)
    worktree = stage.directory(started.workspace, repository)
    assert (worktree / "seen.txt").read_text() == "KEY=1\nlocal\n"
    assert git(worktree, "ls-files").split() == ["cart.py", "seen.txt"]
    left = git(worktree, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert left == ["?? .env", "?? .env.production", "?? config/dev.local"]


async def test_names_that_are_not_text_are_committed(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    odd = "printf 'x' > \"$(printf 'caf\\351.txt')\"; printf 'y' > 'a b\nc.txt'"
    started = await stage.start(repository, script({"shell": odd}))
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    worktree = stage.directory(started.workspace, repository)
    assert git(worktree, "status", "--porcelain") == ""
    # The cart, what git quotes, and no more.
    assert git(worktree, "ls-files").splitlines() == ['"a b\\nc.txt"', '"caf\\351.txt"', "cart.py"]


async def test_two_runs_at_once_do_not_disturb_each_other(
    stage: Stage, repository: Path, git: Callable[..., str]
) -> None:
    starts = [stage.start(repository, writing(f"{n}.txt"), mode="edit") for n in range(4)]
    started = await asyncio.gather(*starts)
    for number, one in enumerate(started):
        await stage.settled(one.workspace)
        worktree = stage.directory(one.workspace, repository)
        assert git(worktree, "diff", "--name-only", "main") == f"{number}.txt"
    assert len({one.workspace.branch for one in started}) == 4
    assert git(repository, "status", "--porcelain") == ""
