"""Copies files that git does not carry (`.env`, …) from a repository into a worktree of it."""

import functools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied, as paths relative to the worktree, and what was not and why."""

    paths: tuple[str, ...]
    warnings: tuple[str, ...]


def copy(repository: Path, worktree: Path, items: str) -> Copied:
    """Copies files, directories and glob matches; never over a file that is there already."""
    source_root, target_root = repository.resolve(), worktree.resolve()
    copied: list[str] = []
    warnings: list[str] = []
    for item in listed(items):
        warned, found = len(warnings), False
        for source in _sources(source_root, item, warnings):
            found = True
            relative = source.relative_to(source_root)
            if _copy_one(source, target_root / relative, target_root, warnings):
                copied.append(relative.as_posix())
        if not found and len(warnings) == warned:
            warnings.append(f"{item}: there is no such file in {source_root}.")
    return Copied(paths=tuple(dict.fromkeys(copied)), warnings=tuple(dict.fromkeys(warnings)))


def listed(items: str) -> list[str]:
    """The items of a setting, which are separated by commas or newlines."""
    parts = (part.strip().replace("\\", "/") for part in re.split(r"[,\n]", items))
    return [part for part in parts if part]


def covers(items: Iterable[str], path: str) -> bool:
    """Whether an item names the path, a folder above it, or matches one of these as a pattern."""
    above = [path.rstrip("/"), *(str(parent) for parent in PurePosixPath(path).parents)]
    return any(
        item.rstrip("/") in above
        or (_GLOB.search(item) is not None and any(map(_pattern(item).fullmatch, above)))
        for item in items
    )


@functools.lru_cache(maxsize=256)
def _pattern(item: str) -> re.Pattern[str]:
    """What `Path.glob` matches: `*` stays within a folder, `**` goes through any number."""
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", item.rstrip("/"), re.DOTALL)
    return re.compile(
        "".join(
            parts.get(token) or (_character(token) if len(token) > 1 else re.escape(token))
            for token in tokens
        ),
        re.DOTALL,
    )


def _character(token: str) -> str:
    inner = token[1:-1].replace("\\", r"\\")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"


def _sources(root: Path, item: str, warnings: list[str]) -> Iterator[Path]:
    pure = PurePosixPath(item)
    if pure.is_absolute() or ".." in pure.parts:
        warnings.append(f"{item}: only paths inside the repository are copied.")
        return
    exact = root / item
    if os.path.lexists(exact):
        yield from _files(root, exact, warnings)
    elif _GLOB.search(item):
        yield from _matches(root, item, warnings)


def _matches(root: Path, pattern: str, warnings: list[str]) -> Iterator[Path]:
    try:
        found = sorted(root.glob(pattern))
    except (ValueError, NotImplementedError) as error:
        warnings.append(f"{pattern}: {error}, not copied.")
        return
    for path in found:
        yield from _files(root, path, warnings)


def _files(root: Path, path: Path, warnings: list[str]) -> Iterator[Path]:
    """The files at or below a path; `.git` and what leads out of the repository are left out."""
    relative = path.relative_to(root)
    if ".git" in relative.parts:
        return
    if not _is_inside(root, path):
        warnings.append(f"{relative.as_posix()}: leads out of the repository, not copied.")
        return
    if path.is_dir():
        if path.is_symlink():
            warnings.append(f"{relative.as_posix()}: a link to a folder, not copied.")
            return
        for child in sorted(path.iterdir()):
            yield from _files(root, child, warnings)
    elif path.is_file():
        yield path
    else:
        warnings.append(f"{relative.as_posix()}: not a file, not copied.")


def _is_inside(root: Path, path: Path) -> bool:
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return real.is_relative_to(root) and ".git" not in real.relative_to(root).parts


def _copy_one(source: Path, target: Path, target_root: Path, warnings: list[str]) -> bool:
    if os.path.lexists(target):
        return False
    shown = target.relative_to(target_root).as_posix()
    try:
        # A folder of the branch may itself be a link that leads elsewhere.
        if not target.parent.resolve().is_relative_to(target_root):
            warnings.append(f"{shown}: its folder leads out of the worktree, not copied.")
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_new(source, target)
    except OSError as error:
        warnings.append(f"{shown}: {error.strerror or error}, not copied.")
        return False
    return True


def _write_new(source: Path, target: Path) -> None:
    """Copies under another name first: a copy that breaks off leaves no half file."""
    part = target.with_name(f".{target.name[:200]}.branchwork-part")
    try:
        shutil.copy2(source, part)
        os.link(part, target)
    finally:
        part.unlink(missing_ok=True)
