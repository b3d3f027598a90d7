"""The extension's own tests, of what does not know VS Code, by vitest."""

from __future__ import annotations

import re

import pytest

from support import vscode_tools

pytestmark = pytest.mark.editor


def test_the_parts_hold() -> None:
    said = vscode_tools.npm_run("test", "--no-color")
    assert int(re.findall(r"Tests +(\d+) passed", said)[0]) > 50, said
