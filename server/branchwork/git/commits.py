"""The commit made after a run: what goes in, what stays out, and why it failed."""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from branchwork.domain.errors import Conflict, InvalidInput, NotARepository
from branchwork.git import branches, command, copy_files, nested, paths, repositories
from branchwork.git.command import CommandFailed, Completed, Runner

LARGEST = 50 * 1024 * 1024
OWN_FOLDER = ".branchwork"
_SECRETS = (
    ".env*", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.ppk", "*.jks", "*.keystore", "*.kdbx",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass", ".git-credentials",
)  # fmt: skip
_NO_IDENTITY = (
    "Please tell me who you are",
    "empty ident name",
    "auto-detection is disabled",
    "unable to auto-detect email address",
    "no email was given",
    "no name was given",
)

Reason = Literal["copied", "secret", "tooLarge", "nestedRepository"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A new file that is never committed by itself."""

    path: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The commit that was made, if there was something to commit."""

    commit: str | None
    left_out: tuple[LeftOut, ...]


def commit_all(
    worktree: Path,
    message: str,
    exclude: Collection[str],
    runner: Runner,
    env: Mapping[str, str],
) -> Committed | None:
    """Commits what a run left, with the user's hooks, identity and signing; none if nothing did.

    `exclude` names what was copied into the worktree: paths, or the items of `copy_files`.
    When it fails, files and index are as they were.
    """
    status = repositories.status(worktree)
    if status.is_clean:
        return None
    _require_finished(worktree, status)
    left_out = _left_out(worktree, status, exclude)
    kept_back = {entry.path for entry in left_out}
    wanted = [path for path in status.changed if path not in kept_back]
    if not wanted:
        return Committed(commit=None, left_out=left_out)
    with message_file(message) as file, _index_restored(worktree):
        _unstage(worktree, [path for path in status.staged if path in kept_back])
        _stage(worktree, wanted, runner, env)
        if command.succeeds(worktree, "diff", "--cached", "--quiet", "--no-ext-diff"):
            return Committed(commit=None, left_out=left_out)
        arguments = ("commit", "--quiet", "--cleanup=whitespace", f"--file={file}")
        ended = command.hooked(runner, env, worktree, *arguments)
        if ended.code:
            raise failure(arguments, ended)
    return Committed(commit=repositories.head_commit(worktree), left_out=left_out)


def kept_back(worktree: Path) -> tuple[LeftOut, ...]:
    """The new files in a worktree that a commit of ours would leave out."""
    return _left_out(worktree, repositories.status(worktree), ())


def init(folder: Path, branch: str, env: Mapping[str, str]) -> str:
    """Makes a folder a repository with an empty first commit, by the user's identity.

    A repository without a commit is taken as it is; inside another one none is made.
    """
    branches.require_legal(branch)
    found = _repository_of(folder)
    if found is not None and (found.root != folder.resolve() or repositories.head_commit(folder)):
        raise Conflict(
            f"{folder} is in the git repository {found.root} already: register that one, or "
            "choose another folder.",
            kind="alreadyARepository",
            path=str(folder),
        )
    repositories.init(folder, branch)
    identity = {name: value for name, value in env.items() if name in command.IDENTITY}
    tree = command.text(command.output(folder, "mktree", stdin=b"").stdout).strip()
    arguments = ("commit-tree", "-m", "First commit", tree)
    made = command.output(folder, *arguments, codes=range(256), env=identity)
    if made.code:
        raise failure(arguments, made)
    commit = command.text(made.stdout).strip()
    command.output(folder, "update-ref", "HEAD", commit)
    return commit


def _repository_of(folder: Path) -> repositories.Repository | None:
    try:
        return repositories.discover(folder)
    except NotARepository:
        return None


@contextmanager
def message_file(message: str) -> Iterator[Path]:
    """The message in a file that exists while git needs it."""
    written = message.replace("\0", "").strip()
    if not written:
        raise InvalidInput("A commit needs a message.", kind="messageMissing", field="message")
    with tempfile.TemporaryDirectory(prefix="branchwork-") as folder:
        file = Path(folder, "COMMIT_EDITMSG")
        file.write_bytes(f"{written}\n".encode("utf-8", "replace"))
        yield file


def failure(arguments: tuple[str, ...], ended: Completed) -> CommandFailed:
    """Why a commit could not be made, with what git and the hooks printed."""
    printed = command.text(ended.stdout + ended.stderr).strip()
    argv = ("git", *arguments)
    if any(phrase in printed for phrase in _NO_IDENTITY):
        return CommandFailed(
            "git does not know who you are: run "
            '`git config --global user.name "Your Name"` and '
            "`git config --global user.email you@example.com`, then commit again.",
            kind="identityMissing",
            argv=argv,
            exit_code=ended.code,
            stderr=printed,
        )
    return CommandFailed(
        f"The commit was refused, nothing was lost: {last_line(ended)}",
        kind="commitFailed",
        argv=argv,
        exit_code=ended.code,
        stderr=printed,
    )


def last_line(ended: Completed) -> str:
    """The last thing a command printed, which is mostly why it failed."""
    printed = command.text(ended.stdout + ended.stderr).strip()
    return printed.splitlines()[-1] if printed else f"exit code {ended.code}"


def _require_finished(worktree: Path, status: repositories.Status) -> None:
    if status.operation or status.conflicted:
        under_way = status.operation or "merge"
        raise Conflict(
            f"A {under_way.replace('_', ' ')} is under way in {worktree}: finish or abort it.",
            kind="operationInProgress",
            operation=under_way,
            paths=[paths.shown(path) for path in status.conflicted[:100]],
        )


def _left_out(
    worktree: Path, status: repositories.Status, exclude: Collection[str]
) -> tuple[LeftOut, ...]:
    new = set(status.untracked) | _added(worktree)
    inner = {name for name in new if (worktree / name / ".git").exists()}
    inner -= nested.registered(worktree) if inner else set()
    left_out = []
    for path in sorted(new):
        reason = "nestedRepository" if path in inner else _reason(worktree, path, exclude)
        if reason:
            left_out.append(LeftOut(path=path, reason=reason))
    return tuple(left_out)


def _added(worktree: Path) -> set[str]:
    """What is staged and not in HEAD's commit."""
    arguments = ("diff", "--cached", "--no-ext-diff", "--no-renames", "--name-only", "-z")
    return set(paths.split(command.read(worktree, *arguments, "--diff-filter=A")))


def _reason(worktree: Path, path: str, exclude: Collection[str]) -> Reason | None:
    if copy_files.covers((*exclude, OWN_FOLDER), path):
        return "copied"
    file = worktree / path
    if any(fnmatch(file.name.lower(), pattern) for pattern in _SECRETS):
        return "secret"
    try:
        return "tooLarge" if file.lstat().st_size > LARGEST else None
    except OSError:
        return None


def _unstage(worktree: Path, names: list[str]) -> None:
    if names:
        arguments = ("update-index", "--force-remove", "-z", "--stdin")
        command.output(worktree, *arguments, stdin=paths.joined(names))


def _stage(worktree: Path, names: list[str], runner: Runner, env: Mapping[str, str]) -> None:
    with tempfile.NamedTemporaryFile(prefix="branchwork-") as file:
        file.write(paths.literal(names))
        file.flush()
        listed = (f"--pathspec-from-file={file.name}", "--pathspec-file-nul")
        arguments = ("add", "--all", "--sparse", *listed)
        ended = command.hooked(runner, env, worktree, *arguments)
    if ended.code:
        raise failure(arguments, ended)


@contextmanager
def _index_restored(worktree: Path) -> Iterator[None]:
    """Puts the index back as it was when what is done inside fails."""
    index = repositories.git_dir(worktree) / "index"
    with tempfile.TemporaryDirectory(prefix="branchwork-index-", dir=index.parent) as folder:
        kept = Path(folder, "index")
        if index.exists():
            shutil.copy2(index, kept)
        done = False
        try:
            yield
            done = True
        finally:
            if not done and kept.exists():
                kept.replace(index)
