"""How a turn of an ACP agent ended: its answer decides, the exit code is only told.

Pure: time comes in as a number. None means that it goes on.
"""

from branchwork.agents.acp import driver, faults, wire
from branchwork.agents.acp.fold import Fold
from branchwork.agents.acp.session import Sent
from branchwork.agents.agent import Ended, Exit, Inputs, Turn
from branchwork.domain.execution_process import ExecutionStatus

LONGEST_QUIET_SECONDS = 60

STOPS = {
    "max_tokens": ("maxTokens", "The agent stopped because its answer became too long."),
    "max_turn_requests": (
        "maxTurnRequests",
        "The agent stopped because it reached its limit of model requests for one turn.",
    ),
    "refusal": ("refusal", "The agent refused to go on."),
}


def outcome(
    fold: Fold, turn: Turn, inputs: Inputs, *, now_ms: int, exited: Exit | None = None
) -> Ended | None:
    """How the turn ended, or None."""
    prompt = fold.calls.newest("prompt")
    if prompt is not None and prompt.reply is not None:
        return _answered(fold, turn, inputs, prompt, _Clock(now_ms, exited))
    if inputs.cancel or fold.cancelled_t is not None:
        return _cancelled(fold, turn, _Clock(now_ms, exited))
    return (
        _not_started(fold, turn)
        or (None if exited is None else _exited(fold, turn, exited))
        or _silent(fold, turn, now_ms)
    )


class _Clock:
    """Now, and whether the process is gone."""

    __slots__ = ("exited", "now_ms")

    def __init__(self, now_ms: int, exited: Exit | None) -> None:
        self.now_ms = now_ms
        self.exited = exited

    def passed(self, since_ms: int, seconds: float) -> bool:
        return self.exited is not None or self.now_ms - since_ms >= seconds * 1000


def _answered(fold: Fold, turn: Turn, inputs: Inputs, prompt: Sent, clock: _Clock) -> Ended | None:
    stop_reason = fold.stop_reason
    finished = stop_reason == "end_turn"
    if fold.cancelled_t is not None or (inputs.cancel and not finished):
        return _killed()
    if prompt.fault is not None:
        return _fault(fold, turn, prompt.fault, "the prompt")
    if finished:
        settled = inputs.cancel or _settled(fold, turn, prompt, clock)
        return _ended(ExecutionStatus.COMPLETED, "endTurn", "") if settled else None
    if stop_reason == "cancelled":
        return Ended(
            status=ExecutionStatus.COMPLETED,
            reason="cancelledByAgent",
            sentence="The agent ended its turn by itself, as some do after a denied permission.",
            holds_queue=True,
        )
    unknown = ("stopped", f"The agent stopped: {stop_reason or 'it did not say why'}.")
    return _ended(ExecutionStatus.FAILED, *STOPS.get(stop_reason or "", unknown))


def _settled(fold: Fold, turn: Turn, prompt: Sent, clock: _Clock) -> bool:
    """Nothing more is to be expected after the answer."""
    if clock.passed(prompt.reply_t, LONGEST_QUIET_SECONDS):
        return True
    last = max(fold.last_activity_t, prompt.reply_t)
    return not fold.open_tool_calls and clock.passed(last, turn.quiet_seconds)


def _cancelled(fold: Fold, turn: Turn, clock: _Clock) -> Ended | None:
    """A person stopped it: the agent gets a moment to say so itself."""
    if fold.calls.newest("prompt") is None or clock.exited is not None:
        return _killed()
    asked_t = fold.cancelled_t
    waited = asked_t is not None and clock.passed(asked_t, turn.cancel_seconds)
    return _killed() if waited else None


def _not_started(fold: Fold, turn: Turn) -> Ended | None:
    """The handshake failed in a way that nothing can follow."""
    if fold.start_failure:
        sentence = f"The agent could not be started: {fold.start_failure}"
        return _ended(ExecutionStatus.FAILED, "agentNotStarted", sentence)
    initialize, session, mode = (
        fold.calls.newest(role) for role in ("initialize", "session", "mode")
    )
    if initialize is None or initialize.reply is None:
        return None
    if initialize.fault is not None:
        return _fault(fold, turn, initialize.fault, "initialize")
    version = initialize.result.get("protocolVersion")
    if version != driver.PROTOCOL_VERSION:
        said = wire.dump(version)[:40]
        return _ended(
            ExecutionStatus.FAILED,
            "protocolVersion",
            f"The agent speaks version {said} of its protocol, Branchwork speaks version "
            f"{driver.PROTOCOL_VERSION}: use another version of the agent.",
        )
    return _no_session(fold, turn, session) or _no_mode(fold, turn, mode)


def _no_session(fold: Fold, turn: Turn, session: Sent | None) -> Ended | None:
    if session is None or session.reply is None:
        return None
    if session.fault is not None:
        again = driver.session_attempts(fold, turn)
        return None if again else _fault(fold, turn, session.fault, session.call.method)
    if fold.session.id is None:
        sentence = "The agent broke its protocol: it started a session without an id."
        return _ended(ExecutionStatus.FAILED, "agentError", sentence)
    return None


def _no_mode(fold: Fold, turn: Turn, mode: Sent | None) -> Ended | None:
    """Never run in another mode than the one that was chosen: it may allow more."""
    if fold.session.id is not None and driver.mode_is_missing(fold, turn):
        return _ended(
            ExecutionStatus.FAILED,
            "modeUnavailable",
            f"The agent has no mode '{turn.mode}', it has {', '.join(fold.session.mode_ids)}: "
            "choose another one, or name it under `modes` in your agents file.",
        )
    if mode is not None and mode.fault is not None and driver.mode_is_refused(fold, turn):
        return _ended(
            ExecutionStatus.FAILED,
            "modeUnavailable",
            f"The agent refused its mode '{turn.mode}' ({mode.fault.text}), and without it "
            "it might do more than you allowed: the prompt was not sent.",
        )
    return None


def _fault(fold: Fold, turn: Turn, fault: wire.Fault, what: str) -> Ended:
    reason = faults.reason(fault)
    if reason == "needsLogin":
        sentence = faults.login_sentence(fault.text, fold.auth_methods, turn.login_hint)
    else:
        sentence = f"The agent answered {what} with an error: {fault.text}"
    return _ended(ExecutionStatus.FAILED, reason, sentence)


def _exited(fold: Fold, turn: Turn, exited: Exit) -> Ended:
    """Its process is gone and the prompt has no answer."""
    if fold.limit:
        more = "If that much is right, raise the setting journal_limit_bytes and send a follow-up."
        return _ended(ExecutionStatus.FAILED, "outputLimit", f"{fold.limit} {more}")
    tail = fold.stderr_tail
    if faults.wants_login(tail) or faults.wants_login(fold.garbage):
        said = tail if faults.wants_login(tail) else fold.garbage
        sentence = faults.login_sentence(said, fold.auth_methods, turn.login_hint)
        return _ended(ExecutionStatus.FAILED, "needsLogin", sentence)
    initialize = fold.calls.newest("initialize")
    if fold.garbage and (initialize is None or initialize.reply is None):
        return _ended(ExecutionStatus.FAILED, "garbage", _garbage_sentence(fold))
    said = tail or fold.garbage
    words = f" Its last words: {said}" if said else ""
    sentence = f"The agent ended ({exited.words}) before it had answered.{words}"
    return _ended(ExecutionStatus.FAILED, "agentExited", sentence)


def _silent(fold: Fold, turn: Turn, now_ms: int) -> Ended | None:
    """No answer to the handshake; a prompt may take as long as it likes."""
    waiting = fold.calls.unanswered
    if waiting is None or waiting.role == "prompt" or turn.start_seconds is None:
        return None
    # Loading a long history shows activity, and noise before the first answer does not count.
    first = waiting.role == "initialize"
    since = waiting.t if first else max(waiting.t, fold.last_activity_t)
    if now_ms - since < turn.start_seconds * 1000:
        return None
    if fold.garbage and first:
        return _ended(ExecutionStatus.FAILED, "garbage", _garbage_sentence(fold))
    sentence = (
        f"The agent did not answer {waiting.call.method} within {turn.start_seconds:.0f} seconds. "
        "Start it in a terminal to see what it waits for."
    )
    if fold.stderr_tail:
        sentence += f" Its last words: {fold.stderr_tail}"
    return _ended(ExecutionStatus.FAILED, "notResponding", sentence)


def _garbage_sentence(fold: Fold) -> str:
    return (
        f"The agent printed something that is not its protocol: “{fold.garbage}”. "
        "Check its command in the agents file."
    )


def _killed() -> Ended:
    return _ended(ExecutionStatus.KILLED, "stopped", "Stopped by you.")


def _ended(status: ExecutionStatus, reason: str, sentence: str) -> Ended:
    return Ended(status=status, reason=reason, sentence=sentence)
