"""Errors over the wire as a person meets them, and proof that a refusal has touched nothing."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.inproc import Client, RequestFailed

FORBIDDEN = ("Traceback", "site-packages", " object at ", "sqlalchemy", "None", "Errno")


async def refused(
    client: Client, method: str, params: Any, code: int, kind: str, *words: str
) -> RequestFailed:
    """The typed error of a request, with words that must be in its sentence."""
    with pytest.raises(RequestFailed) as failed:
        await client.request(method, params)
    error = failed.value
    assert (error.code, error.data["kind"]) == (code, kind), error
    require_sentence(error.message, *words)
    return error


def require_sentence(sentence: str, *words: str) -> None:
    """It is for a person: whole, without anything of Python, and with what they can do."""
    for word in words:
        assert word in sentence, sentence
    for word in FORBIDDEN:
        assert word not in sentence, sentence
    # What an agent or git said stands behind a colon, as it was said.
    assert sentence.rstrip("”").endswith((".", "…")) or ": " in sentence, sentence


def fingerprint(root: Path, git: Callable[..., str]) -> dict[str, str]:
    """What nothing but a merge may change in a checkout: files, index, branch, settings, hooks."""
    found = {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }
    for name in ("config", "HEAD", "info/exclude"):
        file = root / ".git" / name
        found[f"git {name}"] = file.read_text() if file.exists() else ""
    found["status"] = git(root, "--no-optional-locks", "status", "--porcelain")
    found["branches"] = git(root, "for-each-ref", "refs/heads", "refs/tags", "refs/remotes")
    found["hooks"] = " ".join(sorted(path.name for path in (root / ".git" / "hooks").glob("*")))
    found["stash"] = git(root, "stash", "list")
    return found
