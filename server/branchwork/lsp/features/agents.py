"""branchwork/agent/*."""

from branchwork.domain.errors import AgentUnavailable
from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import targets
from branchwork.lsp.registry import Features
from branchwork.protocol import agents as wire
from branchwork.services import agents, defaults
from branchwork.store import sessions


async def list_agents(ls: EditorConnection, params: wire.AgentListParams) -> wire.AgentListResult:
    """Those that can be started first."""
    found = await agents.listed(ls.app, ls.environment)
    chosen = await _default(ls, params.project_id)
    return wire.AgentListResult(
        agents=[to_protocol.agent(one, is_default=one.agent.id == chosen) for one in found]
    )


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_agents)


async def _default(ls: EditorConnection, project_id: str | None) -> str | None:
    """The id of the agent that a start without one takes now."""
    if project_id is None:
        at = await targets.place(ls)
        project_id = at.project.id if at.project else ""
    last = await ls.app.store.read(lambda tx: sessions.last_executor(tx, project_id))
    try:
        return (await defaults.preferred(ls.app, last, ls.environment)).id
    except AgentUnavailable:
        return None
