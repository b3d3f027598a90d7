"""What changes how runs go, kept in the user's `branchwork.toml`; comments in it survive edits."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError

from branchwork.domain.errors import InvalidInput, StorageFailed
from branchwork.domain.repo import Repo
from branchwork.domain.workspace import Workspace

GIBIBYTE = 1 << 30


class Values(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting with its default.

    branch_prefix: the first part of the name of a workspace's branch; may be empty.
    agents_at_once: coding agents that run at the same time; further runs wait.
    default_executor: the agent of a start that names none; else the one last used.
    journal_limit_bytes: the size at which an execution's journal ends its agent.
    git_seconds: how long a git command with hooks or a network may take.
    environment_file: lines NAME=value for runs that start when no editor is connected.
    """

    branch_prefix: str = "vk"
    agents_at_once: int = 4
    default_executor: str | None = None
    journal_limit_bytes: int = GIBIBYTE
    git_seconds: int = 600
    environment_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One setting with its value, its default and what it is for."""

    name: str
    scope: str
    value: Any
    default: Any
    doc: str


ROW_KINDS: Mapping[str, type[Repo] | type[Workspace]] = MappingProxyType(
    {"repo": Repo, "workspace": Workspace}
)


def described(values: Values) -> list[Described]:
    """The daemon's settings, each with the line of the docstring that explains it."""
    docs = dict(line.strip().split(": ", 1) for line in _doc_lines())
    return [
        Described(
            name=name,
            scope="daemon",
            value=getattr(values, name),
            default=getattr(Values(), name),
            doc=docs[name],
        )
        for name in values.__struct_fields__
    ]


def described_row(entity: Repo | Workspace, names: Sequence[str], scope: str) -> list[Described]:
    """The settings that stand in the row of a repo or a workspace."""
    defaults = {one.name: one.default for one in fields(entity) if one.default is not MISSING}
    return [
        Described(
            name=name,
            scope=scope,
            value=getattr(entity, name),
            default=defaults.get(name),
            doc=name.replace("_", " "),
        )
        for name in names
    ]


def check_row(kind: type[Repo] | type[Workspace], values: Mapping[str, Any]) -> None:
    """Raises InvalidInput where a value has not the type of its column."""
    hints = get_type_hints(kind)
    for name, value in values.items():
        try:
            msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise InvalidInput(f"{name}: {error}.", kind="settingInvalid", field=name) from error


def _doc_lines() -> list[str]:
    return [line for line in (Values.__doc__ or "").splitlines()[2:] if ": " in line]


class Settings:
    """The settings in force. A file that can't be read leaves the defaults and a `problem`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self.values = Values()
        self.reload()

    def reload(self) -> None:
        """Read the file again."""
        try:
            self.values = _decoded(_document(self.path).unwrap(), self.path)
            self.problem = None
        except InvalidInput as error:
            self.problem = error.sentence

    def update(self, changes: dict[str, Any]) -> Values:
        """Set some settings, None for the default; raises InvalidInput and changes nothing."""
        document = _document(self.path)
        table = document.setdefault("daemon", tomlkit.table())
        for name, value in changes.items():
            if value is None:
                table.pop(name, None)
            else:
                table[name] = value
        values = _decoded(document.unwrap(), self.path)
        _replace(self.path, tomlkit.dumps(document))
        self.values, self.problem = values, None
        return values


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The configuration {path} can't be read: {error}. Mend it; until then the defaults "
            "are in force.",
            kind="configurationInvalid",
        ) from error


def _decoded(content: dict[str, Any], path: Path) -> Values:
    try:
        return msgspec.convert(content.get("daemon", {}), Values)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"The configuration {path}, table [daemon]: {error}.", kind="settingInvalid"
        ) from error


def _replace(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise StorageFailed(
            f"The configuration {path} can't be written: {error.strerror}.", kind="notWritable"
        ) from error
