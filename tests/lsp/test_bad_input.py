"""What people, repositories and machines get wrong: a typed error that says what to do, and
nothing is lost. The checkout is looked at before and after each test."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from branchwork.lsp import features
from branchwork.services.app import App
from branchwork.store.database import open_store
from support import person
from support.disks import small_disk
from support.inproc import Client, RequestFailed, connected
from support.refusals import fingerprint, refused, require_sentence

INVALID, NOT_FOUND, CONFLICT, NO_REPOSITORY = -32602, -32010, -32011, -32013
NO_AGENT, GIT_FAILED = -32014, -32015
ABILITIES = {"protocolVersion": 1, "strict": True, "subscribe": "all"}
Git = Callable[..., str]


@pytest.fixture(autouse=True)
def checkout_stays_as_it_is(repository: Path, git: Git) -> Any:
    """Nothing of the user's checkout changes, whatever goes wrong."""
    (repository / "mine.txt").write_text("not committed\n")
    before = fingerprint(repository, git)
    yield
    after = fingerprint(repository, git)
    # Branches of runs that did begin are ours.
    ours = "\n".join(row for row in after["branches"].splitlines() if "refs/heads/vk-" not in row)
    assert {**after, "branches": ours} == before


async def register(editor: Client, path: Path | str, code: int, kind: str, *words: str) -> None:
    await refused(editor, "branchwork/repo/register", {"path": str(path)}, code, kind, *words)
    assert (await editor.request("branchwork/repo/list", {}))["repos"] == []


async def made_nothing(app: App, editor: Client, repository: Path, git: Git) -> None:
    """No workspace, no worktree, no branch, no intent is left of a start that was refused."""
    assert (await editor.request("branchwork/workspace/list", {}))["workspaces"] == []
    assert git(repository, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert git(repository, "for-each-ref", "refs/heads/vk-*") == ""
    assert not app.worktrees.exists() or list(app.worktrees.iterdir()) == []


# --- paths ---------------------------------------------------------------------------------------


async def test_a_path_that_is_no_repository(editor: Client, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    await register(editor, folder, NO_REPOSITORY, "notARepository", str(folder), "git init")
    assert list(folder.iterdir()) == []


async def test_a_path_that_is_not_there(editor: Client, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    await register(editor, nowhere, NO_REPOSITORY, "pathNotFound", str(nowhere))
    assert not nowhere.exists()


@pytest.mark.parametrize("path", ["relative/path", "", ".", "file:///r/shop", "/a\0b", "C:\\shop"])
async def test_a_path_that_is_none(editor: Client, path: str) -> None:
    await register(editor, path, INVALID, "notAbsolute", "absolute path")


async def test_a_path_of_megabytes(editor: Client) -> None:
    await register(editor, "/" + "long/" * 300_000, NO_REPOSITORY, "pathNotFound")


async def test_a_path_that_is_not_text(editor: Client, tmp_path: Path) -> None:
    await register(editor, f"{tmp_path}/\ud800", NO_REPOSITORY, "pathNotFound")


async def test_a_bare_repository(editor: Client, tmp_path: Path, git: Git) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    await register(editor, bare, NO_REPOSITORY, "bareRepository", "open a worktree")


async def test_an_empty_repository_can_be_registered_and_not_started(
    editor: Client, tmp_path: Path, git: Git
) -> None:
    empty = tmp_path / "empty"
    git(tmp_path, "init", "-q", "-b", "main", str(empty))
    (empty / "cart.py").write_text("return items[0]\n")
    task = await person.new_task(editor, empty)
    params = {"taskId": task["id"], "executor": "SCRIPTED"}
    start = "branchwork/workspace/start"
    words = str(empty), "make a first commit"
    await refused(editor, start, params, NO_REPOSITORY, "emptyRepository", *words)
    await refused(
        editor, start, {**params, "isolation": "in_place"}, NO_REPOSITORY, "emptyRepository", *words
    )
    assert (await editor.request("branchwork/workspace/list", {}))["workspaces"] == []
    shown = await editor.request("branchwork/task/get", {"taskId": task["id"]})
    assert shown["task"]["status"] == "Todo"
    assert sorted(path.name for path in empty.iterdir()) == [".git", "cart.py"]


async def test_a_repository_that_went_away(
    editor: Client, tmp_path: Path, git: Git, app: App
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(tmp_path / "shop"), str(other))
    task = await person.new_task(editor, other)
    other.rename(tmp_path / "moved")
    params = {"taskId": task["id"], "executor": "SCRIPTED"}
    await refused(
        editor, "branchwork/workspace/start", params, NO_REPOSITORY, "pathNotFound", str(other)
    )
    (repo,) = (await editor.request("branchwork/repo/list", {}))["repos"]
    about = {"repoId": repo["id"]}
    for method in ("branchwork/repo/branches", "branchwork/repo/remotes"):
        await refused(editor, method, about, NO_REPOSITORY, "pathNotFound", str(other))


async def test_a_repository_of_somebody_else(
    editor: Client, tmp_path: Path, git: Git, own_home: Path
) -> None:
    """git itself refuses it; the sentence says how a person allows it."""
    if os.geteuid() != 0:
        pytest.skip("NO OTHER USER: giving a folder away needs root")
    theirs = tmp_path / "theirs"
    git(tmp_path, "init", "-q", str(theirs))
    for path in (theirs, theirs / ".git"):
        os.chown(path, 65534, 65534)
    await register(editor, theirs, NO_REPOSITORY, "dubiousOwnership", "safe.directory")


async def test_a_file_that_is_gone(editor: Client, repository: Path) -> None:
    params = {"uri": (repository / "gone.py").as_uri()}
    await refused(editor, "branchwork/task/create", params, INVALID, "notReadable", "gone.py")


@pytest.mark.parametrize(
    "uri",
    ["untitled:Untitled-1", "https://example.org/a.py", "cart.py", "", "file:", "file:///%00"],
)
async def test_a_uri_that_is_no_file(editor: Client, uri: str) -> None:
    error = await refused_create(editor, {"uri": uri})
    assert error.data["kind"] in ("notAFile", "notReadable")


async def refused_create(editor: Client, params: dict[str, Any]) -> Any:
    with pytest.raises(Exception, match=str(INVALID)) as failed:
        await editor.request("branchwork/task/create", params)
    assert (await editor.request("branchwork/task/list", {}))["tasks"] == []
    return failed.value


@pytest.mark.parametrize(
    ("start", "end"),
    [((10**9, 0), (10**9, 5)), ((0, 10**9), (0, 10**9)), ((2, 0), (0, 0)), ((-1, -1), (-1, -1))],
)
async def test_a_place_that_the_file_has_not(
    editor: Client, repository: Path, start: tuple[int, int], end: tuple[int, int]
) -> None:
    """Such as after an edit that the server has not seen: a task is made, or the field is named."""
    place = {
        name: {"line": line, "character": character}
        for name, (line, character) in (("start", start), ("end", end))
    }
    params = {"uri": (repository / "cart.py").as_uri(), "range": place, "title": "A place"}
    if start[0] < 0:
        error = await refused_create(editor, params)
        assert error.data["field"].startswith("range")
        return
    made = await editor.request("branchwork/task/create", params)
    assert made["task"]["title"] == "A place"


# --- texts ---------------------------------------------------------------------------------------


async def test_a_title_of_emoji(editor: Client, repository: Path, git: Git) -> None:
    """It is kept as it is, and its branch has a legal name of its own."""
    task = await person.new_task(editor, repository, "🛒🔥 👩‍👩‍👧‍👦")
    assert task["title"] == "🛒🔥 👩‍👩‍👧‍👦"
    started = await person.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    branch = started["workspace"]["branch"]
    assert branch.isascii()
    assert git(repository, "check-ref-format", "--branch", branch) == branch
    about = {"workspaceId": started["workspace"]["id"]}
    preview = await editor.request("branchwork/workspace/mergePreview", about)
    assert preview["message"].startswith("🛒🔥 👩‍👩‍👧‍👦")


@pytest.mark.parametrize("title", ["../../x", "--help", "a/b\\c:d*e?f", "refs/heads/main", "."])
async def test_a_title_that_is_no_name(editor: Client, repository: Path, title: str) -> None:
    task = await person.new_task(editor, repository, title)
    started = await person.finished(editor, task, '[{"message": "Done"}]')
    assert Path(started["workspace"]["containerRef"]).parent.name == "worktrees"
    assert "/" not in started["workspace"]["branch"]


async def test_a_title_of_ten_kilobytes(editor: Client, repository: Path) -> None:
    params = {"uri": (repository / "cart.py").as_uri(), "title": "long " * 2000}
    words = "9999 characters", "description"
    await refused(editor, "branchwork/task/create", params, INVALID, "tooLong", *words)
    task = await person.new_task(editor, repository)
    edit = {"taskId": task["id"], "title": "long " * 2000}
    await refused(editor, "branchwork/task/update", edit, INVALID, "tooLong", *words)
    shown = await editor.request("branchwork/task/get", {"taskId": task["id"]})
    assert (shown["task"]["title"], shown["task"]["revision"]) == ("First", 1)


async def test_a_selection_of_one_long_line_is_a_short_title(
    editor: Client, repository: Path
) -> None:
    params = {"uri": (repository / "cart.py").as_uri(), "selection": "word " * 5000}
    made = await editor.request("branchwork/task/create", params)
    assert len(made["task"]["title"]) <= 80
    assert "word " * 100 in made["task"]["description"]


async def test_a_description_of_two_megabytes(editor: Client, repository: Path) -> None:
    params = {
        "uri": (repository / "cart.py").as_uri(),
        "title": "A",
        "description": "x" * (2 << 20),
    }
    await refused(editor, "branchwork/task/create", params, INVALID, "tooLong", "description")
    assert (await editor.request("branchwork/task/list", {}))["tasks"] == []


@pytest.mark.parametrize("title", ["a\0b", "\0"])
async def test_a_title_with_a_zero(editor: Client, repository: Path, title: str) -> None:
    params = {"uri": (repository / "cart.py").as_uri(), "title": title}
    await refused(editor, "branchwork/task/create", params, INVALID, "notText", "title")


@pytest.mark.parametrize("title", ["", " \t\n ", "\u200b"])
async def test_a_title_that_says_nothing(editor: Client, repository: Path, title: str) -> None:
    task = await person.new_task(editor, repository)
    edit = {"taskId": task["id"], "title": title}
    await refused(editor, "branchwork/task/update", edit, INVALID, "empty", "title")


async def test_half_of_a_character_becomes_a_mark(editor: Client, repository: Path) -> None:
    """An editor in JavaScript may cut an emoji in two; nobody could store or read that."""
    task = await person.new_task(editor, repository, "cut \ud83d here")
    assert task["title"] == "cut \ufffd here"
    found = await editor.request("branchwork/task/search", {"query": "cut"})
    assert found["matches"][0]["task"]["title"] == "cut \ufffd here"


async def test_white_space_and_controls_in_a_title(editor: Client, repository: Path) -> None:
    task = await person.new_task(editor, repository, "  two\nlines\tand \x1b[31mred\x1b[0m ")
    assert "\n" not in task["title"]
    started = await person.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    branch = started["workspace"]["branch"]
    assert branch.isprintable()


# --- branches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "branch",
    ["gone", "--upload-pack=x", "a b", "main~1", "main..x", "HEAD", "@{-1}", "🛒", "x" * 5000],
)
async def test_a_branch_that_does_not_exist(
    app: App, editor: Client, repository: Path, git: Git, branch: str
) -> None:
    task = await person.new_task(editor, repository)
    params = {"taskId": task["id"], "executor": "SCRIPTED", "baseBranch": branch}
    start = "branchwork/workspace/start"
    await refused(editor, start, params, NOT_FOUND, "branchNotFound", "There is no branch")
    await made_nothing(app, editor, repository, git)
    (repo,) = (await editor.request("branchwork/repo/list", {}))["repos"]
    targets = [{"repoId": repo["id"], "targetBranch": branch}]
    make = {"taskId": task["id"], "repos": targets}
    create = "branchwork/workspace/create"
    await refused(editor, create, make, NOT_FOUND, "branchNotFound", "There is no branch")
    edit = {"repoId": repo["id"], "defaultTargetBranch": branch}
    update = "branchwork/repo/update"
    await refused(editor, update, edit, NOT_FOUND, "branchNotFound", "There is no branch")
    await made_nothing(app, editor, repository, git)


async def test_a_branch_with_a_zero(editor: Client, repository: Path) -> None:
    task = await person.new_task(editor, repository)
    params = {"taskId": task["id"], "executor": "SCRIPTED", "baseBranch": "a\0b"}
    await refused(editor, "branchwork/workspace/start", params, INVALID, "notText", "zero byte")


async def test_a_head_that_is_on_no_branch(
    app: App, editor: Client, tmp_path: Path, git: Git
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(tmp_path / "shop"), str(other))
    git(other, "checkout", "-q", "--detach")
    task = await person.new_task(editor, other)
    params = {"taskId": task["id"], "executor": "SCRIPTED"}
    words = "No branch is checked out", str(other)
    await refused(editor, "branchwork/workspace/start", params, CONFLICT, "noBranch", *words)
    started = await person.finished(editor, task, '[{"message": "Done"}]', baseBranch="main")
    assert started["workspace"]["repos"][0]["targetBranch"] == "main"


async def test_a_target_that_went_away(editor: Client, repository: Path, git: Git) -> None:
    git(repository, "branch", "release")
    task = await person.new_task(editor, repository)
    written = '[{"write": "a.txt", "text": "a"}]'
    started = await person.finished(editor, task, written, baseBranch="release")
    git(repository, "branch", "-D", "release")
    about = {"workspaceId": started["workspace"]["id"]}
    await refused(
        editor, "branchwork/workspace/merge", about, NOT_FOUND, "branchNotFound", "release"
    )
    status = await editor.request("branchwork/workspace/status", about)
    assert status["repos"][0]["targetExists"] is False
    preview = await editor.request("branchwork/workspace/mergePreview", about)
    assert preview["repos"][0]["refusal"]["kind"] == "branchNotFound"
    git(repository, "branch", "release", "main")
    assert (await editor.request("branchwork/workspace/merge", about))["task"]["status"] == "Done"
    git(repository, "branch", "-D", "release")


async def test_a_worktree_that_went_away(editor: Client, repository: Path) -> None:
    """Somebody tidied up by hand: what is on the branch is not lost."""
    task = await person.new_task(editor, repository)
    started = await person.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    shutil.rmtree(started["workspace"]["containerRef"])
    about = {"workspaceId": started["workspace"]["id"]}
    branch = started["workspace"]["branch"]
    for method in ("status", "diff"):
        name = f"branchwork/workspace/{method}"
        await refused(editor, name, about, CONFLICT, "directoryGone", branch)
    await refused(editor, "branchwork/workspace/merge", about, CONFLICT, "directoryGone", branch)
    conversation = {"conversationId": started["session"]["conversationId"]}
    prompt = {**conversation, "prompt": "Go on"}
    failed = editor.wait_for(
        "branchwork/attention/changed",
        lambda params: any(item["kind"] == "failed" for item in params["items"]),
    )
    await editor.request("branchwork/conversation/prompt", prompt)
    assert "is gone" in (await failed)["items"][0]["sentence"]


# --- git -----------------------------------------------------------------------------------------


@pytest.fixture
def old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Path:
    """A git first on the PATH that says it is of 2021."""
    import os

    real = shutil.which("git")
    tools = tmp_path / "old-tools"
    tools.mkdir()
    (tools / "git").write_text(
        '#!/bin/sh\ncase "$*" in *--version*) echo "git version 2.30.2";; '
        f'*) exec {real} "$@";; esac\n'
    )
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return tools


async def test_a_git_that_is_too_old(
    app: App, editor: Client, repository: Path, git: Git, old_git: Path
) -> None:
    """It can be looked at and planned with; what needs more says so."""
    task = await person.new_task(editor, repository)
    words = "git 2.30.2 is too old", "2.38", "install"
    start = {"taskId": task["id"], "executor": "SCRIPTED"}
    method = "branchwork/workspace/start"
    await refused(editor, method, start, GIT_FAILED, "gitTooOld", *words)
    make = {"taskId": task["id"]}
    await refused(editor, "branchwork/workspace/create", make, GIT_FAILED, "gitTooOld", *words)
    await made_nothing(app, editor, repository, git)
    status = await editor.request("branchwork/daemon/status", {})
    assert status["gitVersion"] == "2.30.2"


async def test_a_git_that_became_too_old_for_a_merge(
    editor: Client, repository: Path, request: pytest.FixtureRequest
) -> None:
    task = await person.new_task(editor, repository)
    started = await person.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    about = {"workspaceId": started["workspace"]["id"]}
    request.getfixturevalue("old_git")
    await refused(
        editor, "branchwork/workspace/merge", about, GIT_FAILED, "gitTooOld", "install git"
    )
    preview = await editor.request("branchwork/workspace/mergePreview", about)
    assert preview["repos"][0]["refusal"]["kind"] == "gitTooOld"


async def test_no_git_at_all(
    editor: Client, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    params = {"path": str(repository)}
    words = "git was not found", "install"
    register = "branchwork/repo/register"
    await refused(editor, register, params, GIT_FAILED, "gitMissing", *words)
    status = await editor.request("branchwork/daemon/status", {})
    assert status.get("gitVersion") is None


# --- names that are not text -------------------------------------------------------------------


async def test_file_names_that_are_not_text(editor: Client, repository: Path, git: Git) -> None:
    """git knows any bytes; an editor is shown what it can read, and can ask by it."""
    task = await person.new_task(editor, repository)
    odd = r"""printf x > "$(printf 'caf\351.txt')"; printf y > 'dir\name'; rm cart.py"""
    started = await person.finished(editor, task, f'[{{"shell": "{_quoted(odd)}"}}]')
    about = {"workspaceId": started["workspace"]["id"]}
    diff = await editor.request("branchwork/workspace/diff", {**about, "withPatch": True})
    assert {file["path"]: file["status"] for file in diff["files"]} == {
        "caf\\xe9.txt": "added",
        "cart.py": "deleted",
        "dir\\name": "added",
    }
    assert all(file["patch"].startswith("diff --git") for file in diff["files"])
    one = await editor.request("branchwork/workspace/diff", {**about, "path": "caf\\xe9.txt"})
    assert [file["path"] for file in one["files"]] == ["caf\\xe9.txt"]
    preview = await editor.request("branchwork/workspace/mergePreview", about)
    assert "caf\\xe9.txt" in preview["repos"][0]["files"]


async def test_a_refusal_names_files_that_are_not_text(
    editor: Client, repository: Path, tmp_path: Path
) -> None:
    task = await person.new_task(editor, repository)
    started = await person.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    worktree = Path(started["workspace"]["containerRef"]) / repository.name
    (worktree / "caf\udce9.txt").write_text("unsaved")
    about = {"workspaceId": started["workspace"]["id"]}
    error = await refused(editor, "branchwork/workspace/merge", about, CONFLICT, "dirtyWorktree")
    assert error.data["files"] == ["caf\\xe9.txt"]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# --- the disk ------------------------------------------------------------------------------------


@pytest.fixture
async def full(app: App, tmp_path: Path) -> AsyncIterator[App]:
    """An App on a disk with little space, which a file takes."""
    with small_disk(tmp_path / "small", "2m") as folder:
        shutil.copyfile(app.store.path, folder / "branchwork.sqlite")
        (folder / "filling").write_bytes(b"x" * 500_000)
        made = App(
            data=folder,
            run_directory=app.run_directory,
            worktrees=app.worktrees,
            store=open_store(folder / "branchwork.sqlite"),
            agents=app.agents,
            settings=app.settings,
        )
        yield made
        await made.close()


async def test_a_full_disk(full: App) -> None:
    """What does not fit is refused and may be sent again; what was stored stays."""
    async with connected(full, features.collect(), branchwork=ABILITIES) as editor:
        project = (await editor.request("branchwork/project/create", {"name": "P"}))["project"]
        made: list[str] = []
        big = {"projectId": project["id"], "title": "T", "description": "x" * 50_000}

        async def fill() -> None:
            while True:
                made.append((await editor.request("branchwork/task/create", big))["task"]["id"])

        with pytest.raises(RequestFailed) as failed:
            await fill()
        assert (failed.value.code, failed.value.data["kind"]) == (-32016, "storageFull")
        assert failed.value.data["retryable"] is True
        require_sentence(failed.value.message, "Free some space", str(full.data))
        listed = await editor.request("branchwork/task/list", {"limit": 1000})
        assert [task["id"] for task in listed["tasks"]] == made[::-1]
        (full.data / "filling").unlink()
        await editor.request("branchwork/task/create", big)
