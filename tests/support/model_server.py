"""A stand-in for the vendors' model APIs on loopback, inside the test's own process.

It speaks what claude-agent-acp (Anthropic Messages) and gemini-cli (generateContent) want and
nothing else. What it answers is in `model_script`.

    with ModelServer() as models:
        prompt = "Please " + models.play("greet", [Write("hello.txt", "hi\n")], [Say("Done.")])
        …start an agent with models.url, send the prompt…
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

from support import model_wire
from support.model_script import (
    Fail,
    Hold,
    ModelRequest,
    Say,
    Script,
    Step,
    ToolCall,
    Turn,
    fitting,
    tool_call,
)

OVER: Turn = (Say("The script has no more turns."),)
UNSCRIPTED: Turn = (Say("Nothing is scripted for this prompt."),)

Piece: TypeAlias = str | ToolCall


class ModelServer:
    """Serves while the `with` block lasts; what went wrong inside is raised at its end."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self._requests: list[ModelRequest] = []
        self._problems: list[str] = []
        self._reached: set[str] = set()
        self._released: set[str] = set()
        self._closing = False
        self._changed = threading.Condition()
        self._http = _HttpServer(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._http.shutdown()
        self._thread.join()
        self._http.end_connections()
        self._http.server_close()
        if self._problems and problem is None:
            raise AssertionError("the model server met: " + "; ".join(self._problems))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def play(self, name: str, *turns: Turn) -> str:
        """Keeps a script and gives the marker that makes a prompt play it."""
        self._scripts[name] = turns
        return f"[play: {name}]"

    @property
    def requests(self) -> list[ModelRequest]:
        """The requests of conversations so far, without what agents ask beside them."""
        with self._changed:
            return list(self._requests)

    def reached(self, hold: str, seconds: float = 60.0) -> None:
        """Waits until an answer stands at that Hold."""
        with self._changed:
            if not self._changed.wait_for(lambda: hold in self._reached, seconds):
                raise TimeoutError(f"no answer reached the hold {hold!r} in {seconds} s")

    def release(self, hold: str) -> None:
        """Lets every answer pass that Hold, now and later."""
        with self._changed:
            self._released.add(hold)
            self._changed.notify_all()

    def turn_for(self, request: ModelRequest) -> Turn:
        """What the script says to this request."""
        if not request.tools:
            wanted = request.wanted
            return (Say(json.dumps(fitting(wanted)) if wanted else "Scripted"),)
        with self._changed:
            self._requests.append(request)
        prompts = request.prompts
        if not prompts or prompts[-1] not in self._scripts:
            return UNSCRIPTED
        script = self._scripts[prompts[-1]]
        return script[request.turn] if request.turn < len(script) else OVER

    def perform(self, turn: Turn, request: ModelRequest) -> Iterator[Piece]:
        """The pieces of an answer, each when its time has come."""
        for step in turn:
            yield from self._pieces(step, request)

    def _pieces(self, step: Step, request: ModelRequest) -> Iterator[Piece]:
        match step:
            case Say(text, chunks, pause):
                size = max(1, -(-len(text) // chunks))
                for at in range(0, len(text), size):
                    yield text[at : at + size]
                    time.sleep(pause)
            case Hold(name):
                self._stand_at(name)
            case Fail():
                raise AssertionError("a Fail is answered before the stream begins")
            case _:
                yield tool_call(step, request.tools)

    def _stand_at(self, hold: str) -> None:
        with self._changed:
            self._reached.add(hold)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing or hold in self._released)
            if self._closing:
                raise ConnectionAbortedError("the model server ends")

    def report(self, problem: str) -> None:
        with self._changed:
            self._problems.append(problem)


class _HttpServer(ThreadingHTTPServer):
    # Joined when the server closes: no thread outlives the test.
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, models: ModelServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models = models
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    @contextmanager
    def kept(self, connection: socket.socket) -> Iterator[None]:
        with self._guard:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._guard:
                self._open.discard(connection)

    def end_connections(self) -> None:
        """Wakes the threads that wait for a request which will not come."""
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing goes to stderr: what matters is reported by the handler."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def handle(self) -> None:
        with self.server.kept(self.connection), suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        self._json(200, {"data": [], "models": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        if (counted := model_wire.token_count(path)) is not None:
            return self._json(200, counted)
        vendor = model_wire.vendor_of(path)
        if vendor is None:
            # Telemetry and the like: agents take a 404 there and go on.
            return self._json(404, {"error": {"message": f"no such path: {path}"}})
        request = vendor.read(path, body)
        try:
            self._answer(vendor, request)
        except AssertionError as problem:
            self.server.models.report(str(problem))
            self.close_connection = True

    def _answer(self, vendor: model_wire.Vendor, request: ModelRequest) -> None:
        models = self.server.models
        turn = models.turn_for(request)
        failure = next((step for step in turn if isinstance(step, Fail)), None)
        if failure:
            return self._json(failure.status, vendor.failure(failure.status, failure.message))
        pieces = models.perform(turn, request)
        if not request.streamed:
            return self._json(200, vendor.whole(list(pieces)))
        self._head(200, "text/event-stream")
        for event in vendor.stream(pieces):
            self.wfile.write(event)
            self.wfile.flush()

    def _json(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self._head(status, "application/json", len(data))
        if self.command != "HEAD":
            self.wfile.write(data)

    def _head(self, status: int, kind: str, length: int | None = None) -> None:
        """One request per connection: the end of a stream is the end of its connection."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        if length is not None:
            self.send_header("content-length", str(length))
        self.end_headers()
        self.close_connection = True
