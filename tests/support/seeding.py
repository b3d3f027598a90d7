"""Fills a database with tasks. argv: its path, a repository's, how many in its project,
how many in one more.

Run while no daemon has it open; prints the ids of the projects as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from branchwork.domain.identity import timestamp, uuid7
from branchwork.domain.project import Project, ProjectRepo
from branchwork.domain.repo import Repo
from branchwork.domain.task import Task, TaskStatus
from branchwork.domain.workspace import Workspace
from branchwork.services.app import new_id
from branchwork.store import tables
from branchwork.store.database import open_store
from branchwork.store.transaction import Transaction

DESCRIPTION = "In `src/cart.py:17`:\n\n```python\n" + "    total += item.price\n" * 12 + "```\n"


async def seed(path: Path, repository: str, of_one: int, of_other: int) -> list[str]:
    store = open_store(path)
    try:
        return await store.write(lambda tx: _fill(tx, repository, of_one, of_other))
    finally:
        store.close()


def _fill(tx: Transaction, repository: str, of_one: int, of_other: int) -> list[str]:
    assert tables.metadata, "every table is known"
    projects = [_project(tx, name) for name in ("shop", "warehouse")]
    _repo_of(tx, repository, projects[0])
    statuses = list(TaskStatus)
    whole = of_one + of_other
    started = time.time_ns() // 1_000_000 - whole
    for number in range(whole):
        # Mixed, as they come on a real board.
        is_first = number * of_one // whole != (number + 1) * of_one // whole
        task = tx.insert(
            Task(
                id=uuid7(started + number, number.to_bytes(10, "big")),
                project_id=projects[not is_first].id,
                title=f"Handle the empty cart, case {number}",
                description=DESCRIPTION if number % 3 else None,
                status=statuses[number // 3 % len(statuses)],
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
        if number % 2:
            _attempt(tx, task, number)
    return [project.id for project in projects]


async def seed_old(
    path: Path, repository: str, tasks: Mapping[str, tuple[TaskStatus, int]]
) -> None:
    """A project `shop` with those titles, each with its status and how many minutes it is old."""
    store = open_store(path)
    try:
        await store.write(lambda tx: _fill_old(tx, repository, tasks))
    finally:
        store.close()


def _fill_old(
    tx: Transaction, repository: str, tasks: Mapping[str, tuple[TaskStatus, int]]
) -> None:
    project = _project(tx, "shop")
    _repo_of(tx, repository, project)
    for number, (title, (status, minutes)) in enumerate(tasks.items()):
        moment = time.time_ns() // 1_000_000 - minutes * 60_000
        then = timestamp(moment)
        tx.insert(
            Task(
                id=uuid7(moment, number.to_bytes(10, "big")),
                project_id=project.id,
                title=title,
                status=status,
                created_at=then,
                updated_at=then,
            )
        )


def _attempt(tx: Transaction, task: Task, number: int) -> None:
    tx.insert(
        Workspace(
            id=new_id(),
            task_id=task.id,
            container_ref=f"/home/ada/.branchwork/worktrees/vk-{number:06}-handle-the-empty-cart",
            branch=f"vk/{number:06}-handle-the-empty-cart",
            archived=True,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def _repo_of(tx: Transaction, path: str, project: Project) -> None:
    repo = tx.insert(
        Repo(
            id=new_id(),
            path=path,
            name="shop",
            display_name="shop",
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    tx.insert(
        ProjectRepo(project_id=project.id, repo_id=repo.id, created_at=tx.now, updated_at=tx.now)
    )


def _project(tx: Transaction, name: str) -> Project:
    return tx.insert(Project(id=new_id(), name=name, created_at=tx.now, updated_at=tx.now))


if __name__ == "__main__":
    database, shop, some, many = sys.argv[1:]
    print(json.dumps(asyncio.run(seed(Path(database), shop, int(some), int(many)))))
