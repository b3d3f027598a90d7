"""Branches: which there are, where they are checked out, and what ours are called."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict, InvalidInput, NotFound
from branchwork.git import command, paths

SLUG_LENGTH = 32
_FIELDS = ("refname", "objectname", "symref", "HEAD", "worktreepath", "committerdate:unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A local or remote-tracking branch."""

    name: str
    commit: str
    is_remote: bool
    is_current: bool
    """Whether it is checked out in the worktree that was asked."""
    checked_out_at: Path | None
    committed_at: int
    """Seconds since 1970."""


def listed(repository: Path) -> list[Branch]:
    """All branches: the current one first, then by newest commit."""
    form = "".join(f"%({field})%00" for field in _FIELDS)
    raw = command.read(repository, "for-each-ref", f"--format={form}", "refs/heads", "refs/remotes")
    values = [paths.decoded(value) for value in raw.split(b"\0")]
    width = len(_FIELDS)
    rows = [values[start : start + width] for start in range(0, len(values) - 1, width)]
    found = [_branch(row) for row in rows if not row[2]]
    return sorted(found, key=lambda branch: (not branch.is_current, -branch.committed_at))


def remotes(repository: Path) -> list[tuple[str, str]]:
    """Names and addresses of the remotes; a password in an address is left out."""
    names = command.line(repository, "remote", codes=(0,)).splitlines()
    found = [(name, command.line(repository, "remote", "get-url", name)) for name in names]
    return [(name, re.sub(r"(?<=://)[^/@]*@", "", url)) for name, url in found]


def commit(repository: Path, branch: str) -> str:
    """The commit that a local branch stands at."""
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/heads/{branch}")
    found = command.line(repository, *arguments, codes=(0, 1))
    if not found:
        raise NotFound(
            f"There is no branch “{branch}” in {repository}: choose another, or create it.",
            kind="branchNotFound",
            branch=branch,
        )
    return found


def exists(repository: Path, branch: str) -> bool:
    """Whether there is a local branch of that name."""
    reference = f"refs/heads/{branch}"
    return command.succeeds(repository, "show-ref", "--verify", "--quiet", "--", reference)


def default(repository: Path) -> str | None:
    """The branch that is checked out in a worktree; none for a detached HEAD."""
    return (
        command.line(repository, "symbolic-ref", "--quiet", "--short", "HEAD", codes=(0, 1)) or None
    )


def checked_out_at(repository: Path, branch: str) -> Path | None:
    """The worktree that has the branch checked out."""
    reference = f"refs/heads/{branch}"
    form = "--format=%(refname)%00%(worktreepath)%00"
    found = command.read(repository, "for-each-ref", form, reference).split(b"\0")
    # The pattern also finds what lies below it: `a/b` for `a`.
    folder = paths.decoded(found[1]) if paths.decoded(found[0]) == reference else ""
    return Path(folder).resolve() if folder else None


def create(repository: Path, branch: str, commit: str) -> None:
    """Makes a branch at a commit; refuses a name that is taken or illegal."""
    require_legal(branch)
    if exists(repository, branch):
        raise _taken(branch)
    message = "branchwork: branch for a workspace"
    reference = f"refs/heads/{branch}"
    made = command.output(
        repository, "update-ref", "-m", message, reference, commit, "", codes=(0, 128)
    )
    if made.code == 0:
        return
    stderr = command.text(made.stderr)
    if "already exists" in stderr:
        raise _taken(branch)
    if "cannot create" in stderr or "exists; cannot" in stderr or "cannot lock" in stderr:
        raise Conflict(
            f"The branch “{branch}” can't be made beside the branches there are: "
            f"{stderr.strip().splitlines()[-1]}",
            kind="branchExists",
            branch=branch,
        )
    command.fail(("git", "update-ref", reference), made)


def delete(repository: Path, branch: str, expected: str) -> None:
    """Removes a branch that still stands at the expected commit."""
    command.output(repository, "update-ref", "-d", f"refs/heads/{branch}", expected)


def is_legal(branch: str) -> bool:
    """Whether git takes the name for a branch."""
    if not branch or branch.startswith("-") or "\0" in branch:
        return False
    answer = command.output(
        Path("/"), "check-ref-format", f"refs/heads/{branch}", codes=(0, 1, 128, 129)
    )
    return answer.code == 0 and branch != "HEAD"


def require_legal(branch: str) -> None:
    """Refuses a name that git would not take."""
    if not is_legal(branch):
        raise InvalidInput(
            f"“{branch[:100]}” can't be the name of a branch: "
            "use letters, digits, `-`, `_`, `.` and `/`.",
            kind="illegalBranchName",
            field="branch",
        )


def slug(title: str) -> str:
    """The words of a title in ASCII, joined with `-`, whole, at most 32 characters."""
    plain = unicodedata.normalize("NFKD", title[:1000]).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower().replace("'", ""))
    result = ""
    for word in words:
        longer = f"{result}-{word}" if result else word[:SLUG_LENGTH]
        if len(longer) > SLUG_LENGTH:
            break
        result = longer
    return result


def name(prefix: str, short_id: str, title: str) -> str:
    """The name of a workspace's branch; unique by its id, whatever the title."""
    found = "-".join(part for part in (prefix.strip(), short_id, slug(title)) if part)
    require_legal(found)
    return found


def _branch(row: list[str]) -> Branch:
    reference, commit_id, _, head, folder, date = row
    _, kind, branch = reference.lstrip("\n").split("/", 2)
    return Branch(
        name=branch,
        commit=commit_id,
        is_remote=kind == "remotes",
        is_current=head == "*",
        checked_out_at=Path(folder) if folder else None,
        committed_at=int(date or 0),
    )


def _taken(branch: str) -> Conflict:
    return Conflict(f"There is already a branch “{branch}”.", kind="branchExists", branch=branch)
