"""What a start takes that names nothing: said before, so that a person knows what will happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from branchwork.agents.registry import Description
from branchwork.domain.errors import BranchworkError
from branchwork.git import branches
from branchwork.services import agents, repos
from branchwork.services.app import App
from branchwork.services.environments import cleaned
from branchwork.store import projects, sessions
from branchwork.store import repos as stored_repos
from branchwork.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The agent and the base branch of a start from a file."""

    agent: Description
    branch: str


async def of_file(app: App, path: Path, environment: Mapping[str, str]) -> Defaults | None:
    """None where nothing can be started: no repository, no branch, no agent."""
    try:
        root = await repos.discover(app, str(path))
        named, last = await app.store.read(lambda tx: _known(tx, root))
        branch = named or await app.blocking(branches.default, root)
        agent = await preferred(app, last, environment)
    except BranchworkError:
        return None
    return Defaults(agent=agent, branch=branch) if branch else None


async def preferred(app: App, last: str | None, environment: Mapping[str, str]) -> Description:
    """The agent of the settings, else the one used last, else the first at hand."""
    name = app.settings.values.default_executor or last
    if name is not None:
        return app.agents.find(name)
    return await app.blocking(agents.first_installed, app.agents, cleaned(environment))


def _known(tx: Transaction, root: Path) -> tuple[str | None, str | None]:
    """The default target branch of a repo, and the agent last used in its project."""
    repo = stored_repos.at_path(tx, str(root))
    if repo is None:
        return None, None
    of_repo = projects.of_repo(tx, repo.id)
    last = sessions.last_executor(tx, of_repo[0].id) if of_repo else None
    return repo.default_target_branch, last
