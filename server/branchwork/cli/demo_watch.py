"""The demo's eyes: what waits for a person, and what is said to be going on."""

from collections.abc import Callable
from typing import Any

import msgspec

from branchwork.cli.terminal import DIM, YELLOW, Terminal
from branchwork.client.connection import Connection
from branchwork.client.errors import RequestFailed
from branchwork.protocol import approvals, attention
from branchwork.protocol.approvals import ApprovalOption, ApprovalRespondParams
from branchwork.protocol.attention import AttentionChangedParams, AttentionItem, AttentionItemKind

ALLOWS = ("allow_once", "allow_always")
REJECTS = ("reject_once", "reject_always")
ENDS = (AttentionItemKind.FINISHED, AttentionItemKind.FAILED, AttentionItemKind.LOST)

Chooser = Callable[[AttentionItem], ApprovalOption]


class StepFailed(Exception):
    """A step did not do what it should; the sentence is for a person."""


class Progress(msgspec.Struct):
    """A value of work-done progress, as LSP has it."""

    kind: str
    title: str | None = None
    message: str | None = None
    percentage: int | None = None


class Watch:
    """Shows progress, answers what agents ask, and remembers how runs ended."""

    def __init__(self, connection: Connection, terminal: Terminal, choose: Chooser) -> None:
        self._connection = connection
        self._terminal = terminal
        self._choose = choose
        self._answered: set[str] = set()
        self._ends: dict[str, AttentionItem] = {}
        self._shown = ""
        self.answers = 0
        connection.on(attention.CHANGED, self._attend)
        connection.on_plain("$/progress", self._hear_progress)

    def wait_for_end(self, execution_id: str, seconds: float | None) -> AttentionItem:
        """How the run ended, as it is told to a person."""
        self._connection.wait_until(
            lambda: execution_id in self._ends, seconds, "the end of the run"
        )
        return self._ends[execution_id]

    def show_progress(self, value: Any) -> None:
        """One value of work-done progress, unless the same was shown before."""
        progress = msgspec.convert(value, Progress)
        said = progress.title or progress.message or ("done" if progress.kind == "end" else "")
        if progress.percentage is not None:
            said = f"{said} ({progress.percentage} %)"
        if said and said != self._shown:
            self._shown = said
            self._terminal.say(f"[progress] {said}", DIM)

    def _hear_progress(self, raw: msgspec.Raw) -> None:
        self.show_progress(msgspec.json.decode(raw)["value"])

    def _attend(self, params: AttentionChangedParams) -> None:
        for item in params.items:
            if item.kind is AttentionItemKind.APPROVAL and item.id not in self._answered:
                self._answered.add(item.id)
                self._answer(item)
            elif item.kind in ENDS and item.execution_id is not None:
                self._ends[item.execution_id] = item

    def _answer(self, item: AttentionItem) -> None:
        names = " | ".join(option.name for option in item.options or ())
        self._terminal.say(f"The agent waits for a person: {item.sentence}", YELLOW)
        self._terminal.say(f"It can be told: {names}", YELLOW)
        option = self._choose(item)
        try:
            self._connection.request(
                approvals.RESPOND, ApprovalRespondParams(approval_id=item.id, option_id=option.id)
            )
        except RequestFailed as failed:
            if failed.kind != "alreadyAnswered":
                raise
            self._terminal.say("Somebody else answered first.", YELLOW)
            return
        self.answers += 1
        self._terminal.say(f"Answered: {option.name}", YELLOW)


def allow(item: AttentionItem) -> ApprovalOption:
    """The answer that lets the agent do it this once, else what it offers last."""
    option = _first(item, ALLOWS)
    if option is None and not item.options:
        raise StepFailed(f"The agent offers no answer to: {item.sentence}")
    return option or (item.options or [])[-1]


def ask_at(terminal: Terminal) -> Chooser:
    """Lets the person at the terminal choose; without an answer it is a no."""

    def choose(item: AttentionItem) -> ApprovalOption:
        options = item.options or []
        for number, option in enumerate(options, 1):
            terminal.say(f"  {number}  {option.name}")
        while True:
            typed = terminal.ask(f"1 to {len(options)}?")
            if typed is None:
                return _refusal(item)
            if typed.strip().isdecimal() and 1 <= int(typed) <= len(options):
                return options[int(typed) - 1]

    return choose


def _refusal(item: AttentionItem) -> ApprovalOption:
    option = _first(item, REJECTS)
    if option is None:
        raise StepFailed(f"Nobody answered: {item.sentence}")
    return option


def _first(item: AttentionItem, kinds: tuple[str, ...]) -> ApprovalOption | None:
    """The first option of the first of the kinds that the agent offers."""
    offered = item.options or []
    return next((one for kind in kinds for one in offered if one.kind == kind), None)
