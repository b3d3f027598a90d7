"""A daemon with a few methods for tests, as a program: `python odd_daemon.py [LISTENER FILE]`.

BRANCHWORK_TEST_MODE makes it misbehave at its start.
"""

import asyncio
import os
import sys
from typing import Any

from branchwork.config import Config
from branchwork.daemon.main import run
from branchwork.daemon.wiring import Assembly
from branchwork.domain.errors import StorageFailed
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from branchwork.protocol.struct import Struct


class Given(Struct, frozen=True, kw_only=True):
    text: str = ""
    number: int = 0


async def echo(ls: EditorConnection, params: Given) -> dict[str, Any]:
    return {"text": params.text, "pid": os.getpid()}


async def wait(ls: EditorConnection, params: Given) -> None:
    ls.notify("test/waiting", {})
    await asyncio.Event().wait()


async def ask(ls: EditorConnection, params: Given) -> Any:
    return await ls.ask("test/question", {"text": params.text})


async def who(ls: EditorConnection, params: Given) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "own": dict(os.environ),
        "environment": dict(ls.environment),
        "cwd": str(ls.peer.cwd),
        "client": ls.peer.pid,
        "roots": [str(root) for root in ls.roots],
        "received": ls.app,
    }


async def flood(ls: EditorConnection, params: Given) -> dict[str, int]:
    body = b'{"jsonrpc":"2.0","method":"test/flood","params":"' + b"x" * 50_000 + b'"}'
    for _ in range(params.number):
        await ls.send_raw(body)
    return {"sent": params.number}


async def die(ls: EditorConnection, params: Given) -> None:
    os._exit(9)


async def be_busy(ls: EditorConnection, params: Given) -> dict[str, bool]:
    ls.app["busy"] = bool(params.number)
    return {"busy": ls.app["busy"]}


async def hang(ls: EditorConnection, params: Given) -> None:
    """The next `initialize` gets no answer."""
    ls.app["hang"] = True


async def initialize(ls: EditorConnection, params: Any) -> None:
    if ls.app.pop("hang", False):
        ls.app["hanging"] = True
        await asyncio.Event().wait()


def initialized(ls: EditorConnection, params: Any) -> None:
    ls.app["initialized"] = ls.app.get("initialized", 0) + 1


async def build(config: Config) -> Assembly:
    mode = os.environ.get("BRANCHWORK_TEST_MODE")
    if mode == "storage":
        raise StorageFailed("The database is broken. Run `branchwork doctor`.")
    if mode == "broken":
        raise RuntimeError("no such thing")
    features = Features()
    for handler in (echo, wait, ask, who, flood, die, be_busy, hang):
        features.request(f"test/{handler.__name__}", Given, handler)
    features.standard("initialized", initialized)
    features.standard("initialize", die if mode == "dies" else initialize)
    app: dict[str, Any] = {}
    return Assembly(app=app, features=features, busy=lambda: bool(app.get("busy")))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], build))
