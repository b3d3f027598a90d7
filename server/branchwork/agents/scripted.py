"""A small agent without a model: speaks ACP on its standard streams and plays what the prompt says.

A prompt with `<script>[…]</script>` is played step by step (`scripted_steps` has them all); any
other one gets a default scenario that fits a demo. Standard library only, started in a moment,
keeps nothing between runs. The words in BRANCHWORK_SCRIPTED_START make it fail before its first
prompt.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from branchwork.agents.scripted_steps import Cancelled, Player, Refused

MODES = (
    ("ask", "Ask", "Asks before it changes anything"),
    ("edit", "Edit", "Edits files without asking"),
    ("plan", "Plan", "Changes nothing"),
    ("bypass", "Bypass", "Never asks"),
)
BEGIN, END = "<script>", "</script>"


class Connection:
    """Our standard streams: lines out under a lock, a thread that sorts the lines that come in."""

    def __init__(self) -> None:
        self._out = sys.stdout.buffer
        self._lock = threading.Lock()
        self._replies: dict[int, Any] = {}
        self._changed = threading.Condition()
        self._calls: list[dict[str, Any]] = []
        self._next_id = 0
        self._ended = False
        self.cancelled = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        with self._lock:
            self._out.write(data)
            self._out.flush()

    def send(self, message: Mapping[str, Any]) -> None:
        """A message."""
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """Asks the client and waits for its reply; Cancelled when the turn is."""
        id_, self._next_id = self._next_id, self._next_id + 1
        self.send({"id": id_, "method": method, "params": params})
        with self._changed:
            while id_ not in self._replies:
                if self.cancelled.is_set():
                    raise Cancelled
                self._changed.wait(0.5)
            return self._replies.pop(id_)

    def calls(self) -> Iterator[dict[str, Any]]:
        """Requests of the client until its end of input."""
        while True:
            with self._changed:
                while not self._calls and not self._ended:
                    self._changed.wait(0.5)
                if not self._calls:
                    return
                call = self._calls.pop(0)
            yield call

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict):
                self._sort(message)
        with self._changed:
            self._ended = True
            self.cancelled.set()
            self._changed.notify_all()

    def _sort(self, message: dict[str, Any]) -> None:
        with self._changed:
            if message.get("method") == "session/cancel":
                self.cancelled.set()
            elif "method" in message and "id" in message:
                if message["method"] == "session/prompt":
                    self.cancelled.clear()
                self._calls.append(message)
            elif "id" in message:
                self._replies[message["id"]] = message
            self._changed.notify_all()


class Agent:
    """Answers the client's requests."""

    def __init__(self, connection: Connection, start: frozenset[str]) -> None:
        self._connection = connection
        self._start = start
        self._mode = "edit"
        self._cwd = "."
        self._answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "initialize": self._initialize,
            "session/new": self._new,
            "session/load": self._load,
            "session/resume": self._resume,
            "session/set_mode": self._set_mode,
            "session/prompt": self._prompt,
            "session/close": lambda _: {},
        }

    def serve(self) -> None:
        """Until the end of input."""
        for call in self._connection.calls():
            params = call.get("params")
            answer = self._answers.get(call["method"])
            try:
                if answer is None:
                    raise Refused(-32601, f"Method not found: {call['method']}")
                result = answer(params if isinstance(params, dict) else {})
                self._connection.send({"id": call["id"], "result": result})
            except Refused as refused:
                error = {"code": refused.code, "message": str(refused)}
                self._connection.send({"id": call["id"], "error": error})

    def _initialize(self, _params: dict[str, Any]) -> dict[str, Any]:
        sessions: dict[str, Any] = {"close": {}}
        if "noresume" not in self._start:
            sessions["resume"] = {}
        return {
            "protocolVersion": 7 if "version" in self._start else 1,
            "agentInfo": {"name": "scripted", "title": "Scripted agent", "version": "0.1.0"},
            "agentCapabilities": {
                "loadSession": "noload" not in self._start,
                "promptCapabilities": {"image": False, "embeddedContext": True},
                "sessionCapabilities": sessions,
            },
            "authMethods": [{"id": "play", "name": "Log in to nothing", "description": "A play"}],
        }

    def _new(self, params: dict[str, Any]) -> dict[str, Any]:
        if "login" in self._start:
            raise Refused(-32000, "Authentication required")
        return {"sessionId": f"scripted-{os.urandom(6).hex()}", **self._enter(params)}

    def _load(self, params: dict[str, Any]) -> dict[str, Any]:
        self._known(params)
        for who, text in (("user", "An earlier prompt"), ("agent", "An earlier answer")):
            block = {"type": "text", "text": text}
            self._update(params, {"sessionUpdate": f"{who}_message_chunk", "content": block})
        return self._enter(params)

    def _resume(self, params: dict[str, Any]) -> dict[str, Any]:
        self._known(params)
        return self._enter(params)

    def _known(self, params: dict[str, Any]) -> None:
        if "forgetful" in self._start:
            raise Refused(-32002, f"Session not found: {params.get('sessionId')}")

    def _enter(self, params: dict[str, Any]) -> dict[str, Any]:
        self._cwd = params.get("cwd") or "."
        if not Path(self._cwd).is_dir():
            raise Refused(-32602, f"No such directory: {self._cwd}")
        if "nomodes" in self._start:
            return {}
        modes = [{"id": id_, "name": name, "description": said} for id_, name, said in MODES]
        return {"modes": {"currentModeId": self._mode, "availableModes": modes}}

    def _set_mode(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("modeId") not in [id_ for id_, _, _ in MODES] or "badmode" in self._start:
            raise Refused(-32602, f"No such mode: {params.get('modeId')}")
        self._mode = params["modeId"]
        return {}

    def _prompt(self, params: dict[str, Any]) -> dict[str, Any]:
        blocks = params.get("prompt") or []
        text = "\n".join(b.get("text", "") for b in blocks if isinstance(b, dict))
        player = Player(self._connection, params.get("sessionId"), self._cwd, self._mode)
        try:
            script = script_in(text)
            reason = player.play_default(text) if script is None else player.play(script)
        except Cancelled:
            reason = "cancelled"
        tokens = {"inputTokens": len(text), "outputTokens": player.said}
        return {
            "stopReason": reason,
            "usage": {**tokens, "totalTokens": len(text) + player.said},
        }

    def _update(self, params: dict[str, Any], update: dict[str, Any]) -> None:
        body = {"sessionId": params.get("sessionId"), "update": update}
        self._connection.send({"method": "session/update", "params": body})


def script_in(text: str) -> list[dict[str, Any]] | None:
    """The last script in the prompt, or None; one that can't be read is the prompt's fault."""
    begin = text.rfind(BEGIN)
    end = text.find(END, begin)
    if begin < 0 or end < 0:
        return None
    try:
        steps = json.loads(text[begin + len(BEGIN) : end])
    except ValueError as problem:
        raise Refused(-32602, f"The script is no JSON: {problem}") from problem
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Refused(-32602, "The script must be a list of objects")
    return steps


def main() -> None:
    """Plays until the end of input. `garbage`, `exit` and `hang` come before anything else."""
    start = frozenset(os.environ.get("BRANCHWORK_SCRIPTED_START", "").split())
    if "garbage" in start:
        print("Welcome! This is not a protocol.", flush=True)
    if "nologin" in start:
        print("Error: not logged in, please log in first", file=sys.stderr, flush=True)
        os._exit(1)
    if "exit" in start:
        print("something went wrong at the start", file=sys.stderr, flush=True)
        os._exit(3)
    connection = Connection()
    if "hang" in start:
        threading.Event().wait()
    Agent(connection, start).serve()
    # A thread may still be reading: nothing is left to be cleaned up.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
