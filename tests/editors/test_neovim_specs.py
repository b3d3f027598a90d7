"""The plugin's own specs, of what needs no server: each of them in a real Neovim."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import busted

pytestmark = pytest.mark.editor

SPEC = Path(__file__).parents[2] / "editor-clients" / "nvim" / "spec"


def test_the_specs_hold(tmp_path: Path) -> None:
    """With nothing of this machine, its person or the network."""
    own = {f"XDG_{kind}_HOME": str(tmp_path) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **own}
    code, said = busted.run(SPEC / "run.lua", env, "--output=TAP")
    passed = [line for line in said.splitlines() if line.startswith("ok ")]
    assert code == 0, said
    # Whichever folder it looked in, it found them.
    assert len(passed) > 60, said
