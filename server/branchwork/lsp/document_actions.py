"""What a person can do at a place of one of our documents: a title and a request for each.

What the cursor is in follows from the document's current text; what can be done with it, from the
rows, so that no text of a document is ever taken for an option of an agent. A title says what it
acts on, because an editor may show a stale one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from branchwork.domain.approval import ApprovalOption
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus, RunReason
from branchwork.domain.session import Session
from branchwork.domain.workspace import Isolation
from branchwork.lsp.connection import EditorConnection
from branchwork.protocol import approvals, conversations, documents, executions, merges, workspaces
from branchwork.protocol.documents import DocumentKind
from branchwork.protocol.method import Request
from branchwork.services import attention, document_conversation, document_diff, views
from branchwork.services.anchors import Anchor
from branchwork.services.attention import APPROVAL, HELD_PROMPT, AttentionItem
from branchwork.services.document_log import REASONS
from branchwork.services.document_names import ALL, Document, Kind
from branchwork.services.markdown import plain_line
from branchwork.services.text import shortened
from branchwork.services.views import WorkspaceView
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the cursor is. `thorough`: a person waits for the answer, so git may be asked."""

    ls: EditorConnection
    document: Document
    text: str
    here: Anchor | None
    thorough: bool

    def id_of(self, *kinds: str) -> str | None:
        """The id of the item that the cursor is in, where it is of one of the kinds."""
        return self.here.id if self.here is not None and self.here.kind in kinds else None


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to do."""

    title: str
    request: Request[Any, Any]
    params: msgspec.Struct


def opening(title: str, kind: Kind, identifier: str = ALL) -> Offer:
    """Open another document."""
    params = documents.DocumentOpenParams(kind=DocumentKind(kind.value), id=identifier)
    return Offer(title, documents.OPEN, params)


def quoted(text: str, longest: int = 60) -> str:
    """A text of somebody's in a title."""
    return shortened(plain_line(text), longest)


async def in_attention(place: Place) -> list[Offer]:
    """The answers to a request; what was seen."""
    found = await attention.items(place.ls.app)
    kinds = (APPROVAL, "execution", "prompt")
    items = [item for item in found if item.id == place.id_of(*kinds)]
    offers = [offer for item in items for offer in _of_item(item)]
    return [*offers, opening("Open the board", Kind.BOARD)]


async def in_conversation(place: Place) -> list[Offer]:
    """The answers to a request, the prompt that was written, stop, seen."""
    view = await place.ls.app.store.read(lambda tx: views.conversation_view(tx, place.document.id))
    return [] if view is None else list(_of_conversation(place, view))


async def in_diff(place: Place) -> list[Offer]:
    """Merge."""
    workspace_id = place.document.id
    view = await place.ls.app.store.read(lambda tx: views.workspace_view(tx, workspace_id))
    return [
        *await merging(place, view),
        opening("Open the task", Kind.TASK, view.workspace.task_id),
        *_conversation_of(view),
    ]


async def in_log(place: Place) -> list[Offer]:
    """Stop."""

    def read(tx: Transaction) -> tuple[ExecutionProcess, str, str]:
        execution = tx.get(ExecutionProcess, place.document.id)
        session = tx.get(Session, execution.session_id)
        task = stored_tasks.of_workspace(tx, execution.workspace_id)
        return execution, session.conversation_id, task.id

    execution, conversation_id, task_id = await place.ls.app.store.read(read)
    offers = []
    if execution.status is ExecutionStatus.RUNNING:
        params = executions.ExecutionStopParams(execution_id=execution.id)
        what = f"Stop the {REASONS[execution.run_reason]}"
        offers.append(Offer(what, executions.STOP, params))
    if execution.run_reason is RunReason.CODING_AGENT:
        offers.append(opening("Open the conversation", Kind.CONVERSATION, conversation_id))
    return [*offers, opening("Open the task", Kind.TASK, task_id)]


async def of_workspace(place: Place, view: WorkspaceView) -> list[Offer]:
    """Look at it, stop it, merge it."""
    name = quoted(view.workspace.branch)
    stop = [stopping(view.workspace.id, name)] if view.running or view.waiting else []
    return [
        *await merging(place, view),
        *stop,
        *_conversation_of(view),
        opening(f"Open the diff of {name}", Kind.DIFF, view.workspace.id),
    ]


async def merging(place: Place, view: WorkspaceView) -> list[Offer]:
    """Merge a workspace, where there is something to merge and nothing goes on in it."""
    workspace = view.workspace
    if view.running or view.waiting or workspace.isolation is not Isolation.WORKTREE:
        return []
    files = await _files_to_merge(place, workspace.id)
    if files is None:
        return []
    targets = ", ".join(dict.fromkeys(quoted(repo.target_branch) for repo in view.repos))
    title = f"Merge into {targets}: {document_diff.number(files, 'file')}"
    return [Offer(title, merges.MERGE, merges.WorkspaceMergeParams(workspace_id=workspace.id))]


def stopping(workspace_id: str, name: str) -> Offer:
    """Stop what runs in a workspace."""
    params = workspaces.WorkspaceStopParams(workspace_id=workspace_id)
    return Offer(f"Stop {name}", workspaces.STOP, params)


async def _files_to_merge(place: Place, workspace_id: str) -> int | None:
    """By git; where nobody waits for it, as the document says."""
    if place.thorough:
        review = await document_diff.read(place.ls.app, workspace_id, with_patch=False)
        return review.to_merge
    told = place.here.values.get("files", "") if place.here is not None else ""
    is_it = place.id_of("workspace", Kind.DIFF) == workspace_id
    return int(told) if is_it and told.isdecimal() else None


def _of_item(item: AttentionItem) -> Iterator[Offer]:
    if item.kind == APPROVAL:
        yield from _answers(item.id, item.sentence, item.options)
    title = quoted(item.task.title)
    if item.conversation_id is not None and item.kind in ("finished", "failed", "lost"):
        yield _seen(item.conversation_id, title)
    if item.conversation_id is not None and item.kind == HELD_PROMPT:
        yield from _held(item.conversation_id, item.id, title)
    if item.conversation_id is not None:
        yield opening(f"Open the conversation: {title}", Kind.CONVERSATION, item.conversation_id)
    if item.kind == "finished":
        yield opening(f"Open the diff: {title}", Kind.DIFF, item.workspace_id)
    if item.kind == "failed" and item.execution_id is not None:
        yield opening(f"Open the log: {title}", Kind.LOG, item.execution_id)
    yield opening(f"Open the task: {title}", Kind.TASK, item.task.id)


def _held(conversation_id: str, prompt_id: str, title: str) -> Iterator[Offer]:
    send = conversations.ConversationQueueParams(conversation_id=conversation_id, send=prompt_id)
    yield Offer(f"Send again: {title}", conversations.QUEUE, send)
    drop = conversations.ConversationQueueParams(conversation_id=conversation_id, remove=prompt_id)
    yield Offer(f"Drop the prompt: {title}", conversations.QUEUE, drop)


def _answers(approval_id: str, sentence: str, options: Sequence[ApprovalOption]) -> Iterator[Offer]:
    for option in options:
        title = f"{quoted(option.name, 40)}: {quoted(sentence, 100)}"
        params = approvals.ApprovalRespondParams(approval_id=approval_id, option_id=option.id)
        yield Offer(title, approvals.RESPOND, params)


def _of_conversation(place: Place, view: views.ConversationView) -> Iterator[Offer]:
    for approval in view.approvals:
        if approval.id == place.id_of(APPROVAL):
            yield from _answers(approval.id, approval.sentence, approval.options)
    prompt = document_conversation.prompt_in(place.text)
    if prompt:
        params = conversations.ConversationPromptParams(conversation_id=view.id, prompt=prompt)
        verb = "Queue" if view.running else "Send"
        yield Offer(f"{verb} the prompt: {quoted(prompt)}", conversations.PROMPT, params)
    if view.approvals and place.id_of(APPROVAL) is None:
        yield opening("Open what needs you", Kind.ATTENTION)
    if any(execution.attention for execution in view.executions):
        yield _seen(view.id, "this conversation")
    if view.running:
        yield stopping(view.workspace_id, "the agent")
    yield opening("Open the task", Kind.TASK, view.task_id)
    yield opening("Open the diff", Kind.DIFF, view.workspace_id)


def _conversation_of(view: WorkspaceView) -> list[Offer]:
    if view.conversation_id is None:
        return []
    return [opening("Open the conversation", Kind.CONVERSATION, view.conversation_id)]


def _seen(conversation_id: str, what: str) -> Offer:
    params = conversations.ConversationMarkSeenParams(conversation_id=conversation_id)
    return Offer(f"Mark as seen: {what}", conversations.MARK_SEEN, params)
