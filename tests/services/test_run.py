"""A run from its start to its merge, on the services, with a real agent process and real git."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus
from branchwork.domain.task import Task, TaskStatus
from branchwork.services import (
    approvals,
    attention,
    conversations,
    merges,
    reviews,
    tasks,
    workspaces,
)
from branchwork.services.app import App
from branchwork.services.tasks import CodePlace
from branchwork.services.workspaces import Start


async def until(app: App, condition: Callable[[], object]) -> object:
    """Wait for a condition that some commit makes true."""
    async with asyncio.timeout(60):
        while True:
            beat = app.commits.next()
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await beat.wait()


async def test_from_a_selection_to_a_merge(
    app: App, repository: Path, environment: dict[str, str], git: Callable[..., str]
) -> None:
    place = CodePlace(
        path=repository / "cart.py", line=2, text="    return items[0]\n", language="python"
    )
    task = (await tasks.create_from_code(app, place)).task
    started = await workspaces.start(
        app, task.id, Start(executor="SCRIPTED", environment=environment)
    )
    assert started.execution is not None

    async def asked() -> object:
        return [i for i in await attention.items(app) if i.kind == "approval"]

    (item,) = await until(app, asked)
    allow = next(o for o in item.options if o.kind == "allow_once")
    await approvals.respond(app, item.id, allow.id, "test")

    async def ended() -> object:
        e = await app.store.read(lambda tx: tx.get(ExecutionProcess, started.execution.id))
        return e if e.status is not ExecutionStatus.RUNNING else None

    execution = await until(app, ended)
    print(execution)

    async def reviewed() -> object:
        t = await app.store.read(lambda tx: tx.get(Task, task.id))
        return t.status is TaskStatus.IN_REVIEW

    await until(app, reviewed)
    changes = [
        c
        async for c in conversations.stream(
            app, started.session.conversation_id, None, follow=False
        )
    ]
    print([type(c.entry).__name__ for c in changes[0]])
    print(await reviews.diff(app, started.workspace.id))
    merged, task = await merges.merge(app, started.workspace.id, environment)
    assert task.status is TaskStatus.DONE
    print(git(repository, "log", "--stat"))
