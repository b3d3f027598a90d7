"""Use cases of repositories: registering, editing, and finding the one that a file is in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from branchwork.domain.errors import Conflict, InvalidInput, NotARepository
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.git import branches, commits, repositories, worktrees
from branchwork.services import projects
from branchwork.services.app import App, new_id
from branchwork.services.text import bounded, required
from branchwork.store import projects as stored_projects
from branchwork.store import repos, workspaces
from branchwork.store.transaction import Transaction


async def register(
    app: App, path: str, project_id: str | None = None, **values: Any
) -> tuple[Repo, bool]:
    """Make a git repository known by any path inside it; the one that is known comes back.

    With a project it is put into that, too. The second value says whether the repo is new.
    """
    _check(values)
    await _require_project(app, project_id)
    root = await discover(app, path)

    def write(tx: Transaction) -> tuple[Repo, bool]:
        is_new = repos.at_path(tx, str(root)) is None
        repo = ensure(tx, root, **values)
        if project_id is not None and stored_projects.link(tx, project_id, repo.id) is None:
            projects.link_repo(tx, project_id, repo)
        return repo, is_new

    return await app.store.write(write)


async def init(
    app: App,
    path: str,
    branch: str,
    environment: Mapping[str, str],
    project_id: str | None = None,
    **values: Any,
) -> Repo:
    """Make a folder a git repository with an empty first commit, and register it."""
    folder = _absolute(path)
    _check(values)
    await _require_project(app, project_id)
    await app.blocking(_make_folder, folder)
    await app.blocking(commits.init, folder, branch, environment)
    repo, _ = await register(app, path, project_id, **values)
    return repo


async def update(
    app: App, repo_id: str, expected_revision: int | None = None, **values: Any
) -> Repo:
    """Edit a repo; a new `path` must be the same repository at its new place."""
    _check(values)
    repo = await app.store.read(lambda tx: tx.get(Repo, repo_id))
    if "path" in values:
        values["path"] = str(await _moved(app, repo, values["path"]))
        await _reconnect(app, repo, Path(values["path"]))
    if values.get("default_target_branch"):
        root = Path(values.get("path", repo.path))
        await app.blocking(branches.commit, root, values["default_target_branch"])
    return await app.store.write(
        lambda tx: tx.update(tx.get(Repo, repo_id), expected_revision, **values)
    )


async def branches_of(app: App, repo_id: str) -> list[branches.Branch]:
    """The branches of a repository, its remotes' too."""
    repo = await app.store.read(lambda tx: tx.get(Repo, repo_id))
    return await app.blocking(branches.listed, Path(repo.path))


async def remotes_of(app: App, repo_id: str) -> list[tuple[str, str]]:
    """Names and addresses of a repository's remotes."""
    repo = await app.store.read(lambda tx: tx.get(Repo, repo_id))
    return await app.blocking(branches.remotes, Path(repo.path))


async def discover(app: App, path: str) -> Path:
    """The root of the main worktree of the repository that a path is in."""
    found = await app.blocking(repositories.discover, _absolute(path))
    return found.root


async def of_file(app: App, path: Path) -> repositories.Repository | None:
    """The repository that a file is in, or None."""
    try:
        return await app.blocking(repositories.discover, _absolute(str(path)))
    except NotARepository:
        return None


def ensure(tx: Transaction, root: Path, **values: Any) -> Repo:
    """The repo registered for a root, registered now if it was not."""
    known = repos.at_path(tx, str(root))
    if known is not None:
        return tx.update(known, **values) if values else known
    return tx.insert(
        Repo(
            id=new_id(),
            path=str(root),
            name=root.name,
            display_name=values.pop("display_name", None) or root.name,
            created_at=tx.now,
            updated_at=tx.now,
            **values,
        )
    )


async def target_branch(app: App, repo: Repo, wanted: str | None) -> str:
    """The branch that a workspace starts from and merges into."""
    root = Path(repo.path)
    branch = wanted or repo.default_target_branch or await app.blocking(branches.default, root)
    if branch is None:
        raise Conflict(
            f"No branch is checked out in {repo.path}. Name the base branch of the start, or set "
            "the repository's default target branch.",
            kind="noBranch",
            repo_id=repo.id,
        )
    return branch


async def _moved(app: App, repo: Repo, path: str) -> Path:
    root = await discover(app, path)
    other = await app.store.read(lambda tx: repos.at_path(tx, str(root)))
    if other is not None and other.id != repo.id:
        raise Conflict(
            f"{root} is registered as another repository already.",
            kind="alreadyRegistered",
            repo_id=other.id,
        )
    return root


async def _reconnect(app: App, repo: Repo, root: Path) -> None:
    """The worktrees of a repository that was moved have to learn where it is."""
    directories = await app.store.read(lambda tx: workspaces.directories_of_repo(tx, repo.id))
    existing = [directory for directory in directories if directory.is_dir()]
    if existing:
        async with app.alone(f"repo:{repo.id}"):
            await app.blocking(worktrees.repair, root, *existing)


async def _require_project(app: App, project_id: str | None) -> None:
    if project_id is not None:
        await app.store.read(lambda tx: tx.get(Project, project_id))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The folder {folder} can't be made: {error.strerror}.",
            kind="notWritable",
            field="path",
        ) from error


def _absolute(path: str) -> Path:
    found = Path(path).expanduser()
    if "\0" in path or not found.is_absolute():
        raise InvalidInput(f"{path!r} is not an absolute path.", kind="notAbsolute", field="path")
    return found


def _check(values: dict[str, Any]) -> None:
    if values.get("display_name") is not None:
        values["display_name"] = required("displayName", values["display_name"])
    for name in ("setup_script", "cleanup_script", "archive_script", "dev_server_script"):
        bounded(name, values.get(name))
