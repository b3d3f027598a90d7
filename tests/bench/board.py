"""A board as a person has it, in a place of its own: no other group changes what it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import place
from bench.place import Place
from bench.size import Size

# The first titles of what is at work and in review; the others are to do and done, half each.
AT_WORK, IN_REVIEW = 3, 3
STATUSES = ("InProgress", "InReview", "Todo", "Done")
TITLE = "Handle the empty cart, case"
DESCRIPTION = "In `cart.py:1`:\n\n```python\n" + "    total += item.price\n" * 12 + "```\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One project of a repository, and its daemon, which is warm."""

    place: Place
    root: Path
    project_id: str
    tasks: int


@contextmanager
def made(size: Size) -> Iterator[Board]:
    """Nothing of it is left afterwards."""
    with place.made() as own:
        root = own.repository("shop")
        editor = own.editor(root)
        project = editor.request("branchwork/project/create", {"name": "shop"})["project"]["id"]
        added = {"projectId": project, "path": str(root)}
        editor.request("branchwork/project/addRepo", added)
        for number in range(size.board):
            task = {
                "projectId": project,
                "title": f"{TITLE} {number}",
                "description": DESCRIPTION,
                "status": status(number),
            }
            editor.request("branchwork/task/create", task)
        editor.close()
        yield Board(place=own, root=root, project_id=project, tasks=size.board)


def status(number: int) -> str:
    """That of a task; most are to do or done."""
    if number < AT_WORK:
        return "InProgress"
    if number < AT_WORK + IN_REVIEW:
        return "InReview"
    return "Todo" if number % 2 else "Done"
