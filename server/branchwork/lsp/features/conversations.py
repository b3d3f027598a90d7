"""branchwork/conversation/*, and the stream of its entries."""

from typing import Any

import msgspec

from branchwork.domain.approval import Approval
from branchwork.domain.errors import NotFound
from branchwork.lsp import streams, to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages, targets
from branchwork.lsp.registry import Features
from branchwork.protocol import conversations as wire
from branchwork.protocol.documents import DocumentKind
from branchwork.protocol.entries import Entry, EntryPosition
from branchwork.services import conversations, views
from branchwork.services.conversations import Place


async def list_conversations(
    ls: EditorConnection, params: wire.ConversationListParams
) -> wire.ConversationListResult:
    """The newest first."""
    read = await pages.read(
        ls,
        params,
        lambda tx: views.conversation_page(
            tx, params.limit, params.cursor, params.workspace_id, params.task_id
        ),
    )
    return wire.ConversationListResult(
        **pages.reading(read),
        conversations=[to_protocol.conversation(view) for view in read.value],
        next_cursor=pages.next_cursor(read.value, params.limit),
    )


async def get_conversation(
    ls: EditorConnection, params: wire.ConversationGetParams
) -> wire.ConversationGetResult:
    """All but its entries."""
    read = await views.reading(
        ls.app, lambda tx: views.conversation_view(tx, params.conversation_id)
    )
    view = _found(read.value, params.conversation_id)
    return wire.ConversationGetResult(
        **pages.reading(read),
        conversation=to_protocol.conversation(view),
        sessions=[to_protocol.session(one) for one in view.sessions],
        executions=[to_protocol.execution(one) for one in view.executions],
        turns=[to_protocol.turn(one) for one in view.turns],
        approvals=[to_protocol.approval(_placed(view, one)) for one in view.approvals],
        queue=[to_protocol.queued_prompt(one) for one in view.queue],
    )


async def stream_entries(
    ls: EditorConnection, params: wire.ConversationEntriesParams
) -> wire.ConversationEntriesResult:
    """The entries as a stream of changes on the token, or up to a limit in the answer."""
    start = params.from_position
    place = None if start is None else Place(execution_id=start.execution_id, index=start.index)
    token = params.partial_result_token
    stream = None if token is None else streams.ProgressStream(ls, token)
    follow = params.follow and stream is not None
    last, size = start, 0
    entries: list[Entry] = []
    async for changes in conversations.stream(ls.app, params.conversation_id, place, follow=follow):
        sent = [to_protocol.entry_change(change) for change in changes]
        last = EntryPosition(execution_id=sent[-1].execution_id, index=sent[-1].index + 1)
        if stream is not None:
            part = wire.ConversationEntriesPart(changes=sent)
            await stream.send(msgspec.json.encode(part))
            continue
        for change in sent:
            size += len(msgspec.json.encode(change))
            if size > streams.UNPAGED_BYTES and entries:
                last = EntryPosition(execution_id=change.execution_id, index=change.index)
                break
            if change.entry is not None:
                entries.append(change.entry)
    view = await _view(ls, params.conversation_id)
    return wire.ConversationEntriesResult(
        next=last,
        status=view.executions[-1].status if view.executions else None,
        entries=None if stream is not None else entries,
    )


async def send_prompt(
    ls: EditorConnection, params: wire.ConversationPromptParams
) -> wire.ConversationPromptResult:
    """At once, or when the agent has ended its turn; without an id to the current conversation."""
    if params.conversation_id is None:
        found = await _current(ls, await targets.place(ls))
        params = msgspec.structs.replace(params, **(found or {}))
    targets.required(params, "conversation_id")
    done = await conversations.prompt(
        ls.app, params.conversation_id or "", params.prompt or "", ls.environment
    )
    if done.queued is not None:
        return wire.ConversationPromptResult(
            outcome=wire.PromptOutcome.QUEUED, queued=to_protocol.queued_prompt(done.queued)
        )
    return wire.ConversationPromptResult(
        outcome=wire.PromptOutcome.SENT,
        session=None if done.session is None else to_protocol.session(done.session),
        execution=None if done.execution is None else to_protocol.execution(done.execution),
    )


async def edit_queue(
    ls: EditorConnection, params: wire.ConversationQueueParams
) -> wire.ConversationQueueResult:
    """Send, drop or change one prompt; the queue as it is then."""
    begun = None
    if params.send is not None:
        begun = await conversations.send_queued(ls.app, params.send, ls.environment)
    elif params.remove is not None:
        await conversations.drop_queued(ls.app, params.remove)
    elif params.edit is not None:
        await conversations.edit_queued(ls.app, params.edit, params.prompt or "")
    view = await _view(ls, params.conversation_id or "")
    session = begun.session if begun else None
    execution = begun.execution if begun else None
    return wire.ConversationQueueResult(
        queue=[to_protocol.queued_prompt(one) for one in view.queue],
        session=None if session is None else to_protocol.session(session),
        execution=None if execution is None else to_protocol.execution(execution),
    )


async def mark_seen(
    ls: EditorConnection, params: wire.ConversationMarkSeenParams
) -> wire.ConversationMarkSeenResult:
    """A person has looked."""
    conversation_id = params.conversation_id or ""
    await conversations.mark_seen(ls.app, conversation_id)
    view = await _view(ls, conversation_id)
    return wire.ConversationMarkSeenResult(conversation=to_protocol.conversation(view))


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_conversations)
    features.method(wire.GET, get_conversation)
    features.method(wire.ENTRIES, stream_entries)
    needed = ("conversation_id",)
    targets.answer(features, wire.PROMPT, send_prompt, ("prompt",), targets.nothing)
    targets.answer(
        features, wire.QUEUE, edit_queue, needed, targets.nothing, DocumentKind.ATTENTION
    )
    targets.answer(features, wire.MARK_SEEN, mark_seen, needed, _current, DocumentKind.ATTENTION)


def _placed(view: views.ConversationView, approval: Approval) -> views.ApprovalView:
    return views.ApprovalView(
        approval=approval,
        task_id=view.task_id,
        workspace_id=view.workspace_id,
        conversation_id=view.id,
    )


async def _current(ls: EditorConnection, at: views.Place) -> dict[str, Any] | None:
    if at.workspace is None:
        return None
    workspace_id = at.workspace.id
    view = await ls.app.store.read(lambda tx: views.workspace_view(tx, workspace_id))
    return {"conversation_id": view.conversation_id} if view.conversation_id else None


async def _view(ls: EditorConnection, conversation_id: str) -> views.ConversationView:
    found = await ls.app.store.read(lambda tx: views.conversation_view(tx, conversation_id))
    return _found(found, conversation_id)


def _found(view: views.ConversationView | None, conversation_id: str) -> views.ConversationView:
    if view is None:
        raise NotFound(
            f"There is no conversation with the id {conversation_id}.",
            conversation_id=conversation_id,
        )
    return view
