"""One command, waited for, with a limit of time."""

import os
import threading

import pytest

from branchwork.execution import stop, supervised
from branchwork.execution.attach import ShimGone
from support.executions import Executions, shim_file, until


def test_its_end_and_its_output(executions: Executions) -> None:
    spec = executions.spec("sh", "-c", "echo out; echo err >&2; printf 'no end'; exit 4")
    finished = supervised.run(executions.folder(), spec, executions.run, 60)
    assert finished.exit.code == 4
    assert finished.stdout == b"out\nno end\n"
    assert finished.stderr == b"err\n"


def test_the_end_is_told_and_not_only_looked_for(
    executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "POLL_SECONDS", 3600.0)
    for command in "true", "sleep 0.2":
        spec = executions.spec("sh", "-c", command, daemon_argv=["false"])
        assert supervised.run(executions.folder(), spec, executions.run, 600).exit.code == 0


def test_the_last_mebibyte_of_much_is_kept(executions: Executions) -> None:
    code = """
import sys
for n in range(300_000): print('line', n, '.' * 40)
print('bytes', file=sys.stderr)
"""
    finished = supervised.run(executions.folder(), executions.python(code), executions.run, 60)
    assert len(finished.stdout) <= supervised.KEPT_BYTES
    lines = finished.stdout.split(b"\n")
    assert lines[-2] == b"line 299999 " + b"." * 40
    first = int(lines[1].split()[1])
    assert [int(line.split()[1]) for line in lines[1:-1]] == list(range(first, 300_000))
    assert len(finished.stdout) > supervised.KEPT_BYTES - 200


def test_a_shim_that_is_killed_as_soon_as_its_child_runs(executions: Executions) -> None:
    """Before it could say that it is ready, or after: what it ran may go on."""
    spec = executions.spec("sh", "-c", "kill -9 $PPID")
    for _ in range(20):
        with pytest.raises(ShimGone):
            supervised.run(executions.folder(), spec, executions.run, 60)


def test_what_takes_too_long_is_ended_with_all_that_it_started(executions: Executions) -> None:
    spec = executions.spec("sh", "-c", "setsid sleep 600 & sleep 600")
    with pytest.raises(supervised.TookTooLong) as caught:
        supervised.run(executions.folder(), spec, executions.run, 0.5)
    assert "longer than 0.5 seconds" in caught.value.sentence
    assert stop.tagged(spec.tag) == []


def test_a_shim_that_is_killed_is_an_error(executions: Executions) -> None:
    spec = executions.spec("sleep", "600")
    directory = executions.start(spec)
    raised: list[Exception] = []

    def wait() -> None:
        try:
            supervised.wait(directory, spec.tag, executions.run, 60)
        except ShimGone as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    os.kill(shim_file(directory)["shim"], 9)
    waiting.join(60)
    assert raised


def test_waiting_for_one_that_a_dead_daemon_started(executions: Executions) -> None:
    spec = executions.spec("sh", "-c", "sleep 0.3; echo done", daemon_argv=["false"])
    directory = executions.start(spec)
    finished = supervised.wait(directory, spec.tag, executions.run, 60)
    assert finished.stdout == b"done\n"
    until(lambda: not list(executions.run.iterdir()))
    again = supervised.wait(directory, spec.tag, executions.run, 60)
    assert again == finished


def test_many_at_once(executions: Executions) -> None:
    done: list[bytes] = []

    def run(n: int) -> None:
        spec = executions.spec("echo", str(n))
        finished = supervised.run(executions.folder(), spec, executions.run, 60)
        done.append(finished.stdout)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(b"%d\n" % n for n in range(12))
