"""Which agents there are: the shipped `agents.json`, and the user's own file over it.

The format is that of the ACP registry with a few keys of ours; docs/agents.md describes them.
Nothing is started and no environment is read here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from branchwork.agents.agent import Policy
from branchwork.domain.errors import AgentUnavailable, InvalidInput

SHIPPED = Path(__file__).with_name("agents.json")
Value = TypeVar("Value")
START_SECONDS = 180.0
MERGED_KEYS = ("env", "modes", "policyEnv", "distribution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """A program looked for on the PATH, with the arguments that make it speak ACP."""

    name: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that `npx` or `uvx` runs, downloading it when needed."""

    package: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One agent. `command` is set for a plain command (prompt in, text out) that speaks no ACP.

    `modes` names the agent's own mode for each policy; `module` is a Python module of ours.
    """

    id: str
    name: str
    executor: str
    version: str = ""
    description: str = ""
    executables: tuple[Executable, ...] = ()
    npx: Package | None = None
    uvx: Package | None = None
    command: tuple[str, ...] | None = None
    module: str | None = None
    modes: Mapping[Policy, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    policy_env: Mapping[Policy, Mapping[str, str]] = field(default_factory=dict, repr=False)
    quiet_seconds: float = 0.0
    start_seconds: float = START_SECONDS
    login: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The agents by id. `problems` is what was wrong with the user's file; the rest goes on."""

    agents: Mapping[str, Description]
    problems: tuple[InvalidInput, ...] = ()

    def find(self, name: str) -> Description:
        """By id or executor, without regard to case."""
        wanted = name.strip().casefold()
        for agent in self.agents.values():
            if wanted in (agent.id.casefold(), agent.executor.casefold()):
                return agent
        known = ", ".join(f"{agent.id} ({agent.executor})" for agent in self.visible)
        raise AgentUnavailable(
            f"There is no agent '{name}'. There are: {known}. "
            "Others can be added in your agents file.",
            kind="unknownAgent",
            executor=name,
        )

    @property
    def visible(self) -> list[Description]:
        """Those that are offered without being asked for."""
        return [agent for agent in self.agents.values() if not agent.hidden]


def load(user_file: Path | None = None) -> Registry:
    """The shipped agents with the user's over them, by id; a missing user file is no problem."""
    entries = {entry["id"]: entry for entry in json.loads(SHIPPED.read_text("utf-8"))}
    agents = {id_: _description(entry) for id_, entry in entries.items()}
    problems: list[InvalidInput] = []
    if user_file is not None and user_file.exists():
        for place, mine in _user_entries(user_file, problems):
            try:
                entry = _merged(entries.get(_id(mine), {}), mine)
                agents[entry["id"]] = _description(entry)
            except _Wrong as wrong:
                problems.append(_problem(user_file, f"{place}{wrong}"))
    return Registry(agents=agents, problems=tuple(problems))


class _Wrong(Exception):
    """What is wrong with an entry, beginning with the place in it."""


def _problem(user_file: Path, what: str) -> InvalidInput:
    return InvalidInput(f"The agents file {user_file} is not right: {what}", field=str(user_file))


def _user_entries(user_file: Path, problems: list[InvalidInput]) -> list[tuple[str, Any]]:
    """The user's entries, each with its place; a list, or the registry's `{"agents": […]}`."""
    try:
        found = json.loads(user_file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        problems.append(_problem(user_file, f"it can't be read ({problem})"))
        return []
    except (ValueError, RecursionError) as problem:
        problems.append(_problem(user_file, f"it is no JSON ({problem})"))
        return []
    entries = found.get("agents") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        problems.append(_problem(user_file, 'it must be a list, or {"agents": [...]}'))
        return []
    return [(f"agents[{number}]", entry) for number, entry in enumerate(entries)]


def _id(entry: Any) -> str:
    if not isinstance(entry, dict):
        raise _Wrong(" must be an object")
    return _text(entry, "id", required=True)


def _merged(shipped: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """The user's keys win; tables are merged key by key. Another way to start it replaces ours."""
    merged = {**shipped, **mine}
    for key in MERGED_KEYS:
        if isinstance(shipped.get(key), dict) and isinstance(mine.get(key), dict):
            merged[key] = {**shipped[key], **mine[key]}
    if ("distribution" in mine or "command" in mine) and "executables" not in mine:
        merged.pop("executables", None)
    return merged


def _description(entry: Mapping[str, Any]) -> Description:
    id_ = _text(entry, "id", required=True)
    distribution = _table(entry, "distribution")
    version = _text(entry, "version")
    description = Description(
        id=id_,
        name=_text(entry, "name") or id_,
        executor=_text(entry, "executor") or id_.upper().replace("-", "_"),
        version=version,
        description=_text(entry, "description"),
        executables=_executables(entry),
        npx=_package(distribution, "npx", version, "@"),
        uvx=_package(distribution, "uvx", version, "=="),
        command=_command(entry),
        module=_text(entry, "module") or None,
        modes=_by_policy(entry, "modes", _checked_text),
        env=_texts(entry, "env"),
        policy_env=_by_policy(entry, "policyEnv", _checked_texts),
        quiet_seconds=_seconds(entry, "quietSeconds", 0, 60),
        start_seconds=_seconds(entry, "startSeconds", START_SECONDS, 3600),
        login=_text(entry, "login"),
        hidden=entry.get("hidden") is True,
    )
    if not _can_start(description) and "binary" not in distribution:
        raise _Wrong(
            ": nothing says how to start it (distribution.npx, distribution.uvx, executables "
            "or command)"
        )
    return description


def _can_start(found: Description) -> bool:
    return any((found.executables, found.npx, found.uvx, found.command, found.module))


def _text(entry: Mapping[str, Any], key: str, *, required: bool = False) -> str:
    value = entry.get(key)
    if value is None and not required:
        return ""
    found = _checked_text(value, f".{key}")
    if required and not found.strip():
        raise _Wrong(f".{key} must not be empty")
    return found


def _checked_text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{place} must be a text")
    return value


def _table(entry: Mapping[str, Any], key: str, place: str = "") -> Mapping[str, Any]:
    value = entry.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Wrong(f"{place}.{key} must be an object")
    return value


def _texts(entry: Mapping[str, Any], key: str, place: str = "") -> Mapping[str, str]:
    return _checked_texts(_table(entry, key, place), f"{place}.{key}")


def _checked_texts(value: Any, place: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise _Wrong(f"{place} must be an object")
    return {name: _checked_text(item, f"{place}.{name}") for name, item in value.items()}


def _list(entry: Mapping[str, Any], key: str, place: str = "") -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list):
        raise _Wrong(f"{place}.{key} must be a list of texts")
    return tuple(_checked_text(v, f"{place}.{key}[{n}]") for n, v in enumerate(value))


def _package(
    distribution: Mapping[str, Any], key: str, version: str, between: str
) -> Package | None:
    if key not in distribution:
        return None
    place = f".distribution.{key}"
    table = _table(distribution, key, ".distribution")
    package = _checked_text(table.get("package"), f"{place}.package")
    if version and between[0] not in package[1:]:
        package = f"{package}{between}{version}"
    return Package(
        package=package, args=_list(table, "args", place), env=_texts(table, "env", place)
    )


def _executables(entry: Mapping[str, Any]) -> tuple[Executable, ...]:
    value = entry.get("executables", [])
    if not isinstance(value, list):
        raise _Wrong(".executables must be a list")
    return tuple(_executable(item, f".executables[{n}]") for n, item in enumerate(value))


def _executable(item: Any, place: str) -> Executable:
    if isinstance(item, str):
        return Executable(name=item)
    if not isinstance(item, dict):
        raise _Wrong(f"{place} must be a name or an object")
    return Executable(
        name=_checked_text(item.get("name"), f"{place}.name"), args=_list(item, "args", place)
    )


def _command(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "command" not in entry:
        return None
    argv = _list(_table(entry, "command"), "argv", ".command")
    if not argv:
        raise _Wrong(".command.argv must name a program")
    return argv


def _by_policy(
    entry: Mapping[str, Any], key: str, check: Callable[[Any, str], Value]
) -> Mapping[Policy, Value]:
    found: dict[Policy, Value] = {}
    for name, value in _table(entry, key).items():
        if name not in _names(Policy):
            raise _Wrong(f".{key}.{name} is none of {', '.join(_names(Policy))}")
        found[Policy(name)] = check(value, f".{key}.{name}")
    return found


def _names(policies: Iterable[Policy]) -> list[str]:
    return [policy.value for policy in policies]


def _seconds(entry: Mapping[str, Any], key: str, default: float, most: int) -> float:
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise _Wrong(f".{key} must be a number from 0 to {most}")
    return float(value)
