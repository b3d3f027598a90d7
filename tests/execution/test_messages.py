"""Messages to a child: journaled before they are sent, sent once, whole and in their order."""

import asyncio
import json
import os
import signal
import zlib
from pathlib import Path

import pytest

from branchwork.domain.errors import InvalidInput
from branchwork.execution import exits, journal
from branchwork.execution.attach import Attachment, InputClosed, ShimGone
from branchwork.execution.spawn import socket_path
from support import shell
from support.executions import Executions, events, shim_file, until, whole

ECHO = "import sys\nfor line in sys.stdin: print('got', line.strip())"


def sent(directory: Path) -> list[tuple[str | None, str | bytes]]:
    joiner = journal.Joiner()
    joined = [joiner.add(record) for record in journal.read(directory)]
    return [(record.message_id, record.data) for record in joined if record and record.message_id]


async def over(attachment: Attachment) -> None:
    assert await attachment.wait_over(60)
    await attachment.close()


async def test_a_message_is_journaled_and_reaches_the_child(executions: Executions) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    attachment = await executions.attach(directory)
    seq = await attachment.send("m1", b"secret words\n", "words")
    await attachment.close_input()
    await over(attachment)
    (record,) = [record for record in journal.read(directory) if record.stream == "i"]
    assert (record.seq, record.message_id, record.data) == (seq, "m1", "words")
    assert whole(directory, "o") == ["got secret words"]
    assert events(directory, "closed")


async def test_the_same_message_is_sent_once(executions: Executions) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    first = await executions.attach(directory)
    seq = await first.send("m1", b"one\n", "one")
    assert await first.send("m1", b"one\n", "one") == seq
    # As the next daemon would, while the old connection is still there.
    second = await executions.attach(directory)
    assert await second.send("m1", b"one\n", "one") == seq
    assert await second.send("m2", b"two\n", "two") > seq
    await second.close_input()
    await over(second)
    await first.close()
    assert sent(directory) == [("m1", "one"), ("m2", "two")]
    assert whole(directory, "o") == ["got one", "got two"]


async def test_two_senders_of_one_message_share_its_answer(executions: Executions) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    attachment = await executions.attach(directory)
    seqs = await asyncio.gather(*(attachment.send("m", b"x\n", "x") for _ in range(5)))
    await attachment.close_input()
    await over(attachment)
    assert len(set(seqs)) == 1
    assert whole(directory, "o") == ["got x"]


async def test_messages_keep_their_order_and_their_bytes(executions: Executions) -> None:
    """Larger than any pipe, to a child that reads late."""
    code = """
import sys, time, zlib
while True:
    head = sys.stdin.buffer.readline()
    if not head:
        break
    body = sys.stdin.buffer.read(int(head))
    print(len(body), zlib.crc32(body))
"""
    directory = executions.start(executions.python(code, kind="agent"))
    attachment = await executions.attach(directory)
    bodies = [bytes([n]) * (300_000 + n) for n in range(20)]
    frames = [b"%d\n%s" % (len(body), body) for body in bodies]
    jobs = [attachment.send(f"m{n}", frame, f"{n}") for n, frame in enumerate(frames)]
    seqs = await asyncio.gather(*jobs)
    assert seqs == sorted(seqs)
    await attachment.close_input()
    await over(attachment)
    assert whole(directory, "o") == [f"{len(body)} {zlib.crc32(body)}" for body in bodies]
    assert sent(directory) == [(f"m{n}", f"{n}") for n in range(20)]


async def test_what_is_shown_may_be_long_and_of_any_character(executions: Executions) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    attachment = await executions.attach(directory)
    shown = json.dumps({"text": "zwölf 🦆\n" * 40_000}, ensure_ascii=False)
    seq = await attachment.send("long", b"x\n", shown)
    await attachment.close_input()
    await over(attachment)
    assert sent(directory) == [("long", shown)]
    last = [record.seq for record in journal.read(directory) if record.message_id == "long"][-1]
    assert seq == last


async def test_after_the_end_of_input_nothing_is_sent(executions: Executions) -> None:
    directory = executions.start(executions.python("import time; time.sleep(600)", kind="agent"))
    attachment = await executions.attach(directory)
    await attachment.close_input()
    with pytest.raises(InputClosed):
        await attachment.send("m1", b"late\n", "late")
    assert sent(directory) == []
    await attachment.close()


async def test_a_script_takes_no_message(executions: Executions) -> None:
    directory = executions.start(executions.spec("sleep", "600"))
    attachment = await executions.attach(directory)
    with pytest.raises(InputClosed):
        await attachment.send("m1", b"x\n", "x")
    await attachment.close()


async def test_a_child_that_reads_no_more_does_no_harm(executions: Executions) -> None:
    code = "import os, time; os.close(0); print('closed'); time.sleep(600)"
    directory = executions.start(executions.python(code, kind="agent"))
    attachment = await executions.attach(directory)
    await asyncio.to_thread(until, lambda: whole(directory, "o") == ["closed"])
    await attachment.send("m1", b"x\n", "x")
    with pytest.raises(InputClosed):
        await attachment.send("m2", b"x\n", "x")
    await attachment.signal("KILL")
    await over(attachment)


async def test_a_message_to_a_dead_shim(executions: Executions) -> None:
    spec = executions.python("import time\ntime.sleep(600)", kind="agent")
    directory = executions.start(spec)
    attachment = await executions.attach(directory)
    os.kill(shim_file(directory)["shim"], signal.SIGKILL)
    assert await attachment.wait_over(60)
    with pytest.raises(ShimGone):
        await attachment.send("m1", b"x\n", "x")
    assert not await attachment.wait()
    await attachment.close()


@pytest.mark.parametrize("wrong", ["", " ", "a b", "a\n", "ü"])
async def test_a_message_id_that_can_not_be_one(executions: Executions, wrong: str) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    attachment = await executions.attach(directory)
    with pytest.raises(InvalidInput):
        await attachment.send(wrong, b"x\n", "x")
    await attachment.close()


async def test_signals_reach_the_group_and_the_journal(executions: Executions) -> None:
    loop = f"while {shell.while_tested()}; do sleep 0.05; done"
    code = f"trap 'echo heard; exit 9' TERM; echo ready; {loop}"
    directory = executions.start(executions.spec("sh", "-c", code))
    attachment = await executions.attach(directory)
    await asyncio.to_thread(until, lambda: whole(directory, "o") == ["ready"])
    await attachment.signal("TERM")
    await over(attachment)
    ended = exits.read(directory)
    assert ended is not None
    assert ended.code == 9
    assert whole(directory, "o") == ["ready", "heard"]
    assert [event.details for event in events(directory, "signal")] == [{"name": "TERM"}]


async def test_signals_to_the_shim_itself_change_nothing(executions: Executions) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    attachment = await executions.attach(directory)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        os.kill(shim_file(directory)["shim"], number)
    await attachment.send("m1", b"still here\n", "x")
    await attachment.close_input()
    await over(attachment)
    assert whole(directory, "o") == ["got still here"]


async def test_words_of_a_newer_daemon_mean_no_harm(executions: Executions) -> None:
    directory = executions.start(executions.python(ECHO, kind="agent"))
    path = socket_path(directory, executions.run)
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(b"Z 1 2 3\n\xff\xfe\nI only\nI m %%% %%%\nS HUP\nI half a line")
    await writer.drain()
    writer.close()
    attachment = await executions.attach(directory)
    await attachment.send("m1", b"fine\n", "fine")
    await attachment.close_input()
    await over(attachment)
    assert whole(directory, "o") == ["got fine"]
    assert sent(directory) == [("m1", "fine")]


async def test_what_a_dead_daemon_left_is_in_the_journal_first(executions: Executions) -> None:
    """The next daemon numbers its requests by the journal, so it must not see too little."""
    directory = executions.start(executions.python(ECHO, kind="agent"))
    path = socket_path(directory, executions.run)
    reader, writer = await asyncio.open_unix_connection(path)
    assert (await reader.readline()).endswith(b" 1\n")
    shim = shim_file(directory)["shim"]
    os.kill(shim, signal.SIGSTOP)
    writer.write(b"I m1 b25lCg== b25l\nI m2 dHdvCg== dHdv\nI m3 half")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    next_reader, next_writer = await asyncio.open_unix_connection(path)
    os.kill(shim, signal.SIGCONT)
    assert (await next_reader.readline()).endswith(b" 3\n")
    assert sent(directory) == [("m1", "one"), ("m2", "two")]
    next_writer.close()
