"""`branchwork doctor`: what is wrong here, and what to do about it."""

import argparse
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

import msgspec

from branchwork import endpoint
from branchwork.cli.terminal import DIM, GREEN, RED, YELLOW, Terminal
from branchwork.client import stream
from branchwork.client.connection import Connection
from branchwork.client.editor import Editor
from branchwork.client.errors import ClientError
from branchwork.protocol import daemon
from branchwork.protocol.daemon import (
    Check,
    CheckStatus,
    DaemonDoctorParams,
    DaemonDoctorResult,
)

MARKS = {
    CheckStatus.OK: ("ok", GREEN),
    CheckStatus.INFO: ("info", DIM),
    CheckStatus.WARNING: ("warning", YELLOW),
    CheckStatus.ERROR: ("error", RED),
}


def run(argv: list[str]) -> int:
    """Look at all that Branchwork needs here. The exit code is 1 where something does not work."""
    parser = argparse.ArgumentParser(prog="branchwork doctor", description=run.__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(argv)
    # A terminal that lacks a character gets a question mark, and no traceback.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    data = endpoint.data_folder()
    try:
        result = _ask(data)
    except ClientError as error:
        _say_why_not(data, str(error))
        return 1
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        _show(Terminal(sys.stdout), result.checks)
    return 1 if any(check.status is CheckStatus.ERROR for check in result.checks) else 0


def _ask(data: str) -> DaemonDoctorResult:
    """Of the daemon, started where there is none: what it can't do, an editor's can't either."""
    connection = Connection(stream.of_daemon(data))
    try:
        Editor(connection, Path.cwd(), "branchwork doctor").initialize()
        return connection.request(daemon.DOCTOR, DaemonDoctorParams())
    finally:
        connection.close()


def _say_why_not(data: str, why: str) -> None:
    # What the daemon left says more than that there is none.
    print(endpoint.last_error(data) or why, file=sys.stderr)
    print("Nothing else could be looked at.", file=sys.stderr)
    logs = [Path(data, "log", name) for name in ("daemon.log", "daemon.stderr")]
    if found := [str(log) for log in logs if log.exists()]:
        print(f"What the daemon said is in {' and '.join(found)}", file=sys.stderr)


def _show(terminal: Terminal, checks: list[Check]) -> None:
    for group, found in groupby(checks, lambda check: check.group):
        terminal.heading(group)
        for check in found:
            mark, colour = MARKS[check.status]
            terminal.item(mark, colour, check.sentence)
            if check.advice is not None:
                terminal.item("", "", check.advice)
    terminal.heading(_sum(checks))


def _sum(checks: list[Check]) -> str:
    count = Counter(check.status for check in checks)
    errors, warnings = count[CheckStatus.ERROR], count[CheckStatus.WARNING]
    parts = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    return ", ".join(parts) or "Nothing is wrong."
