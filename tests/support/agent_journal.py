"""Journals of agents without a process: records made by hand or read from recorded wires, and the
pump that talks to a real child through the same seam as the services."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from branchwork.agents.agent import (
    Added,
    Agent,
    AgentFold,
    Appended,
    Changed,
    Delta,
    Ended,
    Exit,
    Inputs,
    Turn,
)
from branchwork.agents.launch import Launch
from branchwork.domain.entry import Entry, TextEntry, ToolCall
from branchwork.execution.journal import Record

PATIENCE = 60.0


@dataclass
class Journal:
    """Records in order, numbered; `t` goes on by 10 ms with each."""

    records: list[Record] = field(default_factory=list)

    def add(self, stream: Any, data: str | bytes = "", message_id: str | None = None) -> Record:
        seq = len(self.records) + 1
        record = Record(seq=seq, t=seq * 10, stream=stream, data=data, message_id=message_id)
        self.records.append(record)
        return record

    def agent(self, **message: Any) -> Record:
        """A message that the agent sent."""
        return self.add("o", json.dumps({"jsonrpc": "2.0", **message}))

    def update(self, kind: str, /, **fields: Any) -> Record:
        """A session/update of the agent."""
        params = {"sessionId": "s1", "update": {"sessionUpdate": kind, **fields}}
        return self.agent(method="session/update", params=params)

    def say(self, text: str, kind: str = "agent_message_chunk", **fields: Any) -> Record:
        """A part of a message."""
        return self.update(kind, content={"type": "text", "text": text}, **fields)

    def event(self, name: str, **details: object) -> Record:
        """An event of the shim."""
        seq = len(self.records) + 1
        record = Record(seq=seq, t=seq * 10, stream="x", event=name, details=details)
        self.records.append(record)
        return record


def wire(path: Path) -> list[Record]:
    """A recorded wire as a journal: `>` is what we sent, `<` what the agent did."""
    lines = path.read_text("utf-8").splitlines()
    journal = Journal()
    for line in lines:
        journal.add("i" if line[0] == ">" else "o", line[2:])
    return journal.records


def fold_all(fold: AgentFold, records: Iterable[Record]) -> list[Delta]:
    """All deltas of all records."""
    return [delta for record in records for delta in fold.apply(record)]


def applied(deltas: Iterable[Delta]) -> list[Entry]:
    """What a follower has who got only the deltas."""
    entries: list[Entry] = []
    for delta in deltas:
        match delta:
            case Added(index, entry):
                assert index == len(entries) == entry.index
                entries.append(entry)
            case Changed(index, entry):
                entries[index] = entry
            case Appended(index, text):
                entries[index] = _longer(entries[index], text)
    return entries


def _longer(entry: Entry, text: str) -> Entry:
    if isinstance(entry, TextEntry):
        return replace(entry, text=entry.text + text)
    assert isinstance(entry, ToolCall)
    return replace(entry, output=entry.output + text)


def told(entry: Entry) -> dict[str, Any]:
    """An entry as JSON, without what is empty."""
    fields = {name: value for name, value in asdict(entry).items() if value not in (None, "", ())}
    return {"kind": entry.kind.value, **fields}


@dataclass
class Played:
    """What a run of a real child came to."""

    ended: Ended
    fold: AgentFold
    records: list[Record]
    deltas: list[Delta]
    exit_code: int


Decide = Callable[[AgentFold], Mapping[str, str | None]]


def play(
    agent: Agent,
    launch: Launch,
    turn: Turn,
    *,
    decide: Decide = lambda _fold: {},
    cancel_when: Callable[[AgentFold], bool] = lambda _fold: False,
) -> Played:
    """Runs a turn of a real child to its end, as the services do, but without a shim."""
    child = subprocess.Popen(
        launch.argv,
        env=dict(launch.env),
        cwd=turn.cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        return _Pump(child, agent, turn).run(decide, cancel_when)
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                stream.close()


class _Pump:
    def __init__(self, child: subprocess.Popen[bytes], agent: Agent, turn: Turn) -> None:
        self._child, self._agent, self._turn = child, agent, turn
        self._fold = agent.fold()
        self._journal = Journal()
        self._deltas: list[Delta] = []
        self._lines: Queue[tuple[str, bytes] | None] = Queue()
        self._open = 2
        for stream, pipe in (("o", child.stdout), ("e", child.stderr)):
            threading.Thread(target=self._read, args=(stream, pipe), daemon=True).start()

    def _read(self, stream: str, pipe: Any) -> None:
        for line in pipe:
            self._lines.put((stream, line))
        self._lines.put(None)

    def run(self, decide: Decide, cancel_when: Callable[[AgentFold], bool]) -> Played:
        deadline = time.monotonic() + PATIENCE
        cancel, exited = False, None
        while True:
            assert time.monotonic() < deadline, f"no end: {self._fold.entries}"
            cancel = cancel or cancel_when(self._fold)
            inputs = Inputs(decisions=decide(self._fold), cancel=cancel)
            self._send(inputs)
            now_ms = int(time.time() * 1000)
            ended = self._agent.outcome(
                self._fold, self._turn, inputs, now_ms=now_ms, exited=exited
            )
            if ended is not None:
                return self._goodbye(ended)
            assert exited is None, "what has exited has an outcome"
            self._take()
            if self._open == 0 and self._lines.empty():
                exited = Exit(code=self._child.wait(PATIENCE))

    def _send(self, inputs: Inputs) -> None:
        assert self._child.stdin is not None
        try:
            for message in self._agent.next_messages(self._fold, self._turn, inputs):
                self._note(
                    self._journal.add("i", message.shown, message.message_id),
                )
                self._child.stdin.write(message.frame)
                self._child.stdin.flush()
            if self._agent.input_ends(self._fold, self._turn, inputs):
                self._child.stdin.close()
        except (BrokenPipeError, ValueError):
            return

    def _take(self) -> None:
        try:
            found = self._lines.get(timeout=0.05)
        except Empty:
            return
        if found is None:
            self._open -= 1
            return
        stream, line = found
        self._note(self._journal.add(stream, line.decode("utf-8", "replace").rstrip("\n")))

    def _note(self, record: Record) -> None:
        now = int(time.time() * 1000)
        record = Record(
            seq=record.seq,
            t=now,
            stream=record.stream,
            data=record.data,
            message_id=record.message_id,
        )
        self._journal.records[-1] = record
        self._deltas += self._fold.apply(record)

    def _goodbye(self, ended: Ended) -> Played:
        self._send(Inputs(close=True))
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            code = self._child.wait(PATIENCE if ended.status != "Killed" else 1)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        while self._open or not self._lines.empty():
            self._take()
        return Played(ended, self._fold, self._journal.records, self._deltas, code)
