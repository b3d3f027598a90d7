"""The run chain, its first part: setup scripts in order and beside the agent."""

import json
from collections.abc import Callable
from pathlib import Path

from branchwork.domain.execution_process import RunReason
from branchwork.domain.task import TaskStatus
from branchwork.execution import stop
from branchwork.services import repos
from support.stage import Stage, script, waiting_for, writing

SETUP, AGENT, CLEANUP = "SetupScript", "CodingAgent", "CleanupScript"


async def test_setup_then_agent(stage: Stage, repository: Path, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    code = "import json, os; print(json.dumps({**os.environ, 'CWD': os.getcwd()}))"
    await stage.repo(repository, setup_script=f'python3 -c "{code}" > {told}')
    started = await stage.start(repository, script({"message": "Nothing to do"}))
    assert started.execution is not None
    assert started.execution.run_reason is RunReason.SETUP_SCRIPT
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [(SETUP, "Completed"), (AGENT, "Completed")]
    workspace = await stage.fresh(started.workspace)
    assert workspace.setup_completed_at is not None
    assert await stage.attention() == [("finished", "Nothing to do")]

    variables = json.loads(told.read_text())
    assert variables["CWD"] == str(stage.directory(workspace, repository))
    for prefix in ("VK", "BRANCHWORK"):
        assert variables[f"{prefix}_TASK_ID"] == workspace.task_id
        assert variables[f"{prefix}_WORKSPACE_ID"] == workspace.id
        assert variables[f"{prefix}_WORKSPACE_BRANCH"] == workspace.branch
        assert variables[f"{prefix}_SESSION_ID"] == started.session.id
        assert variables[f"{prefix}_PROJECT_NAME"] == "shop"
    assert variables["BRANCHWORK_PORT"] == str(workspace.port_base)
    assert "PORT" not in variables


async def test_setup_runs_once(stage: Stage, repository: Path, tmp_path: Path) -> None:
    await stage.repo(repository, setup_script=f"echo once >> {tmp_path}/setups")
    started = await stage.start(repository, script({"message": "One"}))
    await stage.settled(started.workspace)
    await stage.prompt(started, script({"message": "Two"}))
    await stage.settled(started.workspace)
    assert (tmp_path / "setups").read_text() == "once\n"
    assert [reason for reason, _ in await stage.ends(started.workspace)] == [SETUP, AGENT, AGENT]


async def test_a_script_may_name_its_interpreter(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    file = tmp_path / "by-python"
    text = f"#!/usr/bin/env python3\nopen({str(file)!r}, 'w').write('yes')\n"
    await stage.repo(repository, setup_script=text)
    started = await stage.start(repository, script({"message": "Done"}))
    await stage.settled(started.workspace)
    assert file.read_text() == "yes"


async def test_a_setup_that_fails_stops_the_run(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    await stage.repo(repository, setup_script=f"test -e {tmp_path}/mended || exit 3")
    started = await stage.start(repository, writing())
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [(SETUP, "Failed")]
    (execution,) = await stage.ran(started.workspace)
    assert (execution.exit_code, execution.ended_reason) == (3, "exited")
    ((kind, sentence),) = await stage.attention()
    assert kind == "failed"
    assert sentence == "The setup script ended with exit code 3; its log says why."
    assert (await stage.fresh(started.workspace)).setup_completed_at is None

    # The next prompt tries again.
    (tmp_path / "mended").touch()
    await stage.prompt(started, writing())
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [
        (SETUP, "Failed"),
        (SETUP, "Completed"),
        (AGENT, "Completed"),
    ]
    assert [kind for kind, _ in await stage.attention()] == ["finished"]


async def test_a_setup_that_cannot_be_executed(stage: Stage, repository: Path) -> None:
    await stage.repo(repository, setup_script="#!/no/such/interpreter\n")
    started = await stage.start(repository, writing())
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [(SETUP, "Failed")]
    assert [kind for kind, _ in await stage.attention()] == ["failed"]


async def test_a_setup_that_a_person_stops(stage: Stage, repository: Path, tmp_path: Path) -> None:
    await stage.repo(repository, setup_script=waiting_for(tmp_path / "never"))
    started = await stage.start(repository, writing())
    execution = await stage.running(started.workspace, RunReason.SETUP_SCRIPT)
    ended = await stage.stop(execution)
    assert (ended.status, ended.ended_reason) == ("Killed", "stopped")
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert await stage.ends(started.workspace) == [(SETUP, "Killed")]
    assert await stage.attention() == []
    assert stop.tagged(execution.id) == []


async def test_a_setup_that_is_lost(stage: Stage, repository: Path, tmp_path: Path) -> None:
    await stage.repo(repository, setup_script=waiting_for(tmp_path / "never"))
    started = await stage.start(repository, writing())
    execution = await stage.running(started.workspace, RunReason.SETUP_SCRIPT)
    stage.kill_shim(execution)
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    (ended,) = await stage.ran(started.workspace)
    assert (ended.status, ended.exit_code, ended.ended_reason) == ("Failed", None, "lost")
    assert [kind for kind, _ in await stage.attention()] == ["failed"]
    assert stop.tagged(execution.id) == []


async def test_setups_of_two_repos_run_in_order(
    stage: Stage, repository: Path, library: Path, tmp_path: Path
) -> None:
    """One repo that may run beside the agent does not, when the other may not."""
    log = tmp_path / "order"
    await stage.repo(repository, display_name="B", setup_script=f"echo shop >> {log}")
    project = await stage.project(repository)
    values = {"display_name": "A", "setup_script": f"sleep 0.3; echo lib >> {log}"}
    await stage.repo(library, project, parallel_setup_script=True, **values)
    started = await stage.start(library, script({"shell": f"echo agent >> {log}"}))
    await stage.settled(started.workspace)
    assert log.read_text().split() == ["lib", "shop", "agent"]
    assert (await stage.fresh(started.workspace)).setup_completed_at is not None


async def test_the_first_of_two_setups_fails(stage: Stage, repository: Path, library: Path) -> None:
    await stage.repo(repository, display_name="B", setup_script="true")
    project = await stage.project(repository)
    await stage.repo(library, project, display_name="A", setup_script="exit 1")
    started = await stage.start(library, writing())
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [(SETUP, "Failed")]
    assert (await stage.fresh(started.workspace)).setup_completed_at is None


async def test_parallel_setups_run_beside_the_agent(
    stage: Stage, repository: Path, library: Path, tmp_path: Path
) -> None:
    """Each of the three waits for the others: in order none of them would end."""
    marks = {name: tmp_path / f"{name}-runs" for name in ("shop", "lib", "agent")}

    def meeting(own: str) -> str:
        others = [waiting_for(mark) for name, mark in marks.items() if name != own]
        return f"touch {marks[own]}; {'; '.join(others)}"

    project = await stage.project(repository, parallel_setup_script=True)
    await repos.update(stage.app, await _id(stage, repository), setup_script=meeting("shop"))
    values = {"parallel_setup_script": True, "setup_script": meeting("lib")}
    await stage.repo(library, project, **values)
    started = await stage.start(library, script({"shell": meeting("agent")}))
    assert started.execution is not None
    assert started.execution.run_reason is RunReason.CODING_AGENT
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert sorted(await stage.ends(started.workspace)) == [
        (AGENT, "Completed"),
        (SETUP, "Completed"),
        (SETUP, "Completed"),
    ]
    assert (await stage.fresh(started.workspace)).setup_completed_at is not None
    assert [kind for kind, _ in await stage.attention()] == ["finished"]


async def test_setup_is_done_with_the_last_parallel_one(
    stage: Stage, repository: Path, library: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    project = await stage.project(repository, parallel_setup_script=True, setup_script="true")
    values = {"parallel_setup_script": True, "setup_script": waiting_for(go)}
    await stage.repo(library, project, **values)
    started = await stage.start(library, script({"message": "Quick"}))

    async def one_left() -> bool:
        ends = await stage.ends(started.workspace)
        return sorted(ends)[1:] == [(SETUP, "Completed"), (SETUP, "Running")]

    await stage.until(one_left)
    assert (await stage.fresh(started.workspace)).setup_completed_at is None
    go.touch()
    await stage.settled(started.workspace)
    assert (await stage.fresh(started.workspace)).setup_completed_at is not None


async def test_a_parallel_setup_that_fails_does_not_stop_the_agent(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    values = {"parallel_setup_script": True, "setup_script": "exit 4", "cleanup_script": "true"}
    await stage.repo(repository, **values)
    steps = {"shell": waiting_for(go)}, {"write": "made.txt", "text": "made\n"}
    started = await stage.start(repository, script(*steps))

    async def failed() -> bool:
        return [kind for kind, _ in await stage.attention()] == ["failed"]

    await stage.until(failed)
    go.touch()
    assert (await stage.settled(started.workspace)).status is TaskStatus.IN_REVIEW
    assert sorted(await stage.ends(started.workspace)) == [
        (CLEANUP, "Completed"),
        (AGENT, "Completed"),
        (SETUP, "Failed"),
    ]
    # What follows in the same run does not take the word back.
    assert sorted(kind for kind, _ in await stage.attention()) == ["failed", "finished"]
    assert (await stage.fresh(started.workspace)).setup_completed_at is None


async def test_a_parallel_setup_that_a_person_stops(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    setup = waiting_for(tmp_path / "never")
    await stage.repo(repository, parallel_setup_script=True, setup_script=setup)
    started = await stage.start(repository, script({"shell": waiting_for(go)}))
    await stage.stop(await stage.running(started.workspace, RunReason.SETUP_SCRIPT))
    assert await stage.attention() == []
    assert (await stage.task_of(started.workspace)).status is TaskStatus.IN_PROGRESS
    go.touch()
    await stage.settled(started.workspace)
    assert sorted(await stage.ends(started.workspace)) == [(AGENT, "Completed"), (SETUP, "Killed")]
    assert [kind for kind, _ in await stage.attention()] == ["finished"]


async def test_a_parallel_setup_that_is_lost(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    setup = waiting_for(tmp_path / "never")
    await stage.repo(repository, parallel_setup_script=True, setup_script=setup)
    started = await stage.start(repository, script({"shell": waiting_for(go)}))
    stage.kill_shim(await stage.running(started.workspace, RunReason.SETUP_SCRIPT))

    async def told() -> bool:
        return [kind for kind, _ in await stage.attention()] == ["failed"]

    await stage.until(told)
    go.touch()
    await stage.settled(started.workspace)
    assert sorted(await stage.ends(started.workspace)) == [(AGENT, "Completed"), (SETUP, "Failed")]


async def test_a_setup_that_still_runs_is_not_started_again(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    """The agent was quicker than the setup beside it, and a follow-up is sent."""
    go = tmp_path / "go"
    setup = f"echo begun >> {tmp_path}/setups; {waiting_for(go)}"
    await stage.repo(repository, parallel_setup_script=True, setup_script=setup)
    started = await stage.start(repository, script({"message": "One"}))

    async def reviewed() -> bool:
        return (await stage.task_of(started.workspace)).status is TaskStatus.IN_REVIEW

    await stage.until(reviewed)
    await stage.prompt(started, script({"message": "Two"}))

    async def both() -> bool:
        ends = await stage.ends(started.workspace)
        return ends.count((AGENT, "Completed")) == 2

    await stage.until(both)
    go.touch()
    await stage.settled(started.workspace)
    assert (tmp_path / "setups").read_text() == "begun\n"
    assert (await stage.fresh(started.workspace)).setup_completed_at is not None


async def test_the_projects_scripts_are_over_the_repos(
    stage: Stage, repository: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    from branchwork.services import projects

    repo = await stage.repo(repository, setup_script="exit 1", cleanup_script="exit 1")
    project_id = stage.project_ids[repository]
    own = {"setup_script": f"touch {tmp_path}/of-project", "cleanup_script": ""}
    await projects.add_repo(stage.app, project_id, repo.id, **own)
    started = await stage.start(repository, writing())
    await stage.settled(started.workspace)
    assert await stage.ends(started.workspace) == [(SETUP, "Completed"), (AGENT, "Completed")]
    assert (tmp_path / "of-project").exists()


async def _id(stage: Stage, root: Path) -> str:
    return (await repos.register(stage.app, str(root)))[0].id
