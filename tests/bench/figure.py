"""One measured figure beside its goal and beside what it is compared with; the table of them."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

# The rest of the machine may be this busy before what we measure says nothing about us.
QUIET_PERCENT = 10.0

Verdict = Literal["met", "missed", "shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured. Without a goal it is shown for its own sake.

    `best` is the best of the rounds: on a loaded machine it tells more than `measured`.
    `ratio` is `measured` over `versus`, and `ratio_goal` its limit.
    `busy` is how much of the machine others used just before, in percent.
    """

    name: str
    unit: str
    measured: float
    goal: float | None = None
    more_is_better: bool = False
    best: float | None = None
    versus: float | None = None
    versus_name: str = ""
    ratio_goal: float | None = None
    rounds: int = 1
    busy: float = 0.0
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if not self.versus else self.measured / self.versus

    @property
    def verdict(self) -> Verdict:
        if self.goal is None and self.ratio_goal is None:
            return "shown"
        return "met" if self._is_met(self.measured) and self._ratio_is_met() else "missed"

    @property
    def is_loaded(self) -> bool:
        return self.busy > QUIET_PERCENT

    def _is_met(self, value: float) -> bool:
        if self.goal is None:
            return True
        return value >= self.goal if self.more_is_better else value <= self.goal

    def _ratio_is_met(self) -> bool:
        return self.ratio_goal is None or (self.ratio or 0.0) <= self.ratio_goal

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


def spread(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of them do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(figures: Sequence[Figure]) -> str:
    """For the terminal and, as it is Markdown, for the documentation."""
    head = ("figure", "goal", "measured", "best", "compared with", "ratio", "verdict")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    versus = ""
    if figure.versus is not None:
        versus = f"{figure.versus_name}: {_number(figure.versus)} {figure.unit}"
    verdict: str = figure.verdict
    if figure.is_loaded:
        verdict += f" (others used {figure.busy:.0f} % of the machine)"
    return (
        figure.name,
        _goal(figure),
        f"{_number(figure.measured)} {figure.unit}",
        "" if figure.best is None else _number(figure.best),
        versus,
        "" if figure.ratio is None else _ratio(figure.ratio),
        verdict,
    )


def _goal(figure: Figure) -> str:
    goals = []
    if figure.goal is not None:
        sign = "≥" if figure.more_is_better else "≤"
        goals.append(f"{sign} {_number(figure.goal)} {figure.unit}")
    if figure.ratio_goal is not None:
        goals.append(f"≤ {_ratio(figure.ratio_goal)}")
    return ", ".join(goals)


def _ratio(value: float) -> str:
    return f"1/{1 / value:.1f}" if 0 < value < 0.5 else f"{value:.2f}"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
