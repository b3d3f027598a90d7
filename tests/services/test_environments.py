"""Whose environment a run gets when nobody asked for it just now."""

from pathlib import Path

import pytest

from branchwork.services.environments import Environments, Source

REPO, WORKTREES = Path("/code/shop"), Path("/worktrees/1-cart")


@pytest.mark.parametrize(
    "opened",
    ["/code", "/code/shop", "/code/shop/src/deep", "/worktrees/1-cart/shop"],
)
def test_an_editor_lends_it_to_what_it_has_open(opened: str) -> None:
    editors = Environments([Source(environment={"WHO": "me"}, roots=(Path(opened),))])
    assert editors.for_paths([REPO, WORKTREES]) == {"WHO": "me"}


@pytest.mark.parametrize("opened", ["/code/shop-two", "/code/sho", "/worktrees/2-other"])
def test_an_editor_elsewhere_lends_nothing(opened: str) -> None:
    editors = Environments([Source(environment={"WHO": "me"}, roots=(Path(opened),))])
    assert editors.for_paths([REPO, WORKTREES]) is None


def test_the_newest_editor_is_asked_first() -> None:
    editors = [Source(environment={"WHO": who}, roots=(REPO,)) for who in ("first", "second")]
    assert Environments(editors).for_paths([REPO]) == {"WHO": "second"}
