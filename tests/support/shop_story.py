"""What the README's pictures show: a shop's repository, its developers' tasks, and an agent that
plays its part in them."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from branchwork.domain.task import TaskStatus
from support import git_repos, real_home, rehearsed, seeding
from support.real_home import RealHome

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


@contextmanager
def open_home() -> Iterator[RealHome]:
    """Of a person who has that agent and those tasks. Its folder's name may be on a picture."""
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
        seeded = seeding.seed_old(data / "branchwork.sqlite", str(repository.root), TASKS)
        # Apart, because Playwright may hold the loop of this thread.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, seeded).result()
        yield made
