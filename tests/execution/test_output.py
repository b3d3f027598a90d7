"""What a child prints and how it ends, through a real shim."""

import signal
from itertools import pairwise
from pathlib import Path

import pytest

from branchwork.domain.errors import Conflict, InvalidInput
from branchwork.execution import exits, journal, layout, segments, spawn
from branchwork.execution.attach import Ended, status
from support.executions import Executions, events, sequence, until, whole

EVERY_BYTE = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 50)"


def test_every_byte_comes_back(executions: Executions) -> None:
    directory = executions.finish(executions.python(EVERY_BYTE))
    lines = [line if isinstance(line, bytes) else line.encode() for line in whole(directory, "o")]
    assert b"\n".join(lines) == bytes(range(256)) * 50


def test_a_line_of_three_megabytes_is_one_line(executions: Executions) -> None:
    code = "print('ä' * 1_500_000); print('next')"
    directory = executions.finish(executions.python(code))
    assert whole(directory, "o") == ["ä" * 1_500_000, "next"]
    parts = [record for record in journal.read(directory) if record.more]
    assert len(parts) > 40
    assert all(isinstance(part.data, str) for part in parts), "a character was cut in two"


def test_a_line_of_exactly_one_part_is_not_split(executions: Executions) -> None:
    code = f"print('x' * {layout.PART_BYTES}); print('x' * {layout.PART_BYTES + 1})"
    directory = executions.finish(executions.python(code))
    more = [record.more for record in journal.read(directory) if record.stream == "o"]
    assert more == [False, True, False]


def test_both_streams_keep_their_order(executions: Executions) -> None:
    code = """
import sys
for n in range(5000):
    print('out', n, '🦆')
    print('err', n, 'ß', file=sys.stderr)
"""
    directory = executions.finish(executions.python(code))
    assert whole(directory, "o") == [f"out {n} 🦆" for n in range(5000)]
    assert whole(directory, "e") == [f"err {n} ß" for n in range(5000)]
    assert sequence(directory) == list(range(1, 10_002))


def test_a_journal_holds_no_surrogates(executions: Executions) -> None:
    """Strict readers refuse the whole message for one of them."""
    code = "import sys; sys.stdout.buffer.write(b'\\xed\\xa0\\x80 lone\\nfine\\n')"
    directory = executions.finish(executions.python(code))
    raw = b"".join(journal.chunks(directory))
    raw.decode("utf-8", "strict")
    assert b"\\ud8" not in raw
    assert whole(directory, "o") == [b"\xed\xa0\x80 lone", "fine"]


def test_empty_lines_and_a_last_line_without_its_end(executions: Executions) -> None:
    directory = executions.finish(
        executions.python("import sys; sys.stdout.write('\\n\\na\\n\\nb')")
    )
    assert whole(directory, "o") == ["", "", "a", "", "b"]


def test_a_prompt_is_shown_before_its_line_ends(executions: Executions) -> None:
    code = "import sys, time; sys.stdout.write('Password: '); sys.stdout.flush(); time.sleep(600)"
    directory = executions.start(executions.python(code))
    shown = until(lambda: [record for record in journal.read(directory) if record.stream == "o"])
    assert [(record.data, record.more) for record in shown] == [("Password: ", True)]


def test_a_line_shown_in_parts_is_one_line(executions: Executions) -> None:
    code = """
import os, sys, time
os.write(1, 'half \xe4'.encode()[:-1])
while not os.path.exists('go'):
    time.sleep(0.01)
os.write(1, 'ä'.encode()[1:] + b'!\\n')
"""
    directory = executions.start(executions.python(code))
    until(lambda: any(record.more for record in journal.read(directory)))
    (executions.base / "go").touch()
    executions.end(directory)
    assert whole(directory, "o") == ["half ä!"]
    assert all(isinstance(record.data, str) for record in journal.read(directory))


@pytest.mark.parametrize("code", [0, 1, 7, 127, 255])
def test_the_exit_code_is_exact(executions: Executions, code: int) -> None:
    directory = executions.finish(executions.python(f"raise SystemExit({code})"))
    ended = exits.read(directory)
    assert ended is not None
    assert (ended.code, ended.signal, ended.complete) == (code, None, True)
    assert status(directory) == Ended(exit=ended)


def test_an_end_by_a_signal_says_which(executions: Executions) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    ended = exits.read(executions.finish(executions.python(code)))
    assert ended is not None
    assert (ended.code, ended.signal) == (137, signal.SIGKILL)


def test_a_program_that_does_not_exist(executions: Executions) -> None:
    directory = executions.finish(executions.spec("no-such-program-at-all"))
    ended = exits.read(directory)
    assert ended is not None
    assert ended.code == 127
    (failed,) = events(directory, "execFailed")
    assert failed.details["error"] == "No such file or directory"


def test_a_program_that_may_not_be_run(executions: Executions, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    directory = executions.finish(executions.spec(str(tmp_path / "plain")))
    ended = exits.read(directory)
    assert ended is not None
    assert ended.code == 126


def test_a_working_directory_that_has_gone(executions: Executions, tmp_path: Path) -> None:
    directory = executions.finish(executions.spec("true", cwd=tmp_path / "gone"))
    (failed,) = events(directory, "execFailed")
    assert failed.details["error"] == "No such file or directory (the working directory)"
    assert failed.details["code"] == 126


def test_a_program_is_found_by_the_path_of_its_own_environment(
    executions: Executions, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "own-program"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    spec = executions.spec("own-program", env={"PATH": str(program.parent)})
    assert whole(executions.finish(spec), "o") == ["found"]


def test_a_grandchild_that_holds_the_pipes_does_not_hold_the_end(
    executions: Executions,
) -> None:
    spec = executions.spec("sh", "-c", "sleep 600 & echo done; exit 3", grace_seconds=0.2)
    directory = executions.start(spec)
    assert executions.end(directory).code == 3
    assert whole(directory, "o") == ["done"]


def test_what_a_grandchild_prints_within_the_grace_is_kept(executions: Executions) -> None:
    spec = executions.spec("sh", "-c", "(sleep 0.3; echo late) & echo soon", grace_seconds=30)
    assert whole(executions.finish(spec), "o") == ["soon", "late"]


def test_the_child_gets_its_environment_and_the_tag_and_nothing_else(
    executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAEMONS_OWN", "1")
    code = "import os; print(sorted(os.environ))"
    spec = executions.python(code, env={"A": "b", "LC_ALL": "C.UTF-8"})
    assert whole(executions.finish(spec), "o") == ["['A', 'BRANCHWORK_EXECUTION', 'LC_ALL']"]


def test_a_child_finds_signals_and_descriptors_as_it_expects_them(
    executions: Executions,
) -> None:
    code = """
import os, signal
print(signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN)  # Python itself sets this
print([line.split()[1] for line in open('/proc/self/status') if line.startswith('SigBlk')])
print(sorted(int(fd) for fd in os.listdir('/proc/self/fd'))[:3], os.getsid(0) == os.getpid())
os.execvp('sh', ['sh', '-c', 'grep SigIgn /proc/self/status; ls /proc/self/fd | wc -l'])
"""
    out = whole(executions.finish(executions.python(code)), "o")
    assert out[:3] == ["True", "['0000000000000000']", "[0, 1, 2] True"]
    direct = executions.finish(executions.spec("grep", "SigIgn", "/proc/self/status"))
    (line,) = whole(direct, "o")
    # 32 and 33 are the C library's own and can't be reset; some parents leave them ignored.
    assert int(line.split()[1], 16) & ~(0b11 << 31) == 0
    fds = executions.finish(executions.spec("ls", "/proc/self/fd"))
    assert whole(fds, "o") == ["0", "1", "2", "3"], "3 is the listing itself"


def test_a_script_has_no_input_to_wait_for(executions: Executions) -> None:
    assert whole(executions.finish(executions.spec("cat")), "o") == []


def test_a_full_segment_is_followed_by_the_next(executions: Executions) -> None:
    spec = executions.python(
        "for n in range(20_000): print('line', n, '.' * 90)", segment_bytes=300_000
    )
    directory = executions.finish(spec)
    files = segments.segments(directory)
    assert len(files) > 5
    assert all(segment.bytes <= 300_000 for segment in files)
    assert [segment.number for segment in files] == list(range(1, len(files) + 1))
    assert files[0].first_seq == 1
    for before, after in pairwise(files):
        assert after.first_seq == before.last_seq + 1
    assert whole(directory, "o") == [f"line {n} {'.' * 90}" for n in range(20_000)]


def test_an_execution_is_started_once(executions: Executions) -> None:
    spec = executions.spec("true")
    directory = executions.finish(spec)
    with pytest.raises(Conflict):
        spawn.start(directory, spec, executions.run)


@pytest.mark.parametrize(
    "wrong", [{"argv": ()}, {"argv": ("a\0b",)}, {"env": {"A=B": "c"}}, {"env": {"A": "\0"}}]
)
def test_what_can_not_be_run_is_refused(executions: Executions, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        executions.start(executions.spec("true", **wrong))


def test_a_run_folder_with_a_long_path_is_refused(executions: Executions, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        spawn.start(tmp_path / "e", executions.spec("true"), tmp_path / ("x" * 120))


def test_nothing_is_left_but_journal_and_end(executions: Executions) -> None:
    directory = executions.finish(executions.spec("true"))
    until(lambda: len(list(directory.iterdir())) == 2)
    assert {file.name for file in directory.iterdir()} == {"000001.jsonl", "exit.json"}
    assert not list(executions.run.iterdir())
