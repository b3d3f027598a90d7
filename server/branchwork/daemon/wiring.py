"""The one composition root: what the daemon serves is built here and nowhere else."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from branchwork import endpoint
from branchwork.agents import registry
from branchwork.config import Config
from branchwork.domain.errors import StorageFailed
from branchwork.lsp import features
from branchwork.lsp.registry import Features
from branchwork.services import recovery
from branchwork.services.app import App
from branchwork.services.settings import Settings
from branchwork.store.database import Store, open_store
from branchwork.store.unopened import UnopenedStore


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What the daemon needs to know of what it serves.

    `busy` tells whether something runs, is queued or waits for an answer: then the daemon stays.
    """

    app: Any = None
    features: Features = field(default_factory=features.collect)
    busy: Callable[[], bool] = lambda: False
    close: Callable[[], Awaitable[None]] = _nothing


Build = Callable[[Config], Awaitable[Assembly]]


async def build(config: Config) -> Assembly:
    """Open the store and put everything together; StorageFailed puts the daemon in safe mode."""
    app = _app(config, await asyncio.to_thread(open_store, _database(config)))
    try:
        await recovery.recover(app)
    except StorageFailed:
        # This daemon may open it again: nothing that was begun here may go on beside that.
        await app.close()
        raise
    return Assembly(app=app, busy=lambda: bool(app.live or app.jobs), close=app.close)


def build_safe_mode(config: Config, failure: StorageFailed) -> Assembly:
    """What can be served where the store could not be opened: how the daemon is."""
    app = _app(config, UnopenedStore(_database(config), failure))
    return Assembly(app=app, features=features.collect_for_safe_mode(), close=app.close)


def _database(config: Config) -> Path:
    return config.data / "branchwork.sqlite"


def _app(config: Config, store: Store | UnopenedStore) -> App:
    return App(
        data=config.data,
        run_directory=config.run,
        worktrees=config.worktrees,
        store=store,
        agents=registry.load(config.file.parent / "agents.json"),
        settings=Settings(config.file),
        complaints=config.complaints,
        daemon_argv=tuple(endpoint.daemon_argv()),
        # The daemon's own, which holds folders and nothing secret.
        daemon_environment=dict(os.environ),
    )
