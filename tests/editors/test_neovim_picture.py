"""The README's picture of the Neovim plugin: its real terminal, the real server, and an agent that
plays a script."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from branchwork.domain.task import TaskStatus
from support import git_repos, painted, real_home, rehearsed, seeding, terminal, tools, vscode
from support.real_home import RealHome
from support.terminal import Terminal

pytestmark = [pytest.mark.editor, pytest.mark.long]

INIT = Path(__file__).with_name("picture_init.lua")
BACKGROUND = "#14161b"  # that of Neovim's own colours, where it is dark
HOUR, DAY = 60, 24 * 60

ASKS = "Refuse an empty cart at checkout"
WORKS = "Retry failed payment webhooks"
READY = "Round prices to whole cents"
TASKS = {
    ASKS: (TaskStatus.TODO, 20),
    WORKS: (TaskStatus.TODO, 50),
    READY: (TaskStatus.TODO, 2 * HOUR),
    "Cache exchange rates for an hour": (TaskStatus.TODO, 35),
    "Move settings to pyproject.toml": (TaskStatus.TODO, 3 * HOUR),
    "Log slow queries with their plan": (TaskStatus.DONE, 5 * HOUR),
    "Drop support for Python 3.10": (TaskStatus.DONE, 2 * DAY),
}

CHECKOUT = """\
from shop.mail import send_receipt
from shop.prices import shipping, total


def checkout(cart):
    goods = total(line.price for line in cart)
    fee = shipping(cart.weight, cart.country)
    # Each line of the receipt has its share.
    share = fee / len(cart)
    send_receipt(cart, goods + fee, share)
    return goods + fee


def refund(order):
    return order.pay_back(order.paid - order.fee)
"""
ORDERS = """\
from shop.checkout import checkout


def place(cart):
    paid = checkout(cart)
    cart.close(paid)
"""
TEST = """\
import pytest

from shop.cart import Cart
from shop.checkout import EmptyCart, checkout


def test_an_empty_cart_is_refused():
    with pytest.raises(EmptyCart):
        checkout(Cart())
"""
FILES: dict[str, str | bytes] = {
    "shop/checkout.py": CHECKOUT,
    "shop/prices.py": "def total(prices):\n    return sum(prices)\n",
    "shop/orders.py": ORDERS,
}
QUESTION = "Run: python -m pytest -q tests?"
ANSWERS = ("Allow  ", "Allow for this session", "Reject  ")
PLAN = ["Find who calls checkout()", "Refuse an empty cart", "Add a test and run it"]
GO = "asks when this is there"
PLAYS: dict[str, list[dict[str, Any]]] = {
    ASKS: [
        {
            "message": "An empty cart divides by zero in `checkout()`: the fee is shared among"
            " no lines. I will refuse it there, before anything is mailed."
        },
        {"plan": [[PLAN[0], "completed"], [PLAN[1], "completed"], [PLAN[2], "in_progress"]]},
        {"read": "shop/checkout.py"},
        {"shell": "git grep -n 'checkout('"},
        {
            "edit": "shop/checkout.py",
            "old": "def checkout(cart):\n",
            "new": "class EmptyCart(ValueError):\n"
            '    """There is nothing to pay for."""\n\n\n'
            "def checkout(cart):\n"
            "    if not cart:\n"
            "        raise EmptyCart\n",
        },
        {"write": "tests/test_checkout.py", "text": TEST},
        {"message": "Callers see an `EmptyCart` now. Let me run the tests."},
        {"until": GO},
        {"shell": "python -m pytest -q tests", "ask": True},
    ],
    WORKS: [{"message": "Looking at how webhooks are sent."}, {"hang": True}],
    READY: [
        {"edit": "shop/prices.py", "old": "sum(prices)", "new": "round(sum(prices), 2)"},
        {"message": "Prices are rounded once, in `total()`."},
    ],
}


@pytest.fixture
def home() -> Iterator[RealHome]:
    """Of a person who has one agent and some tasks."""
    with (
        tempfile.TemporaryDirectory(prefix="home-") as folder,
        real_home.open_home(Path(folder)) as made,
    ):
        plays = made.root / "plays.json"
        plays.write_text(json.dumps(PLAYS).replace(GO, str(made.root / GO)))
        agent = {
            "id": "coding-agent",
            "executables": [{"name": sys.executable, "args": [rehearsed.__file__, str(plays)]}],
        }
        made.config.with_name("agents.json").write_text(json.dumps([agent]))
        repository = git_repos.make_repo(made.root / "shop", made.person, empty=True)
        repository.commit_files(FILES, "The shop")
        data = Path(made.data)
        data.mkdir()
        asyncio.run(seeding.seed_old(data / "branchwork.sqlite", str(repository.root), TASKS))
        yield made


@pytest.fixture
def nvim(home: RealHome, plugin_env: dict[str, str]) -> Iterator[Terminal]:
    own = {f"XDG_{kind}_HOME": str(home.root / kind.lower()) for kind in ("DATA", "STATE", "CACHE")}
    argv = [str(tools.neovim()), "--clean", "-u", str(INIT), "shop/checkout.py"]
    with terminal.running(argv, home.root / "shop", {**plugin_env, **own}) as shown:
        shown.sees("def refund")
        yield shown
        do(shown, "qall!")


def do(nvim: Terminal, command: str) -> None:
    nvim.type(f":{command}")
    nvim.press("Enter")


def test_the_picture(nvim: Terminal, home: RealHome) -> None:
    """A board, a file, and a conversation in which an agent asks."""
    do(nvim, "aboveleft Branchwork board")
    nvim.sees("7 tasks · 0 running", *TASKS)
    for title, then in ((READY, "In review 1"), (WORKS, "1 running"), (ASKS, "2 running")):
        do(nvim, f"Branchwork start agent=coding-agent base=main {title}")
        nvim.sees(then)
    do(nvim, f"Branchwork seen {READY}")
    nvim.sees("2 running · 0 need you")
    do(nvim, f"call search('{ASKS}')")
    do(nvim, f"botright vertical Branchwork conversation {ASKS}")
    nvim.sees("Let me run the tests.")
    (home.root / GO).touch()
    nvim.sees("asks you", "gR rejects it with a reason", f"{ASKS} asks: {QUESTION}")
    screen, drawn = nvim.sees(*TASKS, f"? {QUESTION}", *ANSWERS), nvim.picture()
    with vscode.browser() as chromium:
        path = vscode.SCREENSHOTS / "neovim.png"
        shown = painted.paint(chromium, drawn, BACKGROUND, path)
    assert shown.split() == screen.split()
