"""That the benchmark measures all that it says; what it finds is not looked at."""

import json
import subprocess
import sys
from pathlib import Path

MAIN = Path(__file__).with_name("main.py")
FIGURES = 20


def test_every_figure_is_measured(tmp_path: Path) -> None:
    """As `make bench` does it, but for a moment only."""
    result = tmp_path / "build" / "bench.json"
    done = subprocess.run(
        [sys.executable, str(MAIN), "--quick", "--json", str(result)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(result.read_text())["figures"]
    assert len(figures) == FIGURES
    assert all(figure["measured"] > 0 or figure["unit"] == "ms" for figure in figures)
    for figure in figures:
        assert figure["name"] in done.stdout
