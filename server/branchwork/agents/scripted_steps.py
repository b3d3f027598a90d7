"""The steps of a script for the scripted agent, and its default scenario.

A step is an object with one verb: message, thought, plan, write, edit, read, shell, ask, sleep,
until, flood, garbage, stderr, update, request, error, exit, crash, hang, stop. `"ask": true` beside
write, edit and shell asks for permission first. Standard library only.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

CHUNK = 24
OPTIONS = (
    ("allow", "allow_once", "Allow"),
    ("always", "allow_always", "Allow for this session"),
    ("reject", "reject_once", "Reject"),
)
COMMENTS = {
    **dict.fromkeys((".py", ".sh", ".toml", ".yml", ".yaml", ".rb", ".mk"), "# "),
    **dict.fromkeys((".js", ".ts", ".go", ".rs", ".c", ".h", ".cpp", ".java"), "// "),
    **dict.fromkeys((".lua", ".sql", ".hs"), "-- "),
    ".md": "- ",
}


class Cancelled(Exception):
    """The client cancelled the turn, or went away."""


class Refused(Exception):
    """An error reply."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Link(Protocol):
    """The way to the client."""

    cancelled: threading.Event

    def write(self, data: bytes) -> None: ...
    def send(self, message: Mapping[str, Any]) -> None: ...
    def request(self, method: str, params: Mapping[str, Any]) -> Any: ...


Step = dict[str, Any]


class Player:
    """One turn."""

    def __init__(self, link: Link, session_id: Any, cwd: str, mode: str) -> None:
        self._link = link
        self._session_id = session_id
        self._cwd = cwd
        self._mode = mode
        self._tools = 0
        self._stop: str | None = None
        self.said = 0
        self._verbs: dict[str, Callable[[Any, Step], object]] = {
            "message": lambda text, _: self._say("agent_message_chunk", text),
            "thought": lambda text, _: self._say("agent_thought_chunk", text),
            "plan": lambda items, _: self._plan(items),
            "write": self._write,
            "edit": self._edit,
            "read": self._read,
            "shell": self._shell,
            "sleep": lambda seconds, _: self._wait(seconds),
            "until": self._until,
            "flood": self._flood,
            "garbage": lambda text, _: self._link.write(str(text).encode() + b"\n"),
            "stderr": lambda text, _: print(text, file=sys.stderr, flush=True),
            "update": lambda update, _: self._update(update),
            "request": lambda request, _: self._request(request),
            "error": self._error,
            "exit": lambda code, _: os._exit(code),
            "crash": lambda _number, _: os.kill(os.getpid(), signal.SIGKILL),
            "hang": self._hang,
            "stop": self._stop_with,
            "ask": lambda title, step: self._ask_alone(title, step),
        }

    def play(self, steps: list[Step]) -> str:
        """All steps in order; the stop reason."""
        for step in steps:
            if self._link.cancelled.is_set():
                raise Cancelled
            # `ask` is a verb of its own and an adverb of others, so it is looked for last.
            verb = next((verb for verb in self._verbs if verb in step), None)
            if verb is None:
                raise Refused(-32602, f"No such step: {sorted(step)}")
            self._verbs[verb](step[verb], step)
            if self._stop is not None:
                return self._stop
        return "end_turn"

    def play_default(self, prompt: str) -> str:
        """Reads, plans, asks, adds a note to the file that the prompt is about, and says so."""
        path, line = file_in(prompt, self._cwd)
        target = path or "NOTES.md"
        title = title_of(prompt)
        where = f"{target}:{line}" if line else target
        self._say("agent_message_chunk", f"I will look at {where} and add what was asked for.\n")
        steps = [f"Look at {target}", f"Add it to {target}", "Look at what changed"]
        self._plan([[steps[0], "in_progress"], [steps[1], "pending"], [steps[2], "pending"]])
        if path is not None:
            self._read(path, {})
        self._plan([[steps[0], "completed"], [steps[1], "in_progress"], [steps[2], "pending"]])
        old = _content(self._full(target))
        new = old + ("" if not old or old.endswith("\n") else "\n") + note(target, title)
        if self._mode == "plan":
            self._say("agent_message_chunk", f"In plan mode nothing is written to {target}.")
            return "end_turn"
        step = {"text": new, "ask": self._mode == "ask"}
        if not self._write(target, step):
            self._say("agent_message_chunk", f"Nothing was written to {target}.")
            return "end_turn"
        self._plan([[steps[0], "completed"], [steps[1], "completed"], [steps[2], "in_progress"]])
        self._shell("git status --short", {})
        self._plan([[step_, "completed"] for step_ in steps])
        self._say("agent_message_chunk", f"Added “{title}” to {target}.")
        return "end_turn"

    def _full(self, path: str) -> Path:
        return Path(self._cwd, path)

    def _update(self, update: Any) -> None:
        params = {"sessionId": self._session_id, "update": update}
        self._link.send({"method": "session/update", "params": params})

    def _say(self, kind: str, text: Any) -> None:
        said = str(text)
        self.said += len(said)
        for start in range(0, len(said), CHUNK):
            block = {"type": "text", "text": said[start : start + CHUNK]}
            self._update({"sessionUpdate": kind, "content": block})

    def _plan(self, items: list[Any]) -> None:
        pairs = [item if isinstance(item, list) else [item, "pending"] for item in items]
        entries = [{"content": c, "priority": "medium", "status": s} for c, s in pairs]
        self._update({"sessionUpdate": "plan", "entries": entries})

    def _tool(self, kind: str, title: str, **more: Any) -> str:
        self._tools += 1
        tool_call_id = f"call-{self._tools}-{os.urandom(3).hex()}"
        first = {"sessionUpdate": "tool_call", "toolCallId": tool_call_id, "title": title}
        self._update({**first, "kind": kind, "status": "pending", **more})
        return tool_call_id

    def _tool_is(self, tool_call_id: str, status: str, **more: Any) -> None:
        update = {"sessionUpdate": "tool_call_update", "toolCallId": tool_call_id}
        self._update({**update, "status": status, **more})

    def _ask(self, tool_call_id: str, title: str) -> bool:
        """Whether the person allows it."""
        options = [{"optionId": i, "kind": kind, "name": name} for i, kind, name in OPTIONS]
        params = {
            "sessionId": self._session_id,
            "toolCall": {"toolCallId": tool_call_id, "title": title, "status": "pending"},
            "options": options,
        }
        reply = self._link.request("session/request_permission", params)
        outcome = (reply.get("result") or {}).get("outcome") or {}
        if outcome.get("outcome") != "selected":
            raise Cancelled
        return outcome.get("optionId") in ("allow", "always")

    def _allowed(self, tool_call_id: str, title: str, step: Step) -> bool:
        if step.get("ask") and not self._ask(tool_call_id, title):
            self._tool_is(tool_call_id, "failed")
            return False
        self._tool_is(tool_call_id, "in_progress")
        return True

    def _ask_alone(self, title: str, step: Step) -> None:
        tool_call_id = self._tool(step.get("kind", "other"), title)
        allowed = self._ask(tool_call_id, title)
        self._tool_is(tool_call_id, "completed" if allowed else "failed")

    def _write(self, path: str, step: Step) -> bool:
        text = str(step.get("text", ""))
        return self._change(path, None, text, step)

    def _edit(self, path: str, step: Step) -> None:
        old, new = str(step.get("old", "")), str(step.get("new", ""))
        content = _content(self._full(path))
        if old not in content:
            raise Refused(-32603, f"{path} does not contain {old!r}")
        self._change(path, old, content.replace(old, new, 1), {**step, "shown": new})

    def _change(self, path: str, old: str | None, content: str, step: Step) -> bool:
        full = self._full(path)
        shown_old = (_content(full) or None) if old is None else old
        shown_new = step.get("shown", content)
        diff = {"type": "diff", "path": str(full), "oldText": shown_old, "newText": shown_new}
        title = f"{'Write' if old is None else 'Edit'} {path}"
        tool_call_id = self._tool("edit", title, content=[diff], locations=[{"path": str(full)}])
        if not self._allowed(tool_call_id, title, step):
            return False
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(content, encoding="utf-8")
        self._tool_is(tool_call_id, "completed")
        return True

    def _read(self, path: str, _step: Step) -> None:
        full = self._full(path)
        tool_call_id = self._tool("read", f"Read {path}", locations=[{"path": str(full)}])
        text = {"type": "content", "content": {"type": "text", "text": _content(full)[:4000]}}
        self._tool_is(tool_call_id, "completed", content=[text])

    def _shell(self, command: str, step: Step) -> None:
        import subprocess

        raw = {"command": command, "cwd": self._cwd}
        tool_call_id = self._tool("execute", command, rawInput=raw)
        if not self._allowed(tool_call_id, command, step):
            return
        # Like the tools of real agents: in a session of its own, out of reach of our group.
        with subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if step.get("leave") else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as child:
            if step.get("leave"):
                child.returncode = 0
                self._tool_is(tool_call_id, "completed")
                return
            output = self._output(child)
            code = child.wait()
        text = {"type": "content", "content": {"type": "text", "text": output}}
        status = "completed" if code == 0 else "failed"
        self._tool_is(tool_call_id, status, content=[text], rawOutput={"exit_code": code})

    def _output(self, child: Any) -> str:
        """What it prints until it ends; it is killed when the turn is cancelled."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                if self._link.cancelled.is_set():
                    os.killpg(child.pid, signal.SIGKILL)
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        output = child.stdout.read().decode("utf-8", "replace")
        over.set()
        watcher.join()
        if self._link.cancelled.is_set():
            raise Cancelled
        return str(output)

    def _wait(self, seconds: float) -> None:
        if self._link.cancelled.wait(seconds):
            raise Cancelled

    def _until(self, path: str, _step: Step) -> None:
        """Until that file is there."""
        while not self._full(path).exists():
            self._wait(0.02)

    def _flood(self, count: int, step: Step) -> None:
        """So many lines as parts of one message, as fast as they go or with a pause after each."""
        pause = step.get("pause", 0)
        text = step.get("text", "line")
        for number in range(1, count + 1):
            self._say_whole(f"{text} {number}\n")
            if pause:
                self._wait(pause)
            elif self._link.cancelled.is_set():
                raise Cancelled

    def _say_whole(self, text: str) -> None:
        self.said += len(text)
        block = {"type": "text", "text": text}
        self._update({"sessionUpdate": "agent_message_chunk", "content": block})

    def _request(self, request: Step) -> None:
        """Any request to the client; its answer is told as a message."""
        reply = self._link.request(str(request.get("method")), request.get("params") or {})
        said = reply.get("error", {}).get("code") if "error" in reply else "ok"
        self._say("agent_message_chunk", f"answer: {said}\n")

    def _error(self, error: Step, _step: Step) -> None:
        raise Refused(int(error.get("code", -32603)), str(error.get("message", "Internal error")))

    def _hang(self, how: Any, _step: Step) -> None:
        """true: until cancelled; "deaf": until SIGTERM; "stubborn": until SIGKILL."""
        if how == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            if how not in ("deaf", "stubborn") and self._link.cancelled.wait(0.5):
                raise Cancelled
            time.sleep(0.1)

    def _stop_with(self, reason: str, _step: Step) -> None:
        self._stop = reason


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def file_in(prompt: str, cwd: str) -> tuple[str | None, int | None]:
    """The first `path:line`, else the first path, that names a file in the folder."""
    for marks in "()[]<>`'\"“”,;":
        prompt = prompt.replace(marks, " ")
    found: str | None = None
    for word in prompt.split():
        path, _, line = word.rstrip(".:").partition(":")
        inside = not path.startswith("/") and ".." not in path.split("/")
        if not path or not inside or not Path(cwd, path).is_file():
            continue
        number = line.partition(":")[0].partition("-")[0]
        if number.isdigit():
            return path, int(number)
        found = found or path
    return found, None


def title_of(prompt: str) -> str:
    """The first line of the prompt that says something."""
    lines = (line.strip(" #*-\t") for line in prompt.splitlines())
    return next((line for line in lines if line), "a note")[:80]


def note(path: str, title: str) -> str:
    """A line for the end of that file, as a comment where we know how."""
    return f"{COMMENTS.get(Path(path).suffix.lower(), '')}{title}\n"
