"""What waits: prompts for their turn, agents for a place, runs for an environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from branchwork.domain.errors import NotFound
from branchwork.domain.execution_process import RunReason
from branchwork.domain.session import QueuedPrompt
from branchwork.domain.task import TaskStatus
from branchwork.domain.workspace import Workspace
from branchwork.services import approvals, attention, chain, conversations, recovery
from branchwork.services.environments import Source
from branchwork.store import runs, sessions
from support.stage import Stage, next_app, script, waiting_for, writing

SETUP, AGENT, CLEANUP = "SetupScript", "CodingAgent", "CleanupScript"
DONE = (AGENT, "Completed")


async def queue(stage: Stage, started: Any) -> list[QueuedPrompt]:
    conversation_id = started.session.conversation_id
    return await stage.app.store.read(lambda tx: sessions.queue(tx, conversation_id))


async def said(stage: Stage, started: Any) -> list[str]:
    """The prompts of a conversation, as the agent got them."""
    entries = await stage.entries(started)
    return [entry.text for entry in entries if entry.kind == "user_message"]


async def waits(stage: Stage, workspace: Workspace) -> list[tuple[str, int]]:
    """Why and at which place the runs of a workspace wait."""

    def read(tx: Any) -> list[tuple[str, int]]:
        plans = {plan.id for plan in runs.open_plans(tx, workspace.id)}
        return [(one.why, one.place) for one in runs.waiting(tx) if one.plan_id in plans]

    return await stage.app.store.read(read)


# --- prompts -------------------------------------------------------------------------------------


async def test_queued_prompts_are_sent_in_order_and_once(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    first = script({"shell": waiting_for(go)}, {"message": "One"})
    started = await stage.start(repository, first)
    await stage.running(started.workspace)
    second, third = script({"message": "Two"}), script({"message": "Three"})
    for text in (second, third):
        assert (await stage.prompt(started, text)).queued is not None
    assert [queued.held_because for queued in await queue(stage, started)] == [None, None]
    go.touch()
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [DONE, DONE, DONE]
    assert await said(stage, started) == [first, second, third]
    assert await queue(stage, started) == []
    # One item for the person, of the last turn.
    assert await stage.attention() == [("finished", "Three")]


async def test_a_queued_prompt_follows_the_cleanup(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    await stage.repo(repository, cleanup_script="true")
    steps = {"shell": waiting_for(go)}, {"write": "made.txt", "text": "made\n"}
    started = await stage.start(repository, script(*steps))
    await stage.running(started.workspace)
    await stage.prompt(started, script({"message": "Two"}))
    go.touch()
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [DONE, (CLEANUP, "Completed"), DONE]


@pytest.mark.parametrize(
    ("how", "because"),
    [("fail", "failed"), ("stop", "stopped"), ("lose", "lost"), ("commit", "without finishing")],
)
async def test_queued_prompts_are_held_behind_what_did_not_complete(
    stage: Stage, repository: Path, tmp_path: Path, how: str, because: str
) -> None:
    go = tmp_path / "go"
    end = {"stop": "refusal"} if how == "fail" else {"message": "One"}
    if how == "commit":
        hook = repository / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    steps = {"write": "made.txt", "text": "made\n"}, {"shell": waiting_for(go)}, end
    started = await stage.start(repository, script(*steps))
    execution = await stage.running(started.workspace)
    await stage.until_file(stage.directory(started.workspace, repository) / "made.txt")
    second = script({"message": "Two"})
    await stage.prompt(started, second)
    if how == "stop":
        await stage.stop(execution)
    elif how == "lose":
        stage.kill_shim(execution)
    go.touch()
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert len(await stage.ran(started.workspace)) == 1
    (held,) = await queue(stage, started)
    assert because in (held.held_because or "")
    told = [sentence for kind, sentence in await stage.attention() if kind == "heldPrompt"]
    assert len(told) == 1
    assert because in told[0]
    assert "Not sent" in told[0]

    # A person sends it, and it is sent once.
    if how == "commit":
        (repository / ".git" / "hooks" / "pre-commit").unlink()
    await conversations.send_queued(stage.app, held.id, stage.environment)
    await stage.settled(started.workspace)
    assert (await said(stage, started))[1:] == [second]
    assert await queue(stage, started) == []
    with pytest.raises(NotFound):
        await conversations.send_queued(stage.app, held.id, stage.environment)


async def test_a_held_prompt_waits_for_a_person_also_behind_a_run_that_completed(
    stage: Stage, repository: Path
) -> None:
    steps = {"write": "made.txt", "text": ""}, {"hang": True}
    started = await stage.start(repository, script(*steps))
    execution = await stage.running(started.workspace)
    await stage.until_file(stage.directory(started.workspace, repository) / "made.txt")
    await stage.prompt(started, script({"message": "Held"}))
    await stage.stop(execution)
    await stage.settled(started.workspace)
    await stage.prompt(started, script({"message": "Another"}))
    await stage.settled(started.workspace)
    assert len(await queue(stage, started)) == 1
    assert sorted(kind for kind, _ in await stage.attention()) == ["finished", "heldPrompt"]


async def test_a_rejection_with_a_reason_sends_the_reason(stage: Stage, repository: Path) -> None:
    """Also where the agent ends its turn as cancelled, which holds what was queued."""
    asking = {"write": "made.txt", "text": "made\n", "ask": True}
    started = await stage.start(repository, script(asking, {"message": "One"}))

    async def asked() -> Any:
        return [item for item in await attention.items(stage.app) if item.kind == "approval"]

    ((item,)) = await stage.until(asked)
    reason = script({"message": "Understood"})
    await approvals.respond(stage.app, item.id, "reject", "a person", reason)
    await stage.settled(started.workspace)
    assert (await said(stage, started))[1:] == [reason]
    assert not (stage.directory(started.workspace, repository) / "made.txt").exists()


# --- places --------------------------------------------------------------------------------------


async def test_an_agent_beyond_the_limit_waits_visibly(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    stage.app.settings.update({"agents_at_once": 1})
    go = tmp_path / "go"
    first = await stage.start(repository, script({"shell": waiting_for(go)}))
    second = await stage.start(repository, script({"message": "Second"}))
    third = await stage.start(repository, script({"message": "Third"}))
    assert second.execution is None
    assert any("another agent has ended" in note for note in second.notes)
    assert await waits(stage, second.workspace) == [("limit", 1)]
    assert await waits(stage, third.workspace) == [("limit", 2)]
    assert (await stage.task_of(second.workspace)).status is TaskStatus.TODO
    go.touch()
    for started in (first, second, third):
        assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
        assert await stage.ends(started.workspace) == [DONE]
    began = [(await stage.ran(one.workspace))[0].started_at for one in (first, second, third)]
    assert began == sorted(began)


async def test_scripts_do_not_count_and_an_agent_behind_its_setup_waits_too(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    stage.app.settings.update({"agents_at_once": 1})
    go = tmp_path / "go"
    first = await stage.start(repository, script({"shell": waiting_for(go)}))
    await stage.running(first.workspace)
    await stage.repo(repository, setup_script="true")
    second = await stage.start(repository, script({"message": "Second"}))

    async def behind() -> bool:
        return await waits(stage, second.workspace) == [("limit", 1)]

    await stage.until(behind)
    assert await stage.ends(second.workspace) == [(SETUP, "Completed")]
    go.touch()
    await stage.settled(second.workspace)
    assert await stage.ends(second.workspace) == [(SETUP, "Completed"), DONE]


async def test_who_comes_later_does_not_pass_those_that_wait(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    """A place is free for a moment while the one before is committed."""
    stage.app.settings.update({"agents_at_once": 1})
    go, committed = tmp_path / "go", tmp_path / "committed"
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/committing; {waiting_for(committed)}\n")
    hook.chmod(0o755)
    steps = {"shell": waiting_for(go)}, {"write": "made.txt", "text": ""}
    first = await stage.start(repository, script(*steps))
    await stage.running(first.workspace)
    second = await stage.start(repository, script({"message": "Second"}))
    go.touch()
    await stage.until_file(tmp_path / "committing")
    third = await stage.start(repository, script({"message": "Third"}))
    committed.touch()
    for started in (first, second, third):
        await stage.settled(started.workspace)
    began = [(await stage.ran(one.workspace))[0].started_at for one in (second, third)]
    assert began == sorted(began)


async def test_a_run_that_waits_can_be_given_up(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    stage.app.settings.update({"agents_at_once": 1})
    go = tmp_path / "go"
    first = await stage.start(repository, script({"shell": waiting_for(go)}))
    second = await stage.start(repository, script({"message": "Second"}))
    assert await chain.stop_workspace(stage.app, second.workspace.id) == []
    assert await waits(stage, second.workspace) == []
    go.touch()
    await stage.settled(first.workspace)
    assert await stage.ran(second.workspace) == []
    # It is not over for good: a prompt begins again.
    await stage.prompt(second, script({"message": "After all"}))
    await stage.settled(second.workspace)
    assert await stage.ends(second.workspace) == [DONE]


async def test_a_waiting_run_survives_a_restart(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    stage.app.settings.update({"agents_at_once": 1})
    go = tmp_path / "go"
    first = await stage.start(repository, script({"shell": waiting_for(go)}))
    execution = await stage.running(first.workspace)
    second = await stage.start(repository, script({"message": "Second"}))
    await _restart(stage)
    try:
        assert await waits(stage, second.workspace) == [("environment", 1)]
        _open_editor(stage, repository)
        await chain.wake_waiting(stage.app)
        assert await waits(stage, second.workspace) == [("limit", 1)]
        assert execution.id in stage.app.live
        go.touch()
        for started in (first, second):
            await stage.settled(started.workspace)
            assert await stage.ends(started.workspace) == [DONE]
    finally:
        await stage.app.close()


# --- environments --------------------------------------------------------------------------------


async def test_a_run_without_an_environment_waits_for_an_editor(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    """The daemon was replaced while the setup ran: the agent needs an editor's environment."""
    go = tmp_path / "go"
    await stage.repo(repository, setup_script=waiting_for(go))
    started = await stage.start(repository, writing("made.txt"))
    await stage.running(started.workspace, RunReason.SETUP_SCRIPT)
    await _restart(stage)
    try:
        go.touch()

        async def behind() -> bool:
            return await waits(stage, started.workspace) == [("environment", 1)]

        await stage.until(behind)
        assert await stage.ends(started.workspace) == [(SETUP, "Completed")]
        # An editor with something else open does not lend its own.
        _open_editor(stage, tmp_path / "elsewhere")
        await chain.wake_waiting(stage.app)
        assert await waits(stage, started.workspace) == [("environment", 1)]
        _open_editor(stage, repository)
        await chain.wake_waiting(stage.app)
        await stage.settled(started.workspace)
        assert await stage.ends(started.workspace) == [(SETUP, "Completed"), DONE]
        worktree = stage.directory(started.workspace, repository)
        assert (worktree / "made.txt").read_text() == "made\n"
    finally:
        await stage.app.close()


async def test_a_file_with_an_environment_is_enough(
    stage: Stage, repository: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    go = tmp_path / "go"
    own = {name: value for name, value in stage.environment.items() if name.startswith("GIT_")}
    file = tmp_path / "environment"
    file.write_text(
        "# for runs without an editor\n" + "".join(f"{n}={v}\n" for n, v in own.items())
    )
    stage.app.settings.update({"environment_file": str(file)})
    await stage.repo(repository, setup_script=waiting_for(go))
    started = await stage.start(repository, writing("made.txt"))
    await stage.running(started.workspace, RunReason.SETUP_SCRIPT)
    await _restart(stage)
    try:
        go.touch()
        await stage.settled(started.workspace)
        assert await stage.ends(started.workspace) == [(SETUP, "Completed"), DONE]
        worktree = stage.directory(started.workspace, repository)
        assert git(worktree, "log", "-1", "--format=%an") == "Ada"
    finally:
        await stage.app.close()


async def test_a_queued_prompt_runs_with_the_environment_of_its_run(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    stage.environment["MY_KEY"] = "mine"
    started = await stage.start(repository, script({"shell": waiting_for(go)}))
    await stage.running(started.workspace)
    await stage.prompt(started, script({"shell": f"echo $MY_KEY > {tmp_path}/told"}))
    go.touch()
    await stage.settled(started.workspace)
    assert (tmp_path / "told").read_text() == "mine\n"


async def _restart(stage: Stage) -> None:
    """The next daemon: it knows what is stored, and nobody's environment."""
    await stage.app.close()
    stage.app = next_app(stage.app)
    await recovery.recover(stage.app)


def _open_editor(stage: Stage, root: Path) -> None:
    source = Source(environment=stage.environment, roots=(root,))
    stage.app.environments.sources.append(source)
