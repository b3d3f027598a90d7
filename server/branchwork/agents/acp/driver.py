"""What has to be sent to an ACP agent now: a pure function of the fold, the turn and decisions.

Every message has a fixed id. "Sent" means that a record with this id stands in the journal, so
asking again, here or after a restart, never sends anything twice.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from branchwork.agents.acp import faults, wire
from branchwork.agents.acp.agent_calls import AgentCall
from branchwork.agents.acp.fold import RESTART_ID, Fold
from branchwork.agents.agent import Inputs, Outgoing, Policy, Request, Turn
from branchwork.domain.entry import PermissionOutcome

PROTOCOL_VERSION = 1
VERSION = "0.1.0"
BLANK = "***"

CLIENT_CAPABILITIES: Mapping[str, Any] = {
    "fs": {"readTextFile": False, "writeTextFile": False},
    "terminal": False,
    "session": {"configOptions": {"boolean": {}}},
    "_meta": {"terminal_output": True},
}


def next_messages(fold: Fold, turn: Turn, inputs: Inputs) -> list[Outgoing]:
    """In the order in which they are to be written."""
    messages = [*_cancel(fold, inputs), *_answers(fold, turn, inputs)]
    if inputs.close:
        messages += _close(fold)
    elif not inputs.cancel:
        messages += _stage(fold, turn)
    return [message for message in messages if message.message_id not in fold.message_ids]


def close_is_over(fold: Fold) -> bool:
    """The session is closed, or can't be."""
    call = fold.calls.newest("close")
    return not _can_close(fold) if call is None else call.reply is not None


def session_attempts(fold: Fold, turn: Turn) -> list[str]:
    """The ways to get a session that have not been tried, best first."""
    methods = ["session/new"]
    if turn.agent_session_id is not None:
        loads = ["session/load"] if fold.capabilities.get("loadSession") is True else []
        resumes = ["session/resume"] if fold.can("resume") else []
        methods = [*resumes, *loads, *methods]
    attempts = fold.calls.attempts
    fault = attempts[-1].fault if attempts else None
    if fault is not None and faults.reason(fault) == "needsLogin":
        return []
    tried = {attempt.call.method for attempt in attempts}
    return [method for method in methods if method not in tried]


def _stage(fold: Fold, turn: Turn) -> list[Outgoing]:
    """The next step from initialize to the prompt; nothing while one waits for its reply."""
    calls = fold.calls
    initialize, session, mode = (calls.newest(r) for r in ("initialize", "session", "mode"))
    if initialize is None:
        return [_initialize(fold)]
    if initialize.result.get("protocolVersion") != PROTOCOL_VERSION:
        return []
    if session is None or session.fault is not None:
        methods = session_attempts(fold, turn)
        return [_session(fold, turn, methods[0])] if methods else []
    if session.reply is None or fold.session.id is None or mode_is_missing(fold, turn):
        return []
    if mode is None and turn.mode in fold.session.mode_ids:
        return [_mode(fold, turn.mode)]
    if mode is not None and (mode.reply is None or mode_is_refused(fold, turn)):
        return []
    return [_prompt(fold, turn)] if calls.newest("prompt") is None else []


def mode_is_missing(fold: Fold, turn: Turn) -> bool:
    """The agent has modes, but not the one that the policy needs."""
    known = fold.session.mode_ids
    return _needs_mode(turn) and bool(known) and turn.mode not in known


def mode_is_refused(fold: Fold, turn: Turn) -> bool:
    """The agent would not go into the mode that the policy needs."""
    mode = fold.calls.newest("mode")
    return _needs_mode(turn) and mode is not None and mode.fault is not None


def _needs_mode(turn: Turn) -> bool:
    """Who bypasses permissions gets by without a mode: we answer every request ourselves."""
    return turn.mode is not None and turn.policy is not Policy.BYPASS


def _initialize(fold: Fold) -> Outgoing:
    params = {
        "protocolVersion": PROTOCOL_VERSION,
        "clientCapabilities": CLIENT_CAPABILITIES,
        "clientInfo": {"name": "branchwork", "title": "Branchwork", "version": VERSION},
    }
    return _call(fold, "initialize", "initialize", params)


def _session(fold: Fold, turn: Turn, method: str) -> Outgoing:
    params: dict[str, Any] = {"cwd": turn.cwd, "mcpServers": list(turn.mcp_servers)}
    if method != "session/new":
        params["sessionId"] = turn.agent_session_id
        message_id = method.replace("/", ":")
    else:
        message_id = "session" if turn.agent_session_id is None else RESTART_ID
    shown = {**params, "mcpServers": [_blanked(server) for server in turn.mcp_servers]}
    return _call(fold, message_id, method, params, shown)


def _blanked(server: Mapping[str, Any]) -> dict[str, Any]:
    """The server without the values of its `env` and `headers`."""
    blanked = dict(server)
    for name in ("env", "headers"):
        if name in server:
            pairs = wire.objects(server[name])
            blanked[name] = [{"name": pair.get("name"), "value": BLANK} for pair in pairs]
    return blanked


def _mode(fold: Fold, mode: str | None) -> Outgoing:
    session = fold.session
    if mode in session.modes:
        params = {"sessionId": session.id, "modeId": mode}
        return _call(fold, "mode", "session/set_mode", params)
    params = {"sessionId": session.id, "configId": session.mode_option, "value": mode}
    return _call(fold, "mode", "session/set_config_option", params)


def _prompt(fold: Fold, turn: Turn) -> Outgoing:
    blocks = [{"type": "text", "text": turn.prompt}, *turn.blocks]
    params = {"sessionId": fold.session.id, "prompt": blocks}
    return _call(fold, "prompt", "session/prompt", params)


def _can_close(fold: Fold) -> bool:
    return fold.can("close") and fold.session.id is not None


def _close(fold: Fold) -> list[Outgoing]:
    if not _can_close(fold):
        return []
    return [_call(fold, "close", "session/close", {"sessionId": fold.session.id})]


def _cancel(fold: Fold, inputs: Inputs) -> list[Outgoing]:
    prompt = fold.calls.newest("prompt")
    if not inputs.cancel or prompt is None or prompt.reply is not None:
        return []
    message = {"method": "session/cancel", "params": {"sessionId": fold.session.id}}
    return [_outgoing("cancel", message)]


def _answers(fold: Fold, turn: Turn, inputs: Inputs) -> Iterator[Outgoing]:
    for agent_call in fold.unanswered:
        if agent_call.request is None:
            yield _refusal(agent_call)
            continue
        outcome = _decision(agent_call.request, turn, inputs)
        if outcome is not None:
            reply = {"id": agent_call.call.id, "result": {"outcome": outcome}}
            yield _outgoing(f"answer:{agent_call.key}", reply)


def _refusal(agent_call: AgentCall) -> Outgoing:
    method = agent_call.call.method
    error = {"code": wire.METHOD_NOT_FOUND, "message": f"Method not found: {method[:200]}"}
    return _outgoing(f"refuse:{agent_call.key}", {"id": agent_call.call.id, "error": error})


def _decision(request: Request, turn: Turn, inputs: Inputs) -> dict[str, str] | None:
    """What to tell the agent; None while a person has not decided."""
    cancelled = {"outcome": "cancelled"}
    if inputs.cancel or inputs.close or request.outcome is PermissionOutcome.WITHDRAWN:
        return cancelled
    if request.request_id in inputs.decisions:
        chosen = inputs.decisions[request.request_id]
    elif turn.policy is Policy.BYPASS:
        chosen = _allowing(request)
    else:
        return None
    offered = {option.id for option in request.options}
    return {"outcome": "selected", "optionId": chosen} if chosen in offered else cancelled


def _allowing(request: Request) -> str | None:
    """The narrowest option that lets the agent go on."""
    for kind in ("allow_once", "allow_always"):
        for option in request.options:
            if option.kind == kind:
                return option.id
    return None


def _call(
    fold: Fold,
    message_id: str,
    method: str,
    params: Mapping[str, Any],
    shown: Mapping[str, Any] | None = None,
) -> Outgoing:
    head = {"id": fold.calls.next_id, "method": method}
    shown_params = params if shown is None else shown
    return _outgoing(message_id, {**head, "params": params}, {**head, "params": shown_params})


def _outgoing(
    message_id: str, message: Mapping[str, Any], shown: Mapping[str, Any] | None = None
) -> Outgoing:
    return Outgoing(
        message_id=message_id,
        frame=wire.frame(message),
        shown=wire.shown(message if shown is None else shown),
    )
