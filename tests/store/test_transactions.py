"""One writer, readers that can't write, and changes that are committed with what changed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from branchwork.domain.change import Change, Operation
from branchwork.domain.errors import NotFound, RevisionMismatch, StorageFailed
from branchwork.domain.project import Project
from branchwork.domain.task import Task, TaskStatus
from branchwork.store import changes
from branchwork.store.database import Store, open_store
from branchwork.store.transaction import Transaction


def insert_project(tx: Transaction, identifier: str = "p", name: str = "Shop") -> Project:
    return tx.insert(Project(id=identifier, name=name, created_at=tx.now, updated_at=tx.now))


def insert_task(tx: Transaction, identifier: str = "t", title: str = "A task") -> Task:
    return tx.insert(
        Task(id=identifier, project_id="p", title=title, created_at=tx.now, updated_at=tx.now)
    )


async def told(store: Store, behind: int = 0) -> list[Change]:
    return await store.read(lambda tx: changes.since(tx, behind, 1000))


async def in_words(store: Store, behind: int = 0) -> list[tuple[Any, ...]]:
    return [(c.entity, c.entity_id, str(c.op), c.revision) for c in await told(store, behind)]


async def test_what_is_stored_comes_back(store: Store) -> None:
    def write(tx: Transaction) -> Task:
        insert_project(tx)
        return insert_task(tx, title="empty 🛒 cart")

    task = await store.write(write)
    assert await store.read(lambda tx: tx.get(Task, "t")) == task
    assert task.status is TaskStatus.TODO
    with pytest.raises(NotFound) as missing:
        await store.read(lambda tx: tx.get(Task, "nobody"))
    assert missing.value.ids == {"task_id": "nobody"}


async def test_no_update_is_lost(store: Store) -> None:
    """Read, change, write: from many at once, each sees what the one before it wrote."""
    await store.write(lambda tx: insert_project(tx, name="0"))

    def add_one(tx: Transaction) -> None:
        project = tx.get(Project, "p")
        tx.update(project, name=str(int(project.name) + 1))

    await asyncio.gather(*(store.write(add_one) for _ in range(200)))
    project = await store.read(lambda tx: tx.get(Project, "p"))
    assert (project.name, project.revision) == ("200", 201)


async def test_another_process_that_writes_is_waited_for(store: Store, database: Path) -> None:
    """A second connection, as of a backup tool: its write and ours both stay."""
    await store.write(lambda tx: insert_project(tx, name="0"))
    other = open_store(database)

    def add_one(tx: Transaction) -> None:
        project = tx.get(Project, "p")
        tx.update(project, name=str(int(project.name) + 1))

    try:
        await asyncio.gather(*(one.write(add_one) for one in (store, other) for _ in range(50)))
    finally:
        other.close()
    assert (await store.read(lambda tx: tx.get(Project, "p"))).name == "100"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO meta VALUES ('mine', '1')",
        "UPDATE meta SET value = 'mine'",
        "DELETE FROM meta",
        "CREATE TABLE mine (id TEXT)",
    ],
)
async def test_a_reader_cannot_write(store: Store, statement: str) -> None:
    with pytest.raises(StorageFailed):
        await store.read(lambda tx: tx.execute(text(statement)))
    assert await store.read(changes.epoch) == store.epoch


async def test_a_reader_cannot_write_an_entity(store: Store) -> None:
    with pytest.raises(StorageFailed):
        await store.read(insert_project)
    assert await told(store) == []


async def test_a_reader_sees_one_state(store: Store) -> None:
    await store.write(lambda tx: insert_project(tx, name="before"))
    loop = asyncio.get_running_loop()

    def read(tx: Transaction) -> tuple[str, str]:
        before = tx.get(Project, "p").name
        rename = store.write(lambda tx: tx.update(tx.get(Project, "p"), name="after"))
        asyncio.run_coroutine_threadsafe(rename, loop).result(timeout=60)
        return before, tx.get(Project, "p").name

    assert await store.read(read) == ("before", "before")
    assert (await store.read(lambda tx: tx.get(Project, "p"))).name == "after"


async def test_changes_are_written_with_what_changed(store: Store) -> None:
    await store.write(insert_project)
    await store.write(insert_task)

    def edit(tx: Transaction) -> None:
        task = tx.update(tx.get(Task, "t"), title="Another")
        tx.touch(task)
        tx.derive(task, description="told")
        tx.delete(task)

    await store.write(edit)
    assert await in_words(store) == [
        ("project", "p", "create", 1),
        ("task", "t", "create", 1),
        ("task", "t", "update", 2),
        ("task", "t", "derived", 2),
        ("task", "t", "derived", 2),
        ("task", "t", "delete", None),
    ]
    found = await told(store)
    assert [change.seq for change in found] == [1, 2, 3, 4, 5, 6]
    assert {change.project_id for change in found} == {"p"}
    assert len({change.at for change in found[2:]}) == 1


async def test_what_fails_leaves_neither_row_nor_change(store: Store) -> None:
    heard: list[None] = []
    store.on_commit(lambda: heard.append(None))

    def write(tx: Transaction) -> None:
        insert_project(tx)
        raise RuntimeError("after the insert")

    with pytest.raises(RuntimeError):
        await store.write(write)
    with pytest.raises(StorageFailed):
        await store.write(insert_task)  # there is no such project
    assert await told(store) == []
    assert await store.read(lambda tx: tx.find(Project, "p")) is None
    assert await store.read(lambda tx: tx.find(Task, "t")) is None
    assert heard == []
    await store.write(insert_project)
    assert len(heard) == 1


async def test_a_change_that_cannot_be_written_takes_its_row_with_it(store: Store) -> None:
    def write(tx: Transaction) -> None:
        insert_project(tx)
        tx.connection.execute(text("ALTER TABLE changes RENAME TO elsewhere"))

    with pytest.raises(StorageFailed):
        await store.write(write)
    assert await store.read(lambda tx: tx.find(Project, "p")) is None
    await store.write(insert_project)
    assert len(await told(store)) == 1


async def test_who_is_cancelled_does_not_undo_what_has_begun(store: Store) -> None:
    heard: list[int] = []
    store.on_commit(lambda: heard.append(store.head))
    job = asyncio.create_task(store.write(insert_project))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await store.write(lambda tx: tx.find(Project, "p")) is not None
    # The others are told of it all the same.
    assert heard == [1]


async def test_the_head_is_known_without_asking(store: Store, database: Path) -> None:
    await store.write(insert_project)
    await store.write(insert_task)
    assert store.head == await store.read(changes.head) == 2
    following = open_store(database)
    assert following.head == 2
    following.close()


async def test_an_edit_of_an_old_revision_is_refused(store: Store) -> None:
    await store.write(insert_project)
    await store.write(lambda tx: tx.update(tx.get(Project, "p"), 1, name="First"))
    with pytest.raises(RevisionMismatch) as refused:
        await store.write(lambda tx: tx.update(tx.get(Project, "p"), 1, name="Second"))
    assert refused.value.ids == {"revision": 2, "expected_revision": 1}
    assert (await store.read(lambda tx: tx.get(Project, "p"))).name == "First"
    assert len(await told(store)) == 2


async def test_a_deleted_entity_takes_what_belongs_to_it(store: Store) -> None:
    await store.write(insert_project)
    await store.write(insert_task)
    await store.write(lambda tx: tx.delete(tx.get(Project, "p")))
    assert await store.read(lambda tx: tx.find(Task, "t")) is None


async def test_the_seq_goes_on_behind_what_was_dropped(store: Store) -> None:
    for number in range(5):
        await store.write(lambda tx, n=number: insert_project(tx, f"p{n}"))
    assert await store.read(changes.oldest) == 1
    await store.write(lambda tx: changes.trim(tx, "9999"))
    assert await told(store) == []
    assert await store.read(changes.head) == 5
    assert await store.read(changes.oldest) == 6
    await store.write(lambda tx: insert_project(tx, "p5"))
    assert [change.seq for change in await told(store)] == [6]


async def test_only_the_newest_of_too_many_changes_stay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEPT_ROWS", 3)
    for number in range(10):
        await store.write(lambda tx, n=number: insert_project(tx, f"p{n}"))
    await store.write(lambda tx: changes.trim(tx, "0000"))
    assert [change.seq for change in await told(store)] == [8, 9, 10]


async def test_a_page_of_changes(store: Store) -> None:
    for number in range(5):
        await store.write(lambda tx, n=number: insert_project(tx, f"p{n}"))
    found = await store.read(lambda tx: changes.since(tx, 1, 2))
    assert [(change.seq, change.op) for change in found] == [
        (2, Operation.CREATE),
        (3, Operation.CREATE),
    ]


async def test_a_restart_goes_on_with_epoch_and_seq(database: Path) -> None:
    first = open_store(database)
    await first.write(insert_project)
    first.close()
    second = open_store(database)
    assert second.epoch == first.epoch
    assert await second.read(changes.head) == 1
    second.close()
