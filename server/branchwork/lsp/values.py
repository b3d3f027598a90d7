"""The wire form of an entity by the name that the `changes` table has for it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from branchwork.domain.approval import Approval
from branchwork.domain.errors import NotFound
from branchwork.domain.execution_process import CodingAgentTurn, ExecutionProcess
from branchwork.domain.merge import Merge
from branchwork.domain.repo import Repo
from branchwork.domain.session import QueuedPrompt, Session
from branchwork.domain.workspace import WorkspaceRepo
from branchwork.lsp import to_protocol
from branchwork.services import views
from branchwork.store import projects
from branchwork.store.transaction import Transaction

Reader = Callable[[Transaction, str], msgspec.Struct | None]


def read(tx: Transaction, noun: str, identifier: str) -> msgspec.Struct | None:
    """The entity as lists have it, or None where it is gone."""
    reader = _READERS.get(noun)
    if reader is None:
        return None
    try:
        return reader(tx, identifier)
    except NotFound:
        return None


def _project_repo(tx: Transaction, identifier: str) -> msgspec.Struct | None:
    project_id, _, repo_id = identifier.partition("/")
    link = projects.link(tx, project_id, repo_id)
    return None if link is None else to_protocol.project_repo(link)


_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "project": lambda tx, id_: to_protocol.project(views.project_view(tx, id_)),
        "projectRepo": _project_repo,
        "repo": lambda tx, id_: to_protocol.repo(tx.get(Repo, id_)),
        "task": lambda tx, id_: to_protocol.task(views.task_view(tx, id_)),
        "workspace": lambda tx, id_: to_protocol.workspace(views.workspace_view(tx, id_)),
        "workspaceRepo": lambda tx, id_: to_protocol.workspace_repo(tx.get(WorkspaceRepo, id_)),
        "session": lambda tx, id_: to_protocol.session(tx.get(Session, id_)),
        "execution": lambda tx, id_: to_protocol.execution(tx.get(ExecutionProcess, id_)),
        "turn": lambda tx, id_: to_protocol.turn(tx.get(CodingAgentTurn, id_)),
        "approval": lambda tx, id_: to_protocol.approval(
            views.approval_view(tx, tx.get(Approval, id_))
        ),
        "merge": lambda tx, id_: to_protocol.merge(tx.get(Merge, id_)),
        "queuedPrompt": lambda tx, id_: to_protocol.queued_prompt(tx.get(QueuedPrompt, id_)),
    }
)
