"""The daemon's process from its first line to its last; heavy imports only where they can fail."""

import faulthandler
import os
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from branchwork import endpoint

if TYPE_CHECKING:
    from branchwork.daemon.listener import Bound
    from branchwork.daemon.wiring import Build

_LOCK_SECONDS = 60


class _AnotherServes(Exception):
    """There is a daemon already: this one has nothing to do."""


def main() -> None:
    """The arguments, if any: the listening socket's file descriptor, and which file it is."""
    sys.exit(run(sys.argv[1:]))


def run(given: list[str], build: "Build | None" = None) -> int:
    """Be the daemon of the data folder, until there is nothing left to do. Gives the exit code."""
    os.umask(0o077)
    _reduce_environment()
    faulthandler.enable()
    data = endpoint.data_folder()
    try:
        _serve(data, given, build)
    except _AnotherServes:
        return 0
    except endpoint.DataFolderUnusable as error:
        print(error, file=sys.stderr)
        _leave_sentence(data, str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, the editors have to be told
        return _leave_word(data, error)
    return 0


def _serve(data: str, given: list[str], build: "Build | None") -> None:
    from branchwork.daemon import log, state_dir

    state_dir.prepare(data)
    log.set_up(data)
    bound = _become_the_one(data, given)
    # From here on it takes half a second; editors wait in the backlog.
    import asyncio

    from branchwork import config
    from branchwork.daemon import serving, wiring

    work = serving.run(config.read(), bound, build or wiring.build)
    asyncio.new_event_loop().run_until_complete(work)
    _leave()


def _leave() -> NoReturn:
    """At once: a thread may wait for git, which goes on under its shim until the next daemon."""
    import logging

    logging.shutdown()
    os._exit(0)


def _become_the_one(data: str, given: list[str]) -> "Bound":
    """The daemon lock and a listening socket; raises _AnotherServes where there is one already."""
    from branchwork.daemon import listener
    from branchwork.daemon.lock import DaemonLock

    lock = DaemonLock(data)
    bound = listener.adopt(int(given[0]), given[1]) if given else None
    deadline = time.monotonic() + _LOCK_SECONDS
    while not lock.take():
        # A daemon that ends needs a moment; one that lives takes its socket's place back.
        lost = bound is not None and listener.file_of(data) != bound.file
        if lost or (bound is None and _somebody_listens(data)) or time.monotonic() > deadline:
            raise _AnotherServes
        time.sleep(0.05)
    return bound or _bind(data)


def _somebody_listens(data: str) -> bool:
    connection = endpoint.connect(endpoint.socket_path(data))
    if connection is not None:
        connection.close()
    return connection is not None


def _bind(data: str) -> "Bound":
    from branchwork.daemon import listener

    with endpoint.start_lock(data):
        if _somebody_listens(data):
            raise _AnotherServes
        return listener.bind(data)


def _reduce_environment() -> None:
    kept = endpoint.daemon_environment(os.environ)
    for name in set(os.environ) - set(kept):
        del os.environ[name]


def _leave_sentence(data: str, sentence: str) -> None:
    """For the proxies; where that can't be written they find out by themselves."""
    import contextlib

    with contextlib.suppress(endpoint.DataFolderUnusable, OSError):
        endpoint.write_last_error(data, sentence)


def _leave_word(data: str, error: Exception) -> int:
    """For the proxies, which show it to the person, and for the log."""
    import logging

    logging.getLogger(__name__).exception("The daemon can't go on")
    endpoint.write_last_error(
        data,
        f"The Branchwork daemon could not start: {type(error).__name__}: {error}. "
        f"See {os.path.join(data, 'log', 'daemon.log')}",  # noqa: PTH118
    )
    return 1
