"""The line that opens a connection: who is there, and whether both speak the same version."""

import asyncio
import logging
from pathlib import Path

from branchwork import endpoint
from branchwork.lsp.connection import Peer

logger = logging.getLogger(__name__)

_SECONDS = 60


async def receive(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: str
) -> Peer | None:
    """The peer behind a valid line; anybody else is refused."""
    try:
        async with asyncio.timeout(_SECONDS):
            line = await reader.readuntil(b"\n")
        peer = _peer(endpoint.decode_line(line))
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
        # Somebody who only looked whether anybody is here.
        return None
    except (asyncio.LimitOverrunError, ValueError) as error:
        # Not the line itself: it may hold an environment.
        logger.warning("A connection without a handshake: %s", type(error).__name__)
        peer = None
    writer.write(endpoint.encode_refusal() if peer is None else endpoint.encode_welcome(version))
    return peer


def _peer(hello: dict[str, object]) -> Peer | None:
    speaks, pid, cwd, env = (hello.get(name) for name in ("branchwork", "pid", "cwd", "env"))
    if speaks != endpoint.PROTOCOL:
        logger.warning("A client speaks protocol %s", speaks)
        return None
    return Peer(
        pid=pid if isinstance(pid, int) else 0,
        again=hello.get("again") is True,
        cwd=Path(cwd if isinstance(cwd, str) else "/"),
        environment={str(name): str(value) for name, value in env.items()}
        if isinstance(env, dict)
        else {},
    )
