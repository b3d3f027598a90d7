"""branchwork/execution/*, and the stream of its log."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus
from branchwork.lsp import streams, to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages, targets
from branchwork.lsp.registry import Features
from branchwork.protocol import executions as wire
from branchwork.services import chain, logs, views
from branchwork.services.logs import Piece
from branchwork.store import executions
from branchwork.store.transaction import Transaction


async def list_executions(
    ls: EditorConnection, params: wire.ExecutionListParams
) -> wire.ExecutionListResult:
    """The newest first."""
    wanted = executions.Wanted(
        workspace_id=params.workspace_id,
        conversation_id=params.conversation_id,
        statuses=tuple(params.statuses or ()),
        run_reasons=tuple(params.run_reasons or ()),
    )
    read = await pages.read(
        ls, params, lambda tx: executions.page(tx, params.limit, params.cursor, wanted)
    )
    return wire.ExecutionListResult(
        **pages.reading(read),
        executions=[to_protocol.execution(one) for one in read.value],
        next_cursor=pages.next_cursor(read.value, params.limit),
    )


async def get_execution(
    ls: EditorConnection, params: wire.ExecutionGetParams
) -> wire.ExecutionGetResult:
    """With what hangs on it."""

    def read(tx: Transaction) -> tuple[ExecutionProcess, list[Any], Any]:
        execution = tx.get(ExecutionProcess, params.execution_id)
        states = executions.repo_states(tx, execution.id)
        return execution, states, executions.turn_of(tx, execution.id)

    found = await views.reading(ls.app, read)
    execution, states, turn = found.value
    return wire.ExecutionGetResult(
        **pages.reading(found),
        execution=to_protocol.execution(execution, whole=True),
        repo_states=[to_protocol.repo_state(state) for state in states],
        turn=None if turn is None else to_protocol.turn(turn),
    )


async def stop_execution(
    ls: EditorConnection, params: wire.ExecutionStopParams
) -> wire.ExecutionStopResult:
    """And wait until it has ended."""
    execution = await chain.stop(ls.app, params.execution_id or "")
    execution = await chain.ended(ls.app, execution.id)
    return wire.ExecutionStopResult(execution=to_protocol.execution(execution, whole=True))


async def stream_logs(
    ls: EditorConnection, params: wire.ExecutionLogsParams
) -> wire.ExecutionLogsResult:
    """The log as a stream on the token, or up to a limit in the answer."""
    if params.intent_id is not None:
        return await _intent_log(ls, params.intent_id)
    targets.required(params, "execution_id")
    execution_id = params.execution_id or ""
    if params.partial_result_token is None:
        return await _whole(ls, params, execution_id)
    stream = streams.ProgressStream(ls, params.partial_result_token)
    next_seq = params.from_seq
    async for piece in _pieces(ls, params, execution_id):
        next_seq = piece.next_seq
        if piece.lines or piece.text:
            await stream.send(_value(execution_id, piece))
    end = await logs.end_of(ls.app, execution_id)
    return wire.ExecutionLogsResult(next_seq=next_seq, status=end.status, exit_code=end.exit_code)


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_executions)
    features.method(wire.GET, get_execution)
    features.method(wire.LOGS, stream_logs)
    targets.answer(features, wire.STOP, stop_execution, ("execution_id",), _only_running)


async def _only_running(ls: EditorConnection, at: views.Place) -> dict[str, Any] | None:
    """The one process that runs in the current workspace or task."""

    def read(tx: Transaction) -> list[ExecutionProcess]:
        if at.workspace is not None:
            return executions.running(tx, at.workspace.id)
        return executions.running(tx)

    running = await ls.app.store.read(read)
    return {"execution_id": running[0].id} if len(running) == 1 else None


async def _intent_log(ls: EditorConnection, intent_id: str) -> wire.ExecutionLogsResult:
    text = await logs.of_intent(ls.app, intent_id)
    return wire.ExecutionLogsResult(
        next_seq=1,
        status=ExecutionStatus.COMPLETED,
        exit_code=None,
        text=text[-streams.UNPAGED_BYTES :],
    )


def _pieces(
    ls: EditorConnection, params: wire.ExecutionLogsParams, execution_id: str
) -> AsyncIterator[Piece]:
    if params.view is wire.LogView.RAW:
        return logs.raw(
            ls.app,
            execution_id,
            params.from_seq,
            follow=params.follow,
            with_sent=params.with_sent,
        )
    return logs.text(ls.app, execution_id, params.from_seq, follow=params.follow)


def _value(execution_id: str, piece: Piece) -> bytes:
    if piece.lines:
        return streams.records_value(execution_id, piece.next_seq, piece.lines)
    part = wire.ExecutionLogsPart(
        execution_id=execution_id, next_seq=piece.next_seq, text=piece.text
    )
    return msgspec.json.encode(part)


async def _whole(
    ls: EditorConnection, params: wire.ExecutionLogsParams, execution_id: str
) -> wire.ExecutionLogsResult:
    """What there is, up to a limit; `nextSeq` says where to go on."""
    next_seq, size = params.from_seq, 0
    lines, text = [], []
    async for piece in _pieces(ls, params, execution_id):
        next_seq = piece.next_seq
        lines.append(piece.lines)
        text.append(piece.text)
        size += len(piece.lines) + len(piece.text)
        if size > streams.UNPAGED_BYTES:
            break
    end = await logs.end_of(ls.app, execution_id)
    raw = params.view is wire.LogView.RAW
    records = [
        msgspec.json.decode(line, type=wire.LogRecord) for line in b"".join(lines).splitlines()
    ]
    return wire.ExecutionLogsResult(
        next_seq=next_seq,
        status=end.status,
        exit_code=end.exit_code,
        text=None if raw else "".join(text),
        records=records if raw else None,
    )
