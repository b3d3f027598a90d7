"""How each real agent is started so that it talks to a ModelServer and to nobody else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from support import npm_tools, tools


@dataclass(frozen=True, slots=True, kw_only=True)
class RealAgent:
    """A real agent over ACP: its command, its environment, and what tests must know of it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    asking_mode: str
    """The mode in which it asks before it writes."""
    reopen: str
    """The method that goes on with a session in a new process: session/load or session/resume."""


def gemini(models_url: str, home: Path) -> RealAgent:
    # A load leaves an empty second file of the session, and the clean-up at the next start removes
    # every file of a session that has an empty one: with it, the third turn would find nothing.
    general = {"enableAutoUpdate": False, "sessionRetention": {"enabled": False}}
    settings = home / ".gemini" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        json.dumps({"privacy": {"usageStatisticsEnabled": False}, "general": general})
    )
    env = {
        **_base(home),
        "GEMINI_API_KEY": "not-a-key",
        "GOOGLE_GEMINI_BASE_URL": models_url,
        # Else it starts itself a second time to get more memory.
        "GEMINI_CLI_NO_RELAUNCH": "1",
        # Else "allow always" makes the tool fail in a folder that it doesn't know.
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return RealAgent(
        name="gemini",
        argv=(str(tools.gemini()), "--acp"),
        env=env,
        asking_mode="default",
        reopen="session/load",
    )


def claude(models_url: str, home: Path) -> RealAgent:
    home.mkdir(parents=True, exist_ok=True)
    env = {
        **_base(home),
        "ANTHROPIC_API_KEY": "not-a-key",
        "ANTHROPIC_BASE_URL": models_url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        # As root it refuses to start a session otherwise.
        "IS_SANDBOX": "1",
    }
    return RealAgent(
        name="claude-acp",
        argv=(str(tools.claude()),),
        env=env,
        asking_mode="default",
        reopen="session/resume",
    )


REAL_AGENTS: Mapping[str, Callable[[str, Path], RealAgent]] = {
    "gemini": gemini,
    "claude-acp": claude,
}


def age_sessions(home: Path) -> None:
    """Makes the agents' sessions look older than this minute; call it before one is reopened.

    gemini names a session's file by the minute, and a session/load in the minute of the
    session/new writes an empty history into that very file before it reads it.
    """
    for file in home.glob(".gemini/tmp/*/chats/session-*.jsonl"):
        aged = re.sub(
            r"session-[-0-9]+T[-0-9]+?-(?=[^-]*$)", "session-2020-01-01T00-00-", file.name
        )
        if not file.with_name(aged).exists():
            file.rename(file.with_name(aged))


def _base(home: Path) -> dict[str, str]:
    """Little of this machine's environment: its own HOME, and the PATH with a node on it."""
    return {"HOME": str(home), "PATH": npm_tools.environment()["PATH"], "LANG": "C.UTF-8"}
