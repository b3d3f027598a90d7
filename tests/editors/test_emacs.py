"""The page's configuration in a real Emacs: eglot, the real server, an agent that plays a part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import emacs, git_repos
from support.real_home import COMMAND, RealHome, open_home

pytestmark = pytest.mark.editor

PAGE = Path(__file__).parents[2] / "docs" / "editors" / "emacs.md"
STORY = Path(__file__).with_name("emacs_story.el")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    with open_home(tmp_path) as found:
        yield found


@pytest.fixture
def editor_env(home: RealHome) -> dict[str, str]:
    """With the real `branchwork` on the PATH."""
    person = home.person
    return {**person, "PATH": f"{COMMAND.parent}:{person['PATH']}"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """What a person copies from the page."""
    blocks = re.findall(r"^```elisp\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    file = tmp_path / "init.el"
    file.write_text("\n".join(blocks))
    return file


def test_from_a_todo_to_a_merge(config: Path, repository: Path, editor_env: dict[str, str]) -> None:
    """Code action, start by the task's document, an answer in the attention document, merge."""
    told = emacs.run([config, STORY], repository, editor_env)
    assert "DID Merge into main" in told
    repo = git_repos.GitRepo(repository, editor_env)
    assert repo.run("log", "-1", "--format=%s") == "handle empty input"
    assert repo.run("status", "--porcelain") == ""
