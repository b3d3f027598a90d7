"""What a client is told that asks for what it missed: changes in order, or that it missed some."""

import shutil

from branchwork.services import changes, projects
from branchwork.services.app import App
from branchwork.store import changes as stored
from branchwork.store import schema_version
from support.stage import next_app


async def make(app: App, count: int) -> None:
    for number in range(count):
        await projects.create(app, f"Project {number}")


async def test_a_client_reads_on_where_it_was(app: App) -> None:
    await make(app, 5)
    epoch, seen = app.store.epoch, []
    at = 0
    while True:
        found = await changes.since(app, epoch, at, limit=2)
        assert not found.gap
        if not found.changes:
            break
        assert found.seq == found.changes[-1].seq
        seen += [change.seq for change in found.changes]
        at = found.seq
    assert seen == [1, 2, 3, 4, 5]


async def test_what_is_not_kept_any_more_is_a_gap(app: App) -> None:
    await make(app, 5)
    await app.store.write(
        lambda tx: tx.execute(stored.changes.delete().where(stored.changes.c.seq <= 3))
    )
    epoch = app.store.epoch
    for seq, gap in ((0, True), (2, True), (3, False), (5, False), (6, True)):
        found = await changes.since(app, epoch, seq)
        assert found.gap is gap, seq
        assert found.seq == 5
    assert (await changes.since(app, "another", 5)).gap


async def test_changes_are_kept_for_some_days(app: App) -> None:
    await make(app, 2)
    await changes.trim(app)
    assert len((await changes.since(app, app.store.epoch, 0)).changes) == 2


async def test_a_copy_that_was_put_back_is_another_epoch(app: App) -> None:
    """Else a client that knows more than the copy would take new changes for known ones."""
    await make(app, 2)
    epoch = app.store.epoch
    copy = schema_version.back_up(app.store.path, "0001")
    await make(app, 2)
    await app.close()
    shutil.copyfile(copy, app.store.path)
    following = next_app(app)
    await make(following, 3)
    assert (await changes.since(following, epoch, 4)).gap
    assert following.store.epoch != epoch
    await following.close()
