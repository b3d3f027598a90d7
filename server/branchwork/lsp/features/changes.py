"""branchwork/changes/* and branchwork/attention/*, and what a connection is told by itself."""

import asyncio
from typing import Any

from lsprotocol import types

from branchwork.lsp import activity, feed, to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages
from branchwork.lsp.feed import Feed
from branchwork.lsp.registry import Features
from branchwork.protocol import attention as wire_attention
from branchwork.protocol import changes as wire
from branchwork.services import attention, chain, changes, views
from branchwork.services.environments import Source
from branchwork.store.transaction import Transaction


async def changes_since(
    ls: EditorConnection, params: wire.ChangesSinceParams
) -> wire.ChangesSinceResult:
    """The changes behind a reading, or a snapshot."""
    found = await changes.since(ls.app, params.epoch, params.seq, params.limit)
    if found.gap:
        return await _snapshot(ls)
    values = await ls.app.store.read(lambda tx: feed.values_of(tx, found.changes))
    return wire.ChangesSinceResult(
        epoch=found.epoch,
        seq=found.seq,
        changes=[feed.wire_change(change, values) for change in found.changes],
        more=True if len(found.changes) == params.limit else None,
    )


async def list_attention(
    ls: EditorConnection, params: wire_attention.AttentionListParams
) -> wire_attention.AttentionListResult:
    """What waits for a person."""
    read = await views.reading(ls.app, attention.read)
    wanted = [
        item
        for item in read.value
        if params.project_id is None or item.task.project_id == params.project_id
    ]
    return wire_attention.AttentionListResult(
        **pages.reading(read), items=[to_protocol.attention(item) for item in wanted]
    )


def register(features: Features) -> None:
    """What this module answers, and what it says by itself to who has initialized."""
    told = Feed()

    async def subscribe(
        ls: EditorConnection, params: wire.ChangesSubscribeParams
    ) -> wire.ChangesSubscribeResult:
        told.of(ls).projects = _projects(params.projects)
        read = await views.reading(ls.app, lambda _tx: None)
        return wire.ChangesSubscribeResult(**pages.reading(read))

    async def claim(
        _ls: EditorConnection, params: wire_attention.AttentionClaimParams
    ) -> wire_attention.AttentionClaimResult:
        return wire_attention.AttentionClaimResult(ids=told.claim(params.ids))

    async def initialized(ls: EditorConnection, _params: Any) -> None:
        _lend_environment(ls)
        job = ls.app.start_watch(activity.show(ls), "activity")
        ls.at_close(lambda: _cancel(job))
        await told.join(ls, _projects(ls.abilities.get("subscribe") or []))
        if ls.app.settings.problem:
            ls.show_error(ls.app.settings.problem)
        for problem in ls.app.agents.problems:
            ls.show_error(problem.sentence)
        for complaint in (*ls.complaints, *ls.app.complaints):
            ls.show_error(complaint)
        await chain.wake_waiting(ls.app)

    features.method(wire.SUBSCRIBE, subscribe)
    features.method(wire.SINCE, changes_since)
    features.method(wire_attention.LIST, list_attention)
    features.method(wire_attention.CLAIM, claim)
    features.standard(types.INITIALIZED, initialized)
    features.standard(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _roots_changed)


def _cancel(job: asyncio.Task[None]) -> None:
    job.cancel()


def _projects(wanted: Any) -> feed.Projects:
    return "all" if wanted == "all" else frozenset(str(one) for one in wanted)


def _lend_environment(ls: EditorConnection) -> None:
    """What runs for this editor's repositories after a restart gets its environment."""
    source = Source(environment=ls.environment, roots=ls.roots)
    ls.app.environments.sources.append(source)
    ls.at_close(lambda: ls.app.environments.sources.remove(source))


async def _roots_changed(ls: EditorConnection, _params: Any) -> None:
    for source in ls.app.environments.sources:
        if source.environment is ls.environment:
            source.roots = ls.roots
    await chain.wake_waiting(ls.app)


async def _snapshot(ls: EditorConnection) -> wire.ChangesSinceResult:
    def read(tx: Transaction) -> wire.Snapshot:
        board = views.board(tx)
        return wire.Snapshot(
            projects=[to_protocol.project(one) for one in board.projects],
            repos=[to_protocol.repo(one) for one in board.repos],
            tasks=[to_protocol.task(one) for one in board.tasks],
            workspaces=[to_protocol.workspace(one) for one in board.workspaces],
            executions=[to_protocol.execution(one) for one in board.executions],
            attention=[to_protocol.attention(one) for one in attention.read(tx)],
        )

    found = await views.reading(ls.app, read)
    return wire.ChangesSinceResult(**pages.reading(found), snapshot=found.value)
