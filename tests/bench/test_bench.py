"""That the benchmark measures all that it says; what it finds is not looked at."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.run import GROUPS
from support import npm_tools

MAIN = Path(__file__).with_name("main.py")
FIGURES = {"neovim": 4, "vscode": 7}
WITHOUT_EDITORS = 20


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return tmp_path / "build" / "bench.json"


def test_every_figure_is_measured(result: Path) -> None:
    """As `make bench` does it, but for a moment only."""
    measured = measure(result, *(group for group in GROUPS if group not in FIGURES))
    assert len(measured) == WITHOUT_EDITORS


@pytest.mark.editor
@pytest.mark.long
@pytest.mark.parametrize("editor", FIGURES)
def test_every_figure_of_an_editor_is_measured(editor: str, result: Path) -> None:
    assert len(measure(result, editor)) == FIGURES[editor]


def measure(result: Path, *groups: str) -> list[dict[str, Any]]:
    """What a run of these groups writes and shows."""
    argv = [sys.executable, str(MAIN), "--quick", "--json", str(result), "--only", *groups]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(result.read_text())
    for group, why in told["leftOut"].items():
        npm_tools.missing(group, why)
    figures: list[dict[str, Any]] = told["figures"]
    for figure in figures:
        assert figure["measured"] > 0 or figure["unit"] == "ms", figure
        assert figure["name"] in done.stdout
    return figures
