"""Reading journals: places, parts, and lines that can't be read."""

import json
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branchwork.execution import journal, segments
from branchwork.execution.journal import Joiner, Reader, Record, decode
from branchwork.execution.layout import PART_BYTES
from branchwork.execution.recorder import Recorder


def write(directory: Path, lines: Sequence[bytes], segment: int = 1) -> Path:
    path = segments.path(directory, segment)
    path.write_bytes(b"".join(lines))
    return path


def line(seq: int, text: str = "text", **more: object) -> bytes:
    record = {"seq": seq, "t": 1, "s": "o", "d": text, **more}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def test_every_kind_of_record() -> None:
    assert decode(b'{"seq":3,"t":5,"s":"e","d":"a\\u0000b"}') == Record(
        seq=3, t=5, stream="e", data="a\0b"
    )
    assert decode(b'{"seq":3,"t":5,"s":"o","b":"/w==","more":true}') == Record(
        seq=3, t=5, stream="o", data=b"\xff", more=True
    )
    assert decode(b'{"seq":3,"t":5,"s":"i","m":"id","d":"{}"}') == Record(
        seq=3, t=5, stream="i", data="{}", message_id="id"
    )
    assert decode(b'{"seq":3,"t":5,"s":"x","x":"gap","bytes":9,"of":"e"}') == Record(
        seq=3, t=5, stream="x", event="gap", details={"bytes": 9, "of": "e"}
    )


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\0\0\0",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"seq":4}',
        b'{"seq":4,"t":1,"s":"o"}',
        b'{"seq":4,"t":1,"s":"?","d":"x"}',
        b'{"seq":4,"t":1,"s":"o","d":5}',
        b'{"seq":4,"t":1,"s":"i","d":"no id"}',
        b'{"seq":4,"t":1,"s":"o","b":"%"}',
        b'{"seq":4,"t":1,"s":"o","d":"\\ud800"}',
        b'{"seq":4,"t":1,"s":"o","d":"\xff"}',
        b'{"seq":"4","t":1,"s":"o","d":"x"}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_can_not_be_read_is_a_record(broken: bytes) -> None:
    record = decode(broken)
    assert record.unreadable
    assert record.data == broken
    assert record.seq == (4 if broken.startswith(b'{"seq":4,') else 0)
    assert Joiner().add(record) is record


@given(st.binary())
def test_nothing_raises(data: bytes) -> None:
    decode(data)


def test_a_torn_last_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path, [line(1), line(2)[:-5]])
    reader = Reader(tmp_path)
    assert reader.lines() == line(1)
    assert reader.lines() == b""
    with path.open("ab") as file:
        file.write(line(2)[-5:])
    assert reader.lines() == line(2)
    assert reader.lines() == b""


def test_a_reader_follows_into_the_next_segment(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert reader.lines() == b""
    path = write(tmp_path, [line(1)])
    assert reader.lines() == line(1)
    with path.open("ab") as file:
        file.write(line(2))
    write(tmp_path, [line(3)], segment=2)
    assert reader.lines() == line(2)
    assert reader.lines() == line(3)
    assert reader.place == (2, len(line(3)))


def test_a_reader_goes_on_from_a_place(tmp_path: Path) -> None:
    write(tmp_path, [line(1), line(2)])
    reader = Reader(tmp_path)
    reader.lines(limit=len(line(1)))
    assert reader.place is not None
    assert Reader.at(tmp_path, reader.place).lines() == line(2)


def test_a_limit_smaller_than_a_line_gives_the_line(tmp_path: Path) -> None:
    write(tmp_path, [line(1, "x" * 5000), line(2)])
    reader = Reader(tmp_path)
    assert reader.lines(limit=10).startswith(line(1, "x" * 5000))


def test_every_record_is_found(tmp_path: Path) -> None:
    """In three segments, among lines of all lengths and some that can't be read."""
    rng = random.Random(7)
    seqs = iter(range(1, 10_000))
    files: list[list[bytes]] = []
    for _ in range(3):
        files.append([line(next(seqs), "x" * rng.choice([1, 80, 3000])) for _ in range(700)])
    last = next(seqs) - 1
    for number, lines in enumerate(files, start=1):
        spoiled = [b"\0\0 spoiled\n", *lines[:300], b"spoiled\n", *lines[300:]]
        write(tmp_path, spoiled, segment=number)
    for seq in [1, 2, 300, 301, 700, 701, 702, 1400, 1401, 1999, last]:
        records = [record for record in journal.read(tmp_path, seq) if not record.unreadable]
        assert [record.seq for record in records] == list(range(seq, last + 1))
    assert [(s.first_seq, s.last_seq) for s in segments.segments(tmp_path)] == [
        (1, 700),
        (701, 1400),
        (1401, 2100),
    ]


def test_what_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = write(tmp_path, [line(1), line(2)])
    at_the_end, later = Reader(tmp_path, 3), Reader(tmp_path, 5)
    assert (at_the_end.lines(), later.lines()) == (b"", b"")
    with path.open("ab") as file:
        file.write(line(3) + line(4))
    assert (at_the_end.lines(), later.lines()) == (line(3) + line(4), b"")
    write(tmp_path, [], segment=2)
    assert later.lines() == b""
    write(tmp_path, [line(5)], segment=2)
    assert (at_the_end.lines(), later.lines()) == (line(5), line(5))


def test_the_size_of_a_segment_counts_whole_lines(tmp_path: Path) -> None:
    write(tmp_path, [line(1), line(2, "y" * 200_000), line(3)[:-1]])
    (segment,) = segments.segments(tmp_path)
    assert (segment.first_seq, segment.last_seq) == (1, 2)
    assert segment.bytes == len(line(1)) + len(line(2, "y" * 200_000))
    write(tmp_path, [], segment=2)
    assert segments.segments(tmp_path)[1].last_seq == 0
    assert segments.segments(tmp_path / "nowhere") == []


def test_parts_are_joined_per_stream() -> None:
    joiner = Joiner()
    records = [
        Record(seq=1, t=1, stream="o", data="a", more=True),
        Record(seq=2, t=1, stream="e", data="other"),
        Record(seq=3, t=1, stream="o", data=b"\xc3", more=True),
        Record(seq=4, t=1, stream="x", event="gap"),
        Record(seq=5, t=1, stream="o", data=b"\xa4"),
        Record(seq=6, t=1, stream="e", data="unfinished", more=True),
    ]
    given_out = []
    settled = []
    for record in records:
        given_out.append(joiner.add(record))
        settled.append(joiner.settled)
    assert [(record.seq, record.data) for record in given_out if record] == [
        (2, "other"),
        (4, ""),
        (5, "aä"),
    ]
    assert settled == [0, 0, 0, 0, 5, 5]
    assert [record.data for record in joiner.rest()] == ["unfinished"]


chunks_of_bytes = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.sampled_from([b"\n", b"\r\n", b'"\\', "🦆".encode()[:2], "🦆".encode()[2:]]),
        st.builds(
            lambda unit, n: unit * n,
            st.sampled_from(["ä".encode(), b"x", b"\xff"]),
            st.integers(PART_BYTES // 2 - 3, PART_BYTES // 2),
        ),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(chunks_of_bytes, st.sampled_from([500, 1 << 20]), st.booleans())
def test_arbitrary_bytes_in_arbitrary_pieces(
    pieces: list[bytes], segment_bytes: int, shows_halves: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        folder = os.open(name, os.O_RDONLY)
        recorder = Recorder(folder, segment_bytes)
        for n, piece in enumerate(pieces):
            recorder.output("o", piece)
            recorder.output("e", piece[::-1])
            if shows_halves and n % 3 == 0:
                recorder.show_half_line("o")
            assert recorder.flush()
        recorder.end_line("o")
        recorder.end_line("e")
        assert recorder.flush()
        recorder.sync()
        os.close(folder)

        raw = list(journal.chunks(directory))
        for record in b"".join(raw).splitlines():
            json.loads(record.decode("utf-8", "strict")).pop("d", "").encode("utf-8", "strict")
        records = list(journal.read(directory))
        assert [record.seq for record in records] == list(range(1, recorder.seq + 1))
        for stream, data in ("o", b"".join(pieces)), ("e", b"".join(p[::-1] for p in pieces)):
            joiner = Joiner()
            joined = [joiner.add(record) for record in records if record.stream == stream]
            assert not joiner.rest()
            lines = [record.data for record in joined if record]
            back = b"".join((x.encode() if isinstance(x, str) else x) + b"\n" for x in lines)
            assert back == (data if not data or data.endswith(b"\n") else data + b"\n")
