"""An editor over the wire, on an App of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from branchwork.lsp import features
from branchwork.lsp.registry import Features
from branchwork.services.app import App
from support.inproc import Client, connected

ABILITIES = {"protocolVersion": 1, "strict": True, "subscribe": "all"}


@pytest.fixture
def offered_features() -> Features:
    """One collection for all connections of a test, as in the daemon."""
    return features.collect()


@pytest.fixture
async def editor(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> AsyncIterator[Client]:
    """An editor that has the repository open and wants to hear of everything."""
    async with connected(
        app,
        offered_features,
        roots=(repository,),
        branchwork=ABILITIES,
        environment=environment,
    ) as client:
        yield client


@pytest.fixture
async def second_editor(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> AsyncIterator[Client]:
    """Another one, on the same board."""
    async with connected(
        app,
        offered_features,
        roots=(repository,),
        branchwork=ABILITIES,
        environment=environment,
    ) as client:
        yield client
