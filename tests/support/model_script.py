"""What a scripted model says: its steps, and which of them a request asks for. No HTTP here.

A script is a list of turns and a turn a list of steps; one model request is answered by one turn.
Which script plays stands in the user's prompt as `[play: name]`, and the turn is the number of
model answers that follow that prompt in the request. So nothing is kept between requests: retries,
restarts, resumed and parallel sessions all get the answer that belongs to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

MARKER = re.compile(r"\[play: ([\w-]+)\]")
# Agents put notes of their own between the user's words; a file quoted there may hold a marker.
NOTES = ("<system-reminder>", "<session_context>", "<environment_context>")


@dataclass(frozen=True, slots=True)
class Say:
    """Text, streamed in so many chunks with a pause (seconds) after each."""

    text: str
    chunks: int = 1
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Write:
    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the text `old` in a file; some agents want a Read of it first."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Read:
    path: str


@dataclass(frozen=True, slots=True)
class Shell:
    command: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The answer stops here until the test releases that name; never released, the model hangs."""

    name: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The request is answered by this HTTP status and nothing else of the turn."""

    status: int = 400
    message: str = "scripted failure"


ToolStep: TypeAlias = Write | Edit | Read | Shell
Step: TypeAlias = Say | Hold | Fail | ToolStep
Turn: TypeAlias = Sequence[Step]
Script: TypeAlias = Sequence[Turn]
Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool as the request names it, with its input."""

    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a request's history, whatever the vendor: the user's words or the model's."""

    from_model: bool
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A model request brought to what the script and the tests look at."""

    vendor: str
    streamed: bool
    history: tuple[Message, ...]
    tools: Mapping[str, Schema]
    wanted: Schema | None = None

    @property
    def prompts(self) -> tuple[str, ...]:
        """The names of the scripts that the user has asked for so far, in order."""
        return tuple(found for message in self.history if (found := played(message)))

    @property
    def turn(self) -> int:
        """How many answers the model has given since the last prompt with a marker."""
        last = max((at for at, said in enumerate(self.history) if played(said)), default=-1)
        after = self.history[last + 1 :]
        before = (Message(from_model=False), *after)
        return sum(
            now.from_model and not earlier.from_model
            for earlier, now in zip(before, after, strict=False)
        )


def played(message: Message) -> str | None:
    """The script that a message of the user asks for; the last marker counts."""
    if message.from_model or message.text.lstrip().startswith(NOTES):
        return None
    found = MARKER.findall(message.text)
    return found[-1] if found else None


_TOOL_NAMES: dict[type, tuple[str, ...]] = {
    Write: ("Write", "write_file"),
    Edit: ("Edit", "replace"),
    Read: ("Read", "read_file"),
    Shell: ("Bash", "run_shell_command"),
}


def tool_call(step: ToolStep, tools: Mapping[str, Schema]) -> ToolCall:
    """The step as a call of the tool that the agent offers for it."""
    name = next((name for name in _TOOL_NAMES[type(step)] if name in tools), None)
    if name is None:
        raise AssertionError(f"no tool for {step}; the agent offers {sorted(tools)}")
    schema = tools[name]
    given = _input(step)
    for required in schema.get("required", ()):
        given.setdefault(required, fitting(schema["properties"][required]))
    return ToolCall(name, given)


def _input(step: ToolStep) -> dict[str, Any]:
    match step:
        case Write(path, content):
            return {"file_path": path, "content": content}
        case Edit(path, old, new):
            return {"file_path": path, "old_string": old, "new_string": new}
        case Read(path):
            return {"file_path": path}
        case Shell(command):
            return {"command": command}


def fitting(schema: Schema) -> Any:
    """A small value that fits a JSON schema, for what an agent asks beside the conversation."""
    if "enum" in schema:
        return schema["enum"][0]
    match str(schema.get("type", "object")).lower():
        case "object":
            return {name: fitting(of) for name, of in schema.get("properties", {}).items()}
        case "array":
            return []
        case "number" | "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "scripted"
