"""A request that is shown can be answered."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from branchwork.domain.entry import AgentMessage, Entry, PermissionRequest
from branchwork.services import conversations
from branchwork.services.app import App
from branchwork.services.conversations import EntryChange
from support.stage import PATIENCE, Stage, script


@contextmanager
def held_writer(app: App) -> Iterator[None]:
    """No other write is done meanwhile."""
    go = threading.Event()
    held = asyncio.ensure_future(app.store.write(lambda _tx: go.wait(PATIENCE)))
    try:
        yield
    finally:
        go.set()
        held.add_done_callback(lambda done: done.result())


async def test_a_request_comes_with_the_row_that_takes_its_answer(
    stage: Stage, repository: Path, tmp_path: Path
) -> None:
    await stage.repo(repository)
    go = tmp_path / "go"
    prompt = script(
        {"message": "Ready."}, {"until": str(go)}, {"write": "a.py", "text": "1\n", "ask": True}
    )
    started = await stage.start(repository, prompt)
    assert started.execution is not None
    seen: list[EntryChange] = []

    async def read() -> None:
        conversation_id = started.session.conversation_id
        async for changes in conversations.stream(stage.app, conversation_id, None, follow=True):
            seen.extend(one for one in changes if isinstance(one.entry, PermissionRequest))
            if seen:
                return

    reading = asyncio.create_task(read())
    live = stage.app.live[started.execution.id]

    def folded(kind: type[Entry]) -> bool:
        entries = live.fold.entries if live.fold else ()
        return any(isinstance(entry, kind) for entry in entries)

    async def ready() -> bool:
        # Its rows are written before the next word is read.
        return folded(AgentMessage)

    async def asked() -> bool:
        return folded(PermissionRequest)

    await stage.until(ready)
    with held_writer(stage.app):
        go.touch()
        await stage.until(asked)
        # Whoever reads the conversation is woken by what the agent says.
        live.entries.beat()
        await asyncio.wait([reading], timeout=0.5)
        assert seen == []
    async with asyncio.timeout(PATIENCE):
        await reading
    assert [one.approval_id is not None for one in seen] == [True]
