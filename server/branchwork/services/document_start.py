"""What a task can be started with, and what a start takes that names nothing: told beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

from branchwork.agents.registry import Description
from branchwork.domain.errors import AgentUnavailable, BranchworkError
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.services import agents, defaults, repos
from branchwork.services.app import App
from branchwork.store import repos as stored_repos
from branchwork.store import sessions
from branchwork.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """`agent` and `branch` are the defaults, None where there is none or more than one.

    `agents` are names by id, `branches` the default base branch by the name of its repository.
    """

    agents: Mapping[str, str]
    agent: Description | None
    branches: Mapping[str, str]
    refusal: str | None = None

    @property
    def branch(self) -> str | None:
        """The base branch, where it is the same for all."""
        found = set(self.branches.values())
        return found.pop() or None if len(found) == 1 else None


async def choices(app: App, project_id: str, environment: Mapping[str, str]) -> Choices:
    """The choices in a project; raises NotFound."""

    def read(tx: Transaction) -> tuple[Project, list[Repo], str | None]:
        project = tx.get(Project, project_id)
        found = stored_repos.of_project(tx, project_id)
        return project, found, sessions.last_executor(tx, project_id)

    project, found, last = await app.store.read(read)
    listed = await agents.listed(app, environment)
    names = {one.agent.id: one.agent.name for one in listed}
    agent = await _preferred(app, last, environment)
    if agent is not None:
        names = {agent.id: agent.name, **names}
    return Choices(
        agents=names,
        agent=agent,
        branches={repo.display_name: await _branch(app, repo) for repo in found},
        refusal=None if found else _no_repository(project),
    )


def agent_named(app: App, words: str) -> Description | None:
    """An agent by its id, its executor or its name."""
    try:
        return app.agents.find(words)
    except AgentUnavailable:
        wanted = words.strip().casefold()
        named = (one for one in app.agents.visible if one.name.casefold() == wanted)
        return next(named, None)


async def _preferred(
    app: App, last: str | None, environment: Mapping[str, str]
) -> Description | None:
    try:
        return await defaults.preferred(app, last, environment)
    except BranchworkError:
        return None


async def _branch(app: App, repo: Repo) -> str:
    try:
        return await repos.target_branch(app, repo, None)
    except BranchworkError:
        return ""


def _no_repository(project: Project) -> str:
    return (
        f"The project {project.name} has no git repository to work in: add one to it, "
        "or move the task to another project."
    )
