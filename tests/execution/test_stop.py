"""Ending executions: the ladder, and everything that has left the group."""

import asyncio
import os
import subprocess
import sys

import pytest

from branchwork.execution import exits, stop
from branchwork.execution.attach import Lost, status
from support import shell
from support.executions import Executions, events, shim_file, until, whole

DEEP = """
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        if '--deaf' in sys.argv:
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print('daemon', os.getpid())
        time.sleep(600)
    os._exit(0)
print('child', os.getpid())
"""


async def test_end_of_input_is_enough_for_the_polite(executions: Executions) -> None:
    spec = executions.python("import sys; sys.stdin.read(); print('bye')", kind="agent")
    directory = executions.start(spec)
    attachment = await executions.attach(directory)
    assert await stop.stop(attachment, spec.tag) == []
    assert whole(directory, "o") == ["bye"]
    assert events(directory, "signal") == []
    ended = exits.read(directory)
    assert ended is not None
    assert ended.code == 0
    await attachment.close()


async def test_then_term_then_kill(executions: Executions) -> None:
    loop = f"while {shell.while_tested()}; do sleep 0.05; done"
    code = f"trap 'echo no' TERM INT; echo up; {loop}"
    spec = executions.spec("sh", "-c", code, kind="agent")
    directory = executions.start(spec)
    attachment = await executions.attach(directory)
    await asyncio.to_thread(until, lambda: whole(directory, "o") == ["up"])
    assert await stop.stop(attachment, spec.tag, patience=0.3) == []
    assert await attachment.wait_over(60)
    assert [event.details["name"] for event in events(directory, "signal")] == ["TERM", "KILL"]
    ended = exits.read(directory)
    assert ended is not None
    assert ended.signal == 9
    await attachment.close()


@pytest.mark.parametrize("deaf", ["", "--deaf"])
def test_what_left_the_group_is_reaped_by_its_tag(executions: Executions, deaf: str) -> None:
    spec = executions.spec(sys.executable, "-u", "-c", DEEP, deaf, grace_seconds=0.1)
    directory = executions.finish(spec)
    until(lambda: len(whole(directory, "o")) == 2)
    assert len(stop.tagged(spec.tag)) == 1
    assert stop.reap(spec.tag, patience=0.3) == []
    assert stop.tagged(spec.tag) == []


def test_what_forks_while_it_is_ended_does_not_get_away(executions: Executions) -> None:
    code = """
import os, time
# Not for ever, also where the test is killed.
end = time.monotonic() + 60
while time.monotonic() < end:
    if os.fork() == 0:
        os.setsid()
        time.sleep(0.005)
    else:
        os._exit(0)
"""
    spec = executions.python(code, grace_seconds=0.1)
    executions.finish(spec)
    assert stop.reap(spec.tag, patience=5) == []
    assert stop.tagged(spec.tag) == []


def test_others_are_left_alone(executions: Executions) -> None:
    one, other = executions.spec("sleep", "600"), executions.spec("sleep", "600")
    executions.start(one)
    executions.start(other)
    assert stop.reap(one.tag) == []
    assert len(stop.tagged(other.tag)) == 1
    assert stop.reap(one.tag[:-1]) == [], "the beginning of a tag is another tag"
    assert len(stop.tagged(other.tag)) == 1


def test_the_caller_is_never_among_them() -> None:
    code = "import os; from branchwork.execution import stop; print(stop.reap('me'), os.getpid())"
    env = {**os.environ, "BRANCHWORK_EXECUTION": "me"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stdout.startswith(b"[] ")


def test_the_group_of_a_lost_child_is_ended(executions: Executions) -> None:
    """Even where a process hides its environment."""
    spec = executions.spec("env", "-i", "sleep", "600")
    directory = executions.start(spec)
    until(lambda: stop.tagged(spec.tag) == [])
    os.kill(shim_file(directory)["shim"], 9)
    lost = until(lambda: found if isinstance(found := status(directory), Lost) else None)
    assert lost.child is not None
    assert stop.reap(spec.tag, orphan=lost.child) == []
    until(lambda: status(directory) == Lost())


async def test_a_script_is_not_asked_by_an_end_of_input(executions: Executions) -> None:
    spec = executions.spec("sleep", "600")
    directory = executions.start(spec)
    attachment = await executions.attach(directory)
    assert await stop.stop(attachment, spec.tag) == []
    assert events(directory, "closed") == []
    assert len(events(directory, "signal")) == 1
    await attachment.close()
