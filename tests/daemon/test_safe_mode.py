"""The real daemon on a data folder that can't be used: one sentence, and every file stays."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from branchwork.daemon import lock
from support.daemons import Home, editor, until
from support.inproc import Client, RequestFailed
from support.real_home import COMMAND
from support.refusals import require_sentence

STORAGE_FAILED = -32018
ARGV = [str(COMMAND), "lsp"]


def garbage(path: Path, _: Path) -> None:
    path.write_bytes(os.urandom(64 << 10))


def newer(path: Path, empty: Path) -> None:
    shutil.copyfile(empty, path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def of_something_else(path: Path, _: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE tasks (theirs TEXT)")
    connection.close()


def folder(path: Path, _: Path) -> None:
    path.mkdir()


BROKEN = [
    pytest.param(garbage, "storageCorrupt", "backups", id="garbage"),
    pytest.param(newer, "storageNewer", "Update Branchwork", id="from a newer version"),
    pytest.param(of_something_else, "storageForeign", "BRANCHWORK_DATA_DIR", id="of another"),
    pytest.param(folder, "notWritable", "BRANCHWORK_DATA_DIR", id="a folder"),
]


async def require_doctor(client: Client, path: str, word: str) -> None:
    """The two methods that answer all the same: how it is, and what else could be wrong."""
    status = await client.request("branchwork/daemon/status", {})
    assert status["safeMode"] is True
    require_sentence(status["problem"], path, word)
    checks = (await client.request("branchwork/daemon/doctor", {}))["checks"]
    (store,) = [check for check in checks if check["id"] == "store"]
    assert store["status"] == "error"
    require_sentence(store["sentence"], path, word)
    assert "safe mode" in store["advice"]
    seen = {check["id"] for check in checks}
    assert seen >= {"log", "dataFolder", "dataSpace", "git", "gitIdentity", "worktreesRoot"}
    assert "runs" not in seen


@pytest.mark.parametrize(("make", "kind", "word"), BROKEN)
async def test_a_database_that_cannot_be_opened(
    home: Home,
    empty_database: Path,
    make: Callable[[Path, Path], None],
    kind: str,
    word: str,
) -> None:
    path = Path(home.data, "branchwork.sqlite")
    path.parent.mkdir(mode=0o700)
    make(path, empty_database)
    before = None if path.is_dir() else path.read_bytes()
    async with editor(home, argv=ARGV, initialize=False) as client:
        shown = client.wait_for("window/showMessage")
        answer = await client.initialize()
        assert "codeActionProvider" not in answer["capabilities"]
        require_sentence((await shown)["message"], str(path), word)
        for method in ("branchwork/task/list", "workspace/executeCommand", "textDocument/hover"):
            with pytest.raises(RequestFailed) as failed:
                await client.request(method, {})
            assert (failed.value.code, failed.value.data["kind"]) == (STORAGE_FAILED, kind)
            require_sentence(failed.value.message, str(path), word)
        await require_doctor(client, str(path), word)
        assert await client.end() == 0
    assert (None if path.is_dir() else path.read_bytes()) == before
    await until(lambda: lock.holder(home.data) is None, "the daemon's end")

    # Once a person has done what the sentence says, the next start is as always.
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copyfile(empty_database, path)
    async with editor(home, argv=ARGV) as client:
        assert (await client.request("branchwork/task/list", {}))["tasks"] == []
        assert await client.end() == 0


async def test_a_database_that_is_mended_is_opened_for_all_who_are_here(home: Home) -> None:
    """One editor connects again, as by a "restart"; the other one has done nothing."""
    path = Path(home.data, "branchwork.sqlite")
    path.parent.mkdir(mode=0o700)
    garbage(path, path)
    async with editor(home, argv=ARGV) as one:
        with pytest.raises(RequestFailed):
            await one.request("branchwork/task/list", {})
        again = one.wait_for("branchwork/reconnected")
        async with editor(home, argv=ARGV) as other:
            # What comes is served, and the file is as broken as it was.
            with pytest.raises(RequestFailed):
                await other.request("branchwork/task/list", {})
        path.unlink()
        async with editor(home, argv=ARGV) as other:
            assert (await other.request("branchwork/task/list", {}))["tasks"] == []
            await again
            assert (await one.request("branchwork/task/list", {}))["tasks"] == []
            assert await other.end() == 0
        assert await one.end() == 0
