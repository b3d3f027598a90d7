"""Use cases of agents: which there are, and which one a start takes that names none."""

from collections.abc import Mapping
from dataclasses import dataclass

from branchwork.agents import launch
from branchwork.agents.registry import Description, Registry
from branchwork.domain.errors import AgentUnavailable
from branchwork.services.app import App
from branchwork.services.environments import cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """An agent as seen from an editor's environment. `downloads`: its first start takes a while."""

    agent: Description
    installed: bool
    downloads: bool
    problem: str | None = None


async def listed(app: App, environment: Mapping[str, str]) -> list[Availability]:
    """The agents that are offered, installed ones first."""

    def look() -> list[Availability]:
        found = [_seen(agent, cleaned(environment)) for agent in app.agents.visible]
        return sorted(found, key=lambda one: not one.installed)

    return await app.blocking(look)


def first_installed(agents: Registry, environment: Mapping[str, str]) -> Description:
    """The first agent at hand, else the first that can be downloaded; raises AgentUnavailable."""
    seen = [_seen(agent, environment) for agent in agents.visible]
    for one in sorted(seen, key=lambda one: not one.installed):
        if one.installed or one.downloads:
            return one.agent
    raise AgentUnavailable(
        "No coding agent is installed. Install one (Claude Code, Codex, Gemini CLI, OpenCode, …) "
        "and see that it is on the PATH of your editor.",
        kind="noAgent",
    )


def _seen(agent: Description, environment: Mapping[str, str]) -> Availability:
    ways = launch.ways(agent, environment)
    installed = launch.installed(agent, environment)
    problem = None
    if not ways:
        try:
            launch.launch(agent, environment)
        except AgentUnavailable as error:
            problem = error.sentence
    return Availability(
        agent=agent,
        installed=installed,
        downloads=bool(ways) and not installed,
        problem=problem,
    )
