"""A plain command as an agent: the prompt goes in by standard input or as an argument, text comes
out, the exit code decides."""

from branchwork.agents.agent import AgentFold, Ended, Exit, Inputs, Outgoing, Turn
from branchwork.agents.text_fold import TextFold
from branchwork.domain.entry import AgentMessage
from branchwork.domain.execution_process import ExecutionStatus

PROMPT = "{prompt}"
"""Stands in the command's argv for the prompt."""


class CommandAgent:
    """Knows no permissions and no sessions: each prompt is a run of its own."""

    def __init__(self, *, prompt_in_argv: bool) -> None:
        self._prompt_in_argv = prompt_in_argv

    def fold(self) -> TextFold:
        return TextFold(AgentMessage)

    def next_messages(self, fold: AgentFold, turn: Turn, inputs: Inputs) -> list[Outgoing]:
        """The prompt. Where it is an argument it is journaled all the same, with an empty line."""
        if inputs.cancel or "prompt" in _own(fold).message_ids:
            return []
        frame = b"\n" if self._prompt_in_argv else turn.prompt.encode("utf-8", "replace") + b"\n"
        return [Outgoing(message_id="prompt", frame=frame, shown=turn.prompt)]

    def input_ends(self, fold: AgentFold, turn: Turn, inputs: Inputs) -> bool:
        """It may read until the end of its input before it starts."""
        del turn
        return inputs.cancel or inputs.close or "prompt" in _own(fold).message_ids

    def outcome(
        self,
        fold: AgentFold,
        turn: Turn,
        inputs: Inputs,
        *,
        now_ms: int,
        exited: Exit | None = None,
    ) -> Ended | None:
        """Completed when it exits with 0."""
        del turn, now_ms
        own = _own(fold)
        if inputs.cancel:
            return Ended(
                status=ExecutionStatus.KILLED, reason="stopped", sentence="Stopped by you."
            )
        if own.start_failure:
            sentence = f"The command could not be started: {own.start_failure}"
            return _failed("agentNotStarted", sentence)
        if exited is None:
            return None
        if exited.code == 0:
            return Ended(status=ExecutionStatus.COMPLETED, reason="endTurn", sentence="")
        words = f" Its last words: {own.stderr_tail}" if own.stderr_tail else ""
        return _failed("agentExited", f"The command ended with {exited.words}.{words}")


def _failed(reason: str, sentence: str) -> Ended:
    return Ended(status=ExecutionStatus.FAILED, reason=reason, sentence=sentence)


def _own(fold: AgentFold) -> TextFold:
    if not isinstance(fold, TextFold):
        raise TypeError("this fold was made by another kind of agent")
    return fold
