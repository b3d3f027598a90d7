"""The sentence that a person is asked: what exactly will happen if it is allowed.

Agents name the tool call rather than ask, some only by a label, so the command that would run and
the file that would change are always in it.
"""

import json
import shlex
from pathlib import PurePath
from typing import Any

from branchwork.domain.entry import ToolCall

LIMIT = 400
NAMED = 3


def question(tool_call: ToolCall | None, cwd: str | None) -> str:
    """For one permission request."""
    if tool_call is None:
        return "Use a tool?"
    title = _relative(_line(tool_call.title), cwd).rstrip("?")
    if tool_call.tool_kind == "execute":
        command = _line(_command(tool_call.raw_input))
        return f"Run: {_cut(command or title)}?" if command or title else "Run a command?"
    paths = [_relative(location.path, cwd) for location in tool_call.locations]
    if [title] == paths:
        title = f"{_VERBS.get(tool_call.tool_kind, 'Use')} {title}"
    elif any(PurePath(path).name not in title for path in paths):
        title = f"{title}: {_few(paths)}" if title else _few(paths)
    return f"{_cut(title)}?" if title else "Use a tool?"


_VERBS = {"edit": "Edit", "delete": "Delete", "move": "Move", "read": "Read", "search": "Search"}


def _command(raw_input: str | None) -> str:
    """The command in the tool's input, as a shell would be given it."""
    try:
        found: Any = json.loads(raw_input or "null")
    except (ValueError, RecursionError):
        return ""
    command = found.get("command") if isinstance(found, dict) else None
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return shlex.join(command)
    return command if isinstance(command, str) else ""


def _few(paths: list[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(paths[:NAMED]) + more


def _relative(said: str, cwd: str | None) -> str:
    """Paths in the workspace without the way to it."""
    return said.replace(cwd.rstrip("/") + "/", "") if cwd and cwd != "/" else said


def _line(said: str) -> str:
    return " ".join(said.split())


def _cut(said: str) -> str:
    if len(said) <= LIMIT:
        return said
    return f"{said[:LIMIT]}… ({len(said) - LIMIT} more characters)"
