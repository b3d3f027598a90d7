"""How much is measured: all of it, or just enough to see that measuring works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Rounds, and how large the things are that are measured.

    `patience` is how many seconds each group waits for a quiet machine.
    """

    starts: int = 30
    bare_starts: int = 6
    proxies: int = 24
    cold_rounds: int = 3
    empty_blocks: int = 20
    empty_block: int = 250
    lists: int = 60
    tasks: int = 10_000
    tasks_of_one: int = 1_000
    lines: int = 150
    flood_lines: int = 2_000_000
    files: int = 50_000
    workspaces: int = 7
    board: int = 300
    windows: int = 9
    changes: int = 60
    commands: int = 20
    editor_flood_lines: int = 50_000
    patience: float = 15.0


FULL = Size()
SMALL = Size(
    starts=2,
    bare_starts=1,
    proxies=3,
    cold_rounds=1,
    empty_blocks=1,
    empty_block=10,
    lists=2,
    tasks=200,
    tasks_of_one=20,
    lines=5,
    flood_lines=20_000,
    files=100,
    workspaces=1,
    board=30,
    windows=1,
    changes=2,
    commands=1,
    editor_flood_lines=5_000,
    patience=0.0,
)
