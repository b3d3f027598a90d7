"""The log of an execution as a stream: what its journal has, then what it gets, without a gap."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from branchwork.agents import render
from branchwork.domain.errors import NotFound
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus, RunReason
from branchwork.domain.run import Intent
from branchwork.execution import exits, journal, segments
from branchwork.services import entries, worktrees
from branchwork.services.app import App

CHUNK_BYTES = 256 << 10
_SENT = b'"s":"i"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some of a log: whole journal lines as they are, or text; `next_seq` is where it goes on.

    Without either, what was read has nothing to show.
    """

    next_seq: int
    lines: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an execution stands when its log is read to the end."""

    status: ExecutionStatus
    exit_code: int | None


async def raw(
    app: App, execution_id: str, from_seq: int, *, follow: bool, with_sent: bool
) -> AsyncIterator[Piece]:
    """The journal's records, line by line and byte for byte; what we sent only if asked for."""
    async for lines in _lines(app, execution_id, from_seq, follow=follow):
        next_seq = _next_seq(lines)
        kept = lines if with_sent or _SENT not in lines else b"".join(_received(lines))
        yield Piece(next_seq=next_seq, lines=kept)


async def text(app: App, execution_id: str, from_seq: int, *, follow: bool) -> AsyncIterator[Piece]:
    """What a person wants to read: a script's output, an agent's entries as text."""
    execution = await app.store.read(lambda tx: tx.get(ExecutionProcess, execution_id))
    if execution.run_reason is RunReason.CODING_AGENT:
        reader: _Text = _AgentText(app, execution)
        start = 1
    else:
        reader, start = _ScriptText(), from_seq
    async for lines in _lines(app, execution_id, start, follow=follow):
        shown = reader.read(lines, from_seq)
        yield Piece(next_seq=max(from_seq, _next_seq(lines)), text=shown)


async def end_of(app: App, execution_id: str) -> End:
    """The row of the execution, once its follower has written it."""
    execution = await app.store.read(lambda tx: tx.get(ExecutionProcess, execution_id))
    return End(status=execution.status, exit_code=execution.exit_code)


async def of_intent(app: App, intent_id: str) -> str:
    """What the git commands of an operation printed."""
    await app.store.read(lambda tx: tx.get(Intent, intent_id))
    return await app.blocking(_printed, worktrees.intent_directory(app, intent_id))


async def _lines(
    app: App, execution_id: str, from_seq: int, *, follow: bool
) -> AsyncIterator[bytes]:
    directory = app.execution_directory(execution_id)
    if execution_id not in app.live and not directory.is_dir():
        raise NotFound(
            "This execution has no log: it was never started.", execution_id=execution_id
        )
    live = app.live.get(execution_id)
    reader = journal.Reader(directory, from_seq)
    while True:
        beat = live.journal.next() if live else None
        over = live is None or live.ended.is_set()
        while lines := await asyncio.to_thread(reader.lines, CHUNK_BYTES):
            yield lines
        if not follow or over or beat is None:
            return
        await beat.wait()


def _next_seq(lines: bytes) -> int:
    last = lines[lines.rfind(b"\n", 0, -1) + 1 :]
    return (segments.seq_of(last) or 0) + 1


def _received(lines: bytes) -> Iterator[bytes]:
    for line in lines.splitlines(keepends=True):
        if _SENT not in line or journal.decode(line).stream != "i":
            yield line


class _ScriptText:
    """A script's output as it printed it."""

    def read(self, lines: bytes, from_seq: int) -> str:
        return "".join(self._shown(lines, from_seq))

    def _shown(self, lines: bytes, from_seq: int) -> Iterator[str]:
        for line in lines.splitlines():
            record = journal.decode(line)
            if record.seq < from_seq:
                continue
            if record.stream in ("o", "e"):
                data = record.data
                yield data if isinstance(data, str) else data.decode("utf-8", "replace")
                if not record.more:
                    yield "\n"
            elif record.event == "gap":
                yield f"[{record.details.get('bytes')} bytes are missing]\n"


class _AgentText:
    """An agent's entries as text; the same for everybody, whenever they begin to read."""

    def __init__(self, app: App, execution: ExecutionProcess) -> None:
        self._fold = entries.new_fold(app.agents, execution)
        self._joiner = journal.Joiner()
        self._renderer = render.Renderer()

    def read(self, lines: bytes, from_seq: int) -> str:
        shown = []
        for line in lines.splitlines():
            record = self._joiner.add(journal.decode(line))
            if record is None:
                continue
            for delta in self._fold.apply(record):
                text_ = self._renderer.delta(delta)
                if record.seq >= from_seq:
                    shown.append(text_)
        return "".join(shown)


_Text = _ScriptText | _AgentText


def _printed(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    parts = []
    for directory in sorted(folder.iterdir(), key=lambda one: one.name.zfill(6)):
        reader = _ScriptText()
        parts += [reader.read(chunk, 1) for chunk in journal.chunks(directory)]
        ended = exits.read(directory)
        if ended is not None and ended.code != 0:
            parts.append(f"[exit code {ended.code}]\n")
    return "".join(parts)
