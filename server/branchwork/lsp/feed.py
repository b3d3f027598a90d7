"""Tells every connection what was changed and what waits for a person: one reader for all.

It reads the `changes` table behind each commit, at most 20 times a second, and sends each
connection the part that it wants to hear of. Documents that are open are written anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from branchwork.domain.change import Change, Operation
from branchwork.lsp import announce, live_documents, to_protocol, values
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.live_documents import LiveDocuments
from branchwork.protocol import attention as wire_attention
from branchwork.protocol import changes as wire
from branchwork.services import attention
from branchwork.services.app import App
from branchwork.services.attention import AttentionItem
from branchwork.store import changes
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05
BATCH = 1000
BEHIND_BYTES = 8 << 20
"""A connection with this much unread is told of a gap instead of more."""

Projects = Literal["all"] | frozenset[str]


@dataclass(slots=True, eq=False)
class Listener:
    """One connection: which projects it wants to hear of, and whether it missed some.

    What waits since before `announces_from` was announced to it by the daemon before this one.
    """

    ls: EditorConnection
    projects: Projects = field(default_factory=frozenset)
    missed: bool = False
    attention: frozenset[str] = frozenset()
    announces_from: str = ""

    def wants(self, change: Change) -> bool:
        """What belongs to no project goes to everybody who listens at all."""
        if self.projects == "all":
            return True
        return bool(self.projects) and (
            change.project_id is None or change.project_id in self.projects
        )


class Feed:
    """The reader and its listeners."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._seq = 0
        self._running = False
        self._claimed: set[str] = set()

    def of(self, ls: EditorConnection) -> Listener:
        """The listener of a connection."""
        return next(one for one in self._listeners if one.ls is ls)

    def claim(self, ids: Sequence[str]) -> list[str]:
        """Those of some items that nobody announces yet; from now on whoever asked does."""
        given = [id for id in dict.fromkeys(ids) if id not in self._claimed]
        self._claimed.update(given)
        return given

    async def join(self, ls: EditorConnection, projects: Projects) -> None:
        """Listen from now on, until the connection closes."""
        listener = Listener(ls, projects)
        if ls.peer.again:
            listener.announces_from = ls.app.started_at
        self._listeners.add(listener)
        ls.at_close(lambda: self._listeners.discard(listener))
        if not self._running:
            self._running = True
            # Not asked of the database, which takes a moment: what changes now is told.
            self._seq = ls.app.store.head
            app, documents = ls.app, LiveDocuments(self._connections)
            app.start_watch(_repeat(app, PAUSE_SECONDS, lambda: self._round(app)), "feed")
            app.start_watch(
                _repeat(app, live_documents.PAUSE_SECONDS, documents.refresh), "documents"
            )
        items = await attention.items(ls.app)
        await self._tell_attention(listener, await _moment(ls.app), items)

    def _connections(self) -> list[EditorConnection]:
        return [listener.ls for listener in self._listeners]

    async def _round(self, app: App) -> None:
        found = await app.store.read(lambda tx: _read(tx, self._seq))
        while found.changes:
            self._seq = found.changes[-1].seq
            for listener in tuple(self._listeners):
                self._tell(app, listener, found)
            found = await app.store.read(lambda tx: _read(tx, self._seq))
        items = await attention.items(app)
        # What waits no more may be announced when it waits again.
        self._claimed &= {item.id for item in items}
        moment = await _moment(app)
        for listener in tuple(self._listeners):
            await self._tell_attention(listener, moment, items)

    def _tell(self, app: App, listener: Listener, found: "_Found") -> None:
        if listener.ls.queued_bytes > BEHIND_BYTES:
            listener.missed = True
            return
        wanted = [change for change in found.changes if listener.wants(change)]
        if not wanted and not listener.missed:
            return
        params = wire.ChangedParams(
            epoch=app.store.epoch,
            seq=found.changes[-1].seq,
            changes=[] if listener.missed else [_wire(change, found) for change in wanted],
            gap=True if listener.missed else None,
        )
        listener.missed = False
        listener.ls.notify(wire.CHANGED.method, params)

    async def _tell_attention(
        self, listener: Listener, moment: tuple[str, int], items: Sequence[AttentionItem]
    ) -> None:
        ids = frozenset(item.id for item in items)
        if ids == listener.attention:
            return
        new = [item for item in items if item.id not in listener.attention]
        listener.attention = ids
        if listener.projects:
            params = wire_attention.AttentionChangedParams(
                epoch=moment[0],
                seq=moment[1],
                items=[to_protocol.attention(item) for item in items],
            )
            listener.ls.notify(wire_attention.CHANGED.method, params)
        for item in new:
            if item.since >= listener.announces_from:
                announce.announce(listener.ls, item)


async def _repeat(app: App, pause: float, work: Callable[[], Awaitable[None]]) -> None:
    """At the first commit after a pause at once, then not more often than each pause."""
    while True:
        beat = app.commits.next()
        try:
            await work()
        except Exception:
            logger.exception("telling editors what was changed failed")
        await asyncio.sleep(pause)
        await beat.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    changes: list[Change]
    values: dict[tuple[str, str], Any]


def _read(tx: Transaction, seq: int) -> _Found:
    found = changes.since(tx, seq, BATCH)
    return _Found(changes=found, values=values_of(tx, found))


def values_of(tx: Transaction, found: Iterable[Change]) -> dict[tuple[str, str], Any]:
    """What the changed entities are now; one that is gone by now has no value."""
    keys = {(one.entity, one.entity_id) for one in found if one.op is not Operation.DELETE}
    read = {key: values.read(tx, *key) for key in keys}
    return {key: value for key, value in read.items() if value is not None}


def wire_change(change: Change, found: dict[tuple[str, str], Any]) -> wire.Change:
    """A change as it is sent, with the entity as it is now."""
    return wire.Change(
        entity=change.entity,
        id=change.entity_id,
        op=change.op,
        revision=change.revision,
        project_id=change.project_id,
        value=found.get((change.entity, change.entity_id)),
    )


def _wire(change: Change, found: _Found) -> wire.Change:
    return wire_change(change, found.values)


async def _moment(app: App) -> tuple[str, int]:
    return app.store.epoch, await app.store.read(changes.head)
