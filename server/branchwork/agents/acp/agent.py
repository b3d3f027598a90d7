"""The Agent Client Protocol behind the seam that services know."""

from branchwork.agents.acp import driver
from branchwork.agents.acp.fold import Fold
from branchwork.agents.acp.outcome import outcome
from branchwork.agents.agent import AgentFold, Ended, Exit, Inputs, Outgoing, Turn


class AcpAgent:
    """Any agent that speaks ACP over its standard streams."""

    def fold(self) -> Fold:
        return Fold()

    def next_messages(self, fold: AgentFold, turn: Turn, inputs: Inputs) -> list[Outgoing]:
        return driver.next_messages(_own(fold), turn, inputs)

    def input_ends(self, fold: AgentFold, turn: Turn, inputs: Inputs) -> bool:
        del turn
        return inputs.close and driver.close_is_over(_own(fold))

    def outcome(
        self,
        fold: AgentFold,
        turn: Turn,
        inputs: Inputs,
        *,
        now_ms: int,
        exited: Exit | None = None,
    ) -> Ended | None:
        return outcome(_own(fold), turn, inputs, now_ms=now_ms, exited=exited)


def _own(fold: AgentFold) -> Fold:
    if not isinstance(fold, Fold):
        raise TypeError("this fold was made by another kind of agent")
    return fold
