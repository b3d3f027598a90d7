"""`branchwork daemon`: run it in the foreground, stop it, look at it."""

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict

from branchwork import endpoint
from branchwork.daemon import lock

_STOP_SECONDS = 60


def run(argv: list[str]) -> int:
    """The one process behind all editors. Editors start it by themselves."""
    parser = argparse.ArgumentParser(prog="branchwork daemon", description=run.__doc__)
    verbs = parser.add_subparsers(required=True, metavar="run|stop|status")
    verbs.add_parser("run", help="be the daemon, in the foreground").set_defaults(act=_run)
    stop = verbs.add_parser("stop", help="end the daemon; agents go on, and an editor starts it")
    stop.set_defaults(act=_stop)
    status = verbs.add_parser("status", help="say whether it runs; exit code 3 where it does not")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(act=_status)
    options = parser.parse_args(argv)
    try:
        return int(options.act(options))
    except endpoint.DataFolderUnusable as error:
        print(error, file=sys.stderr)
        return 1


def _run(_: argparse.Namespace) -> int:
    from branchwork.daemon.main import run as be_the_daemon

    data = endpoint.data_folder()
    endpoint.clear_stopped(data)
    found = lock.holder(data)
    if found is not None:
        print(f"There is a daemon already: process {found.pid}.", file=sys.stderr)
        return 1
    return be_the_daemon([])


def _stop(_: argparse.Namespace) -> int:
    data = endpoint.data_folder()
    found = lock.holder(data)
    if found is None:
        print("No daemon runs.")
        return 0
    if not lock.is_alive(found):
        print(f"The daemon runs on another machine: {found.host}.", file=sys.stderr)
        return 1
    endpoint.mark_stopped(data)
    os.kill(found.pid, signal.SIGTERM)
    if not lock.wait_until_free(data, _STOP_SECONDS):
        print(f"The daemon, process {found.pid}, has not ended yet.", file=sys.stderr)
        return 1
    print("The daemon has ended. What agents were doing goes on; an editor starts it again.")
    return 0


def _status(options: argparse.Namespace) -> int:
    data = endpoint.data_folder()
    found = lock.holder(data)
    if options.json:
        print(json.dumps({"data": data, "daemon": None if found is None else asdict(found)}))
    elif found is None:
        print(f"No daemon runs for {data}.")
    else:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found.since))
        print(f"Version {found.version}, process {found.pid}, since {since}, for {data}.")
    return 3 if found is None else 0
