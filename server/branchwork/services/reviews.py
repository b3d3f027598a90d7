"""What a workspace's branch has over its target: status and diff, for a person who reviews."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict, InvalidInput, NotFound
from branchwork.domain.merge import Merge
from branchwork.domain.repo import Repo
from branchwork.domain.workspace import Isolation, Workspace, WorkspaceRepo
from branchwork.git import branches, contents, diffs, paths, repositories
from branchwork.git.diffs import FileChange
from branchwork.services.app import App
from branchwork.store import executions, merges, workspaces
from branchwork.store.transaction import Transaction

_FILE_BEGINS = re.compile(r"(?m)^(?=diff --git )")
ALL, UNCOMMITTED, LAST_TURN = "all", "uncommitted", "lastTurn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One repo of a workspace with all that git has to be asked about."""

    workspace: Workspace
    repo: Repo
    link: WorkspaceRepo
    merges: tuple[Merge, ...]
    last_turn_commit: str | None

    @property
    def root(self) -> Path:
        """The main worktree of the repository."""
        return Path(self.repo.path)

    @property
    def directory(self) -> Path:
        """The workspace's worktree of it."""
        return Path(self.workspace.container_ref or "") / self.link.directory

    @property
    def last_merge(self) -> Merge | None:
        """The newest merge."""
        return self.merges[-1] if self.merges else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoStatus:
    """How a repo's branch stands to its target. `unmerged`: it has commits that were not merged."""

    attempt: Attempt
    head_commit: str | None
    ahead: int
    behind: int
    unmerged: bool
    target_exists: bool
    status: repositories.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoDiff:
    """What changed in one repo. `patches` by path, where they were asked for; `omitted` says why
    one is not there."""

    attempt: Attempt
    base_commit: str
    files: tuple[FileChange, ...]
    patches: Mapping[str, str]
    omitted: Mapping[str, str]


async def attempts(app: App, workspace_id: str, repo_id: str | None = None) -> list[Attempt]:
    """The repos of a workspace, or the one that is named; raises NotFound."""
    found = await app.store.read(lambda tx: _attempts(tx, workspace_id))
    if repo_id is None:
        return found
    chosen = [attempt for attempt in found if attempt.repo.id == repo_id]
    if not chosen:
        raise NotFound("The workspace has no such repository.", repo_id=repo_id)
    return chosen


async def statuses(app: App, workspace_id: str) -> list[RepoStatus]:
    """How each branch stands."""
    found = await attempts(app, workspace_id)
    return [await app.blocking(status_of, attempt) for attempt in found]


async def diff(
    app: App,
    workspace_id: str,
    scope: str = ALL,
    *,
    repo_id: str | None = None,
    path: str | None = None,
    with_patch: bool = False,
) -> list[RepoDiff]:
    """The files that differ, with a patch of one of them or of all where it is asked for."""
    require_scope(scope)
    found = await attempts(app, workspace_id, repo_id)
    return [
        await app.blocking(_diff, attempt, scope, path, with_patch=with_patch or path is not None)
        for attempt in found
    ]


async def base_file(
    app: App, workspace_id: str, repo_id: str, path: str, scope: str, limit: int
) -> bytes | None:
    """A file as the diff of that scope begins with; None where it was not there, `limit` + 1 bytes
    where it is longer."""
    require_scope(scope)
    (attempt,) = await attempts(app, workspace_id, repo_id)
    return await app.blocking(_base_file, attempt, path, scope, limit)


def require_scope(scope: str) -> None:
    """Raises InvalidInput for what is no scope."""
    if scope not in (ALL, UNCOMMITTED, LAST_TURN):
        raise InvalidInput(f"There is no diff of {scope!r}.", kind="unknownScope", field="scope")


def status_of(attempt: Attempt) -> RepoStatus:
    """As `statuses`, for one repo; waits for git."""
    require_directory(attempt)
    head = repositories.head_commit(attempt.directory)
    ahead = behind = 0
    target_exists = branches.exists(attempt.root, attempt.link.target_branch)
    if head and target_exists:
        target = branches.commit(attempt.root, attempt.link.target_branch)
        ahead, behind = repositories.ahead_behind(attempt.root, head, target)
    unmerged = is_unmerged(attempt, head)
    return RepoStatus(
        attempt=attempt,
        head_commit=head,
        ahead=ahead if unmerged else 0,
        behind=behind,
        unmerged=unmerged,
        target_exists=target_exists,
        status=repositories.status(attempt.directory),
    )


def is_unmerged(attempt: Attempt, head: str | None) -> bool:
    """Whether the branch has commits that are on no target yet, counted from the last merge."""
    last = attempt.last_merge
    settled = {attempt.link.base_commit}
    if last is not None:
        settled |= {last.merged_head or "", last.merge_commit or ""}
    return head is not None and head not in settled


def require_directory(attempt: Attempt) -> None:
    """Raises Conflict where the worktree is gone."""
    if not attempt.directory.is_dir():
        raise Conflict(
            f"The worktree {attempt.directory} is gone. Its branch {attempt.workspace.branch} is "
            "still in the repository; start the task again, or check the branch out.",
            kind="directoryGone",
            workspace_id=attempt.workspace.id,
        )


def _attempts(tx: Transaction, workspace_id: str) -> list[Attempt]:
    workspace = tx.get(Workspace, workspace_id)
    merged = merges.of_workspace(tx, workspace_id)
    before = _last_turn(tx, workspace_id)
    return [
        Attempt(
            workspace=workspace,
            repo=tx.get(Repo, link.repo_id),
            link=link,
            merges=tuple(merge for merge in merged if merge.repo_id == link.repo_id),
            last_turn_commit=before.get(link.repo_id),
        )
        for link in workspaces.repos_of(tx, workspace_id)
    ]


def _last_turn(tx: Transaction, workspace_id: str) -> dict[str, str | None]:
    agent = executions.newest_agent(tx, workspace_id)
    states = executions.repo_states(tx, agent.id) if agent else []
    return {state.repo_id: state.before_head_commit for state in states}


def _diff(attempt: Attempt, scope: str, path: str | None, *, with_patch: bool) -> RepoDiff:
    require_directory(attempt)
    base = _base(attempt, scope)
    files = diffs.worktree_files(attempt.directory, base)
    names: Sequence[str] = ()
    if path is not None:
        files = [file for file in files if path in _names(file)]
        names = [name for file in files for name in (file.path, file.old_path) if name]
    patches: dict[str, str] = {}
    omitted: dict[str, str] = {}
    if with_patch and files:
        whole = diffs.worktree_patch(attempt.directory, base, names)
        _share_out(files, whole, patches, omitted)
    return RepoDiff(
        attempt=attempt, base_commit=base, files=tuple(files), patches=patches, omitted=omitted
    )


def _names(file: FileChange) -> list[str]:
    """What an editor may call a file: its names as they were sent."""
    return [paths.shown(name) for name in (file.path, file.old_path) if name]


def _base_file(attempt: Attempt, path: str, scope: str, limit: int) -> bytes | None:
    require_directory(attempt)
    return contents.at(attempt.root, _base(attempt, scope), path, limit)


def _share_out(
    files: Sequence[FileChange],
    whole: diffs.Patch,
    patches: dict[str, str],
    omitted: dict[str, str],
) -> None:
    """Cut one patch into those of its files, which stand in it in the order of the list."""
    parts = _FILE_BEGINS.split(whole.text)[1:]
    last = parts[-1] if whole.is_cut and parts else None
    for file in files:
        # A file that became a link, or the other way round, is taken away and added again.
        taken, parts = _split(parts, 2 if file.status == "typeChanged" else 1)
        if file.is_binary:
            omitted[file.path] = "binary"
        elif not taken or taken[-1] is last:
            omitted[file.path] = "tooLarge"
        else:
            patches[file.path] = "".join(taken)


def _split(parts: list[str], count: int) -> tuple[list[str], list[str]]:
    return parts[:count], parts[count:]


def _base(attempt: Attempt, scope: str) -> str:
    head = repositories.head_commit(attempt.directory) or attempt.link.base_commit
    if scope == UNCOMMITTED:
        return head
    if scope == LAST_TURN:
        return attempt.last_turn_commit or head
    last = attempt.last_merge
    if last is not None and last.merge_commit:
        is_on_branch = repositories.is_ancestor(attempt.root, last.merge_commit, head)
        return last.merge_commit if is_on_branch else last.merged_head or attempt.link.base_commit
    if attempt.workspace.isolation is not Isolation.WORKTREE:
        return attempt.link.base_commit
    target = attempt.link.target_branch
    if not branches.exists(attempt.root, target):
        return attempt.link.base_commit
    return repositories.merge_base(attempt.root, head, target) or attempt.link.base_commit
