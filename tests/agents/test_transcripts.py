"""Recorded wires of real agents fold to the entries that stand beside them.

After a change that is meant, write them anew: WRITE_EXPECTED=1 pytest tests/agents
"""

import json
import os
from pathlib import Path

import pytest

from branchwork.agents.acp.fold import Fold
from support.agent_journal import applied, fold_all, told, wire

HERE = Path(__file__).parent
WIRES = sorted((HERE / "transcripts").glob("*.jsonl"))
ids = [path.stem for path in WIRES]
each_wire = pytest.mark.parametrize("path", WIRES, ids=ids)


@each_wire
def test_folds_to_the_expected_entries(path: Path) -> None:
    fold = Fold()
    fold_all(fold, wire(path))
    lines = [json.dumps(told(entry), ensure_ascii=False) for entry in fold.entries]
    expected = HERE / "expected" / f"{path.stem}.jsonl"
    if os.environ.get("WRITE_EXPECTED"):
        expected.write_text("\n".join(lines) + "\n", "utf-8")
    assert lines == expected.read_text("utf-8").strip("\n").split("\n")


@each_wire
def test_nothing_of_a_real_agent_is_unreadable_or_unknown(path: Path) -> None:
    fold = Fold()
    fold_all(fold, wire(path))
    assert not {entry.kind.value for entry in fold.entries} & {"unreadable", "unknown"}


@each_wire
def test_a_follower_of_the_deltas_has_the_same_entries(path: Path) -> None:
    fold = Fold()
    assert applied(fold_all(fold, wire(path))) == list(fold.entries)


@each_wire
def test_looking_at_any_time_changes_nothing(path: Path) -> None:
    """A fold that is watched is the same as one that is read at the end, at every prefix."""
    records = wire(path)
    watched, snapshots = Fold(), []
    for record in records:
        watched.apply(record)
        snapshots.append((list(watched.entries), facts(watched)))
    for length in {1, len(records) // 3, len(records) // 2, len(records)}:
        again = Fold()
        fold_all(again, records[:length])
        assert (list(again.entries), facts(again)) == snapshots[length - 1]


@each_wire
def test_a_record_that_comes_twice_counts_once(path: Path) -> None:
    records = wire(path)
    once, twice = Fold(), Fold()
    fold_all(once, records)
    for record in records:
        twice.apply(record)
        assert twice.apply(record) == []
    assert list(twice.entries) == list(once.entries)


def facts(fold: Fold) -> tuple[object, ...]:
    """What the driver and the services read."""
    return (
        fold.agent_session_id,
        fold.calls.next_id,
        fold.requests,
        [call.key for call in fold.unanswered],
        fold.open_tool_calls,
        fold.stop_reason,
        dict(fold.usage),
        fold.summary,
        fold.last_seq,
        fold.last_activity_t,
    )


def test_wires_of_all_agents_are_there() -> None:
    assert len(WIRES) == 13
