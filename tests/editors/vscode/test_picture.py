"""The picture of VS Code in the README."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from branchwork.client import stream
from branchwork.client.connection import Connection
from branchwork.client.editor import Editor
from branchwork.protocol import tasks
from branchwork.protocol.tasks import TaskStatus
from support.git_repos import GitRepo
from support.real_home import COMMAND, RealHome
from support.vscode import SCREENSHOTS, Window
from support.vscode_person import select_line

pytestmark = [pytest.mark.editor, pytest.mark.long]

PATIENCE = 60
TITLE = "Handle an empty cart"
CART = '''\
"""What somebody is about to buy."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Item:
    name: str
    price: Decimal
    count: int = 1


def total(items: list[Item]) -> Decimal:
    return sum((item.price * item.count for item in items), Decimal())


def dearest(items: list[Item]) -> Item:
    # TODO: Handle an empty cart
    return max(items, key=lambda item: item.price)
'''
OTHERS = {
    "Round prices to cents": TaskStatus.TODO,
    "Cache the exchange rates": TaskStatus.TODO,
    "Say which coupon did not apply": TaskStatus.TODO,
    "Show prices with and without tax": TaskStatus.IN_REVIEW,
    "Type the checkout module": TaskStatus.DONE,
}


@pytest.fixture
def other_tasks(home: RealHome, repo: GitRepo) -> Iterator[None]:
    """What the shop's developers have on their board."""
    repo.commit_files({"cart.py": CART}, "Items of a cart")
    source = stream.of_command([str(COMMAND), "lsp"], home.person, repo.root)
    with closing(Connection(source)) as connection:
        Editor(connection, repo.root).initialize(PATIENCE)
        uri = (repo.root / "cart.py").as_uri()
        for title, status in OTHERS.items():
            made = connection.request(tasks.CREATE, tasks.TaskCreateParams(uri=uri, title=title))
            changed = tasks.TaskUpdateParams(task_id=made.task.id, status=status)
            connection.request(tasks.UPDATE, changed)
        yield


def test_a_picture(other_tasks: None, window: Window) -> None:
    """Code on the left, the conversation of the agent that works on it on the right."""
    window.open("cart.py")
    select_line(window, "TODO")
    window.choose_action(f'Create and start: "{TITLE}"')
    window.row("Tasks", TITLE).wait_for()
    window.answer("asks", "Show Conversation")
    window.line("waits for your answer").wait_for()
    window.run("View: Move Editor into Right Group")
    window.lens("Allow for this session").wait_for()
    window.clear_toasts()
    window.page.mouse.move(700, 790)
    window.page.set_viewport_size({"width": 1400, "height": 760})
    window.row("Tasks", "Cache the exchange rates").wait_for()
    window.line("dearest").wait_for()
    window.page.screenshot(path=str(SCREENSHOTS / "vscode.png"))
