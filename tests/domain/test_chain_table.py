"""What follows the end of a process: the decided table, written out once more, cell by cell.

A cell in words: what comes next, then what happens besides. `stop` and `nothing` differ: after
`stop` the run is over, after `nothing` it goes on by itself or was none.
"""

import pytest

from branchwork.domain.execution_process import AttentionKind
from branchwork.domain.run import CHAIN, Cell, End, Next, StepKind, what_follows

STATUS_ONLY = ("nothing",) * 4

#                 Completed                     Failed                        Killed         lost
TABLE = {
    "setup": (
        "step, setup done",
        "stop, review, attention, held",
        "stop, review, held",
        "stop, review, attention, held",
    ),
    "parallel_setup": (
        "nothing, setup done",
        "nothing, attention",
        "nothing",
        "nothing, attention",
    ),
    "coding_agent": (
        "step if changed, commit",
        "stop, review, attention, held",
        "stop, review, held",
        "stop, review, lost, held, resume",
    ),
    "cleanup": (
        "step, commit",
        "stop, review, attention, held",
        "stop, review, held",
        "stop, review, attention, held",
    ),
    "archive": STATUS_ONLY,
    "dev_server": STATUS_ONLY,
    "by_hand": STATUS_ONLY,
}
ENDS = ("completed", "failed", "killed", "lost")
CELLS = [
    pytest.param(kind, end, words, id=f"{kind} {end}")
    for kind, row in TABLE.items()
    for end, words in zip(ENDS, row, strict=True)
]


def in_words(cell: Cell) -> set[str]:
    """A cell as the table above says it."""
    besides = {
        "commit": cell.commit,
        "review": cell.in_review,
        "attention": cell.attention is AttentionKind.FAILED,
        "lost": cell.attention is AttentionKind.LOST,
        "finished": cell.attention is AttentionKind.FINISHED,
        "held": cell.hold_queue,
        "setup done": cell.setup_done,
        "resume": cell.resume,
    }
    following = {
        Next.STEP: "step",
        Next.STEP_IF_CHANGED: "step if changed",
        Next.STOP: "stop",
        Next.NOTHING: "nothing",
    }
    return {following[cell.next], *(word for word, holds in besides.items() if holds)}


@pytest.mark.parametrize(("kind", "end", "words"), CELLS)
def test_a_cell(kind: str, end: str, words: str) -> None:
    assert in_words(what_follows(StepKind(kind), End(end))) == set(words.split(", "))


def test_there_is_a_cell_for_every_kind_and_every_end() -> None:
    assert set(CHAIN) == {(kind, end) for kind in StepKind for end in End}
    assert {(kind, end) for kind in TABLE for end in ENDS} == {(str(k), str(e)) for k, e in CHAIN}


def test_only_what_completed_is_committed_and_only_that_goes_on() -> None:
    for (_, end), cell in CHAIN.items():
        assert not cell.commit or end is End.COMPLETED
        assert cell.next in (Next.STOP, Next.NOTHING) or end is End.COMPLETED


def test_what_a_person_stopped_does_not_call_for_them() -> None:
    assert all(cell.attention is None for (_, end), cell in CHAIN.items() if end is End.KILLED)
