"""What stands in a file at a commit."""

from pathlib import Path

from branchwork.git import command


def at(repository: Path, commit: str, path: str, limit: int) -> bytes | None:
    """The bytes of a file, at most one more than `limit`; None where there is no such file."""
    if not path:
        return None
    entry = command.read(repository, "ls-tree", "--full-tree", "-z", commit, "--", path)
    facts = entry.partition(b"\t")[0].decode("ascii").split()
    # A folder and a submodule have no text of their own.
    if len(facts) < 3 or facts[1] != "blob":
        return None
    return command.bounded(repository, "cat-file", "blob", facts[2], limit=limit)
