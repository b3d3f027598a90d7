"""How an agent is started on this machine, with the environment of the one who asked.

Only looks for programs on the PATH of that environment; starts nothing. Environments are secrets:
they are passed on and never printed.
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from branchwork.agents.acp.agent import AcpAgent
from branchwork.agents.agent import Agent, Policy, Turn
from branchwork.agents.command import PROMPT, CommandAgent
from branchwork.agents.registry import Description, Package
from branchwork.domain.errors import AgentUnavailable, InvalidInput

SERVER = Path(__file__).resolve().parents[2]
ARGUMENT_LIMIT = 120_000
"""Bytes that one argument may have; Linux takes 128 KiB."""


class Way(StrEnum):
    """How an agent can be started."""

    EXECUTABLE = "executable"
    MODULE = "module"
    NPX = "npx"
    UVX = "uvx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command and its whole environment. `downloads`: the first start may take minutes."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    downloads: bool = False


def agent_for(description: Description) -> Agent:
    """The code that talks to it."""
    if description.command is None:
        return AcpAgent()
    return CommandAgent(prompt_in_argv=any(PROMPT in arg for arg in description.command))


def turn_for(
    description: Description,
    *,
    prompt: str,
    cwd: str,
    policy: Policy = Policy.ASK,
    agent_session_id: str | None = None,
    downloads: bool = False,
) -> Turn:
    """A turn with what the agent's description says about its modes, its silence and its login."""
    turn = Turn(
        prompt=prompt,
        cwd=cwd,
        agent_session_id=agent_session_id,
        mode=description.modes.get(policy),
        policy=policy,
        quiet_seconds=description.quiet_seconds,
        start_seconds=description.start_seconds,
        login_hint=description.login,
    )
    # Nobody knows how long a download takes.
    return replace(turn, start_seconds=None) if downloads else turn


def installed(description: Description, environment: Mapping[str, str]) -> bool:
    """It can be started without downloading anything."""
    way = ways(description, environment)
    return bool(way) and way[0] in (Way.EXECUTABLE, Way.MODULE)


def ways(description: Description, environment: Mapping[str, str]) -> list[Way]:
    """How it can be started there, best first."""
    found = []
    if description.module is not None:
        found.append(Way.MODULE)
    if _executable(description, environment) is not None:
        found.append(Way.EXECUTABLE)
    if description.npx is not None and _which("npx", environment) is not None:
        found.append(Way.NPX)
    if description.uvx is not None and _which("uvx", environment) is not None:
        found.append(Way.UVX)
    return found


def launch(
    description: Description,
    environment: Mapping[str, str],
    policy: Policy = Policy.ASK,
    prompt: str = "",
) -> Launch:
    """The best way, or AgentUnavailable with what to install. `prompt` is for plain commands."""
    found = ways(description, environment)
    if not found:
        raise AgentUnavailable(
            _missing(description, environment), kind="agentNotInstalled", agent=description.id
        )
    package: Package | None = None
    match found[0]:
        case Way.MODULE:
            argv = _module_argv(description.module or "")
        case Way.EXECUTABLE:
            argv = _executable(description, environment) or ()
            argv = _with_prompt(argv, prompt) if description.command else argv
        case Way.NPX:
            package = description.npx
            argv = (_which("npx", environment) or "npx", "-y", *_package_argv(package))
        case Way.UVX:
            package = description.uvx
            argv = (_which("uvx", environment) or "uvx", *_package_argv(package))
    return Launch(
        argv=argv,
        env=_environment(description, environment, policy, package),
        downloads=package is not None,
    )


def _which(name: str, environment: Mapping[str, str]) -> str | None:
    return shutil.which(name, path=environment.get("PATH", ""))


def _executable(description: Description, environment: Mapping[str, str]) -> tuple[str, ...] | None:
    if description.command is not None:
        path = _which(description.command[0], environment)
        return None if path is None else (path, *description.command[1:])
    for executable in description.executables:
        path = _which(executable.name, environment)
        if path is not None:
            return (path, *executable.args)
    return None


def _module_argv(module: str) -> tuple[str, ...]:
    """Isolated and without site packages: it starts in a moment and needs nothing of them."""
    start = f"import sys; sys.path.insert(0, {str(SERVER)!r}); from {module} import main; main()"
    return (sys.executable, "-I", "-S", "-c", start)


def _package_argv(package: Package | None) -> tuple[str, ...]:
    return () if package is None else (package.package, *package.args)


def _with_prompt(argv: tuple[str, ...], prompt: str) -> tuple[str, ...]:
    if any(PROMPT in arg for arg in argv) and len(prompt.encode()) > ARGUMENT_LIMIT:
        raise InvalidInput(
            f"The prompt is too long to be an argument of {argv[0]} ({len(prompt.encode())} "
            f"bytes, at most {ARGUMENT_LIMIT}): let the command read it from standard input.",
            kind="promptTooLong",
        )
    return (argv[0], *(arg.replace(PROMPT, prompt) for arg in argv[1:]))


def _environment(
    description: Description,
    environment: Mapping[str, str],
    policy: Policy,
    package: Package | None,
) -> dict[str, str]:
    """What the person set wins over the description, but the policy wins over everything."""
    of_package = {} if package is None else package.env
    of_policy = description.policy_env.get(policy, {})
    return {**description.env, **of_package, **environment, **of_policy}


def how_to_install(description: Description) -> str:
    """The ways to get it, without a full stop."""
    names = [executable.name for executable in description.executables]
    if description.command is not None:
        names = [description.command[0]]
    wanted = []
    if names:
        wanted.append(f"install {' or '.join(names)}")
    if description.npx is not None:
        wanted.append(f"install Node.js 22 (its npx then runs {description.npx.package})")
    if description.uvx is not None:
        wanted.append(f"install uv (its uvx then runs {description.uvx.package})")
    return ", or ".join(wanted) or "install it by hand and name its executable in your agents file"


def _missing(description: Description, environment: Mapping[str, str]) -> str:
    path = environment.get("PATH", "")
    return (
        f"{description.name} is not installed: {how_to_install(description)}. "
        f"Looked for on the PATH of your editor: {path or '(empty)'}"
    )
