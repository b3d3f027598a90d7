"""A client on a small server of the tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from branchwork.client import stream
from branchwork.client.connection import Connection
from support.daemons import home

__all__ = ["home"]

SERVER = Path(__file__).parents[1] / "support" / "small_server.py"


@pytest.fixture
def connection() -> Iterator[Connection]:
    connection = Connection(stream.of_command([sys.executable, str(SERVER)]))
    yield connection
    connection.close()
