"""What editors are told of without asking."""

import asyncio
import threading

from branchwork.domain.project import Project
from branchwork.lsp.registry import Features
from branchwork.services.app import App, new_id
from branchwork.store.database import READERS
from branchwork.store.transaction import Transaction
from support.inproc import PATIENCE, connected


async def test_a_change_right_behind_the_first_editors_start_is_told(
    app: App, offered_features: Features
) -> None:
    """Also where the database is slow to answer just then."""
    answered = threading.Event()
    reading = [
        asyncio.create_task(app.store.read(lambda _tx: answered.wait(PATIENCE)))
        for _ in range(READERS)
    ]

    def made(tx: Transaction) -> Project:
        return tx.insert(Project(id=new_id(), name="Shop", created_at=tx.now, updated_at=tx.now))

    async with connected(app, offered_features, branchwork={"subscribe": "all"}) as editor:
        told = editor.wait_for("branchwork/changed")
        # Answered behind `initialized`.
        await editor.request("branchwork/attention/claim", {"ids": []})
        project = await app.store.write(made)
        answered.set()
        assert [change["id"] for change in (await told)["changes"]] == [project.id]
    await asyncio.gather(*reading)
