from collections.abc import Iterator
from pathlib import Path

import pytest

from support.executions import Executions


@pytest.fixture
def executions(tmp_path: Path, short_path: Path) -> Iterator[Executions]:
    """Starts children; ends what is left of them."""
    ground = Executions(tmp_path, short_path)
    yield ground
    ground.close()
