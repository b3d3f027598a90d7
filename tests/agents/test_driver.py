"""What is sent to an agent, when, and that nothing is sent twice."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from branchwork.agents.acp.agent import AcpAgent
from branchwork.agents.acp.fold import Fold
from branchwork.agents.agent import Inputs, Outgoing, Policy, Turn
from support.agent_journal import Journal, fold_all

Check = Callable[[Mapping[str, Any], str | None], None]
TURN = Turn(prompt="do it", cwd="/r", mode="ask")
MODES = {
    "currentModeId": "auto",
    "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "auto", "name": "Auto"}],
}
OPTIONS = [
    {"optionId": "yes", "kind": "allow_once", "name": "Allow"},
    {"optionId": "no", "kind": "reject_once", "name": "Reject"},
]
SECRET_SERVERS = (
    {"name": "db", "command": "/mcp", "args": [], "env": [{"name": "KEY", "value": "s3cret"}]},
    {
        "type": "http",
        "name": "web",
        "url": "https://example.org",
        "headers": [{"name": "Authorization", "value": "s3cret"}],
    },
)


class Talk:
    """Our side of a conversation: what is sent goes into the journal, as the shim would do it."""

    def __init__(self, turn: Turn = TURN) -> None:
        self.turn = turn
        self.journal = Journal()
        self.sent: list[Outgoing] = []
        self._agent = AcpAgent()

    @property
    def fold(self) -> Fold:
        """Always folded anew, as by a daemon that was just started."""
        fold = Fold()
        fold_all(fold, self.journal.records)
        return fold

    def due(self, **inputs: Any) -> list[Outgoing]:
        return self._agent.next_messages(self.fold, self.turn, Inputs(**inputs))

    def pump(self, **inputs: Any) -> list[dict[str, Any]]:
        """Sends what is due; asking again finds nothing more to send."""
        due = self.due(**inputs)
        for message in due:
            self.journal.add("i", message.shown, message.message_id)
        self.sent += due
        assert self.due(**inputs) == []
        return [json.loads(message.frame) for message in due]

    def reply(self, result: Any = None, error: Any = None) -> None:
        """The agent answers our last request."""
        requests = [json.loads(m.frame) for m in self.sent]
        id_ = [r["id"] for r in requests if "method" in r and "id" in r][-1]
        body = {"result": result or {}} if error is None else {"error": error}
        self.journal.agent(id=id_, **body)

    def initialized(self, **capabilities: Any) -> "Talk":
        self.pump()
        self.reply({"protocolVersion": 1, "agentCapabilities": capabilities})
        return self

    def prompted(self, **session: Any) -> "Talk":
        """Up to the prompt."""
        self.initialized(sessionCapabilities={"close": {}})
        self.pump()
        self.reply({"sessionId": "s1", "modes": MODES, **session})
        self.pump()
        self.reply({})
        self.pump()
        return self

    def ask(self, id_: Any = 0) -> None:
        call = {"toolCallId": "t", "title": "Write a.txt"}
        params = {"sessionId": "s1", "toolCall": call, "options": OPTIONS}
        self.journal.agent(id=id_, method="session/request_permission", params=params)


def test_from_initialize_to_the_prompt() -> None:
    talk = Talk().prompted()
    messages = [json.loads(message.frame) for message in talk.sent]
    assert [m["method"] for m in messages] == [
        "initialize",
        "session/new",
        "session/set_mode",
        "session/prompt",
    ]
    assert [m["id"] for m in messages] == [0, 1, 2, 3]
    assert [m.message_id for m in talk.sent] == ["initialize", "session", "mode", "prompt"]
    assert messages[2]["params"] == {"sessionId": "s1", "modeId": "ask"}
    assert messages[3]["params"]["prompt"] == [{"type": "text", "text": "do it"}]


def test_nothing_is_sent_before_the_answer_before_it() -> None:
    talk = Talk()
    assert len(talk.pump()) == 1
    assert talk.pump() == []


def test_what_is_under_way_to_the_shim_is_asked_for_under_the_same_id() -> None:
    """Until it is journaled it is due again: the shim knows it by its id."""
    talk = Talk()
    assert talk.due() == talk.due()


def test_frames_are_whole_lines_and_the_journal_shows_the_same() -> None:
    for message in Talk().prompted().sent:
        assert message.frame.endswith(b"\n")
        assert message.frame.count(b"\n") == 1
        assert json.loads(message.frame) == json.loads(message.shown)


def test_a_mode_may_be_a_config_option() -> None:
    option = {
        "id": "permissions",
        "category": "mode",
        "type": "select",
        "currentValue": "auto",
        "options": [{"group": "g", "name": "G", "options": [{"value": "ask", "name": "Ask"}]}],
    }
    talk = Talk().initialized()
    talk.pump()
    talk.reply({"sessionId": "s1", "configOptions": [option]})
    (message,) = talk.pump()
    assert message["method"] == "session/set_config_option"
    assert message["params"] == {"sessionId": "s1", "configId": "permissions", "value": "ask"}


def test_the_mode_is_set_even_where_it_is_the_current_one() -> None:
    talk = Talk().initialized()
    talk.pump()
    talk.reply({"sessionId": "s1", "modes": {**MODES, "currentModeId": "ask"}})
    assert talk.pump()[0]["method"] == "session/set_mode"


def test_an_agent_without_modes_just_gets_the_prompt() -> None:
    talk = Talk().initialized()
    talk.pump()
    talk.reply({"sessionId": "s1"})
    assert talk.pump()[0]["method"] == "session/prompt"


def test_no_prompt_without_the_mode_that_was_chosen() -> None:
    talk = Talk(replace(TURN, mode="paranoid")).initialized()
    talk.pump()
    talk.reply({"sessionId": "s1", "modes": MODES})
    assert talk.pump() == []
    talk = Talk().initialized()
    talk.pump()
    talk.reply({"sessionId": "s1", "modes": MODES})
    talk.pump()
    talk.reply(error={"code": -32602, "message": "no"})
    assert talk.pump() == []


def test_who_bypasses_permissions_gets_by_without_the_mode() -> None:
    """Some agents offer it only where they think it safe; each request is answered by us then."""
    talk = Talk(replace(TURN, mode="yolo", policy=Policy.BYPASS)).initialized()
    talk.pump()
    talk.reply({"sessionId": "s1", "modes": MODES})
    assert talk.pump()[0]["method"] == "session/prompt"


RESUMING = replace(TURN, agent_session_id="old")
CANNOT = {"code": -32002, "message": "Session not found"}


@pytest.mark.parametrize(
    ("capabilities", "methods"),
    [
        (
            {"loadSession": True, "sessionCapabilities": {"resume": {}}},
            ["session/resume", "session/load", "session/new"],
        ),
        ({"loadSession": True}, ["session/load", "session/new"]),
        ({}, ["session/new"]),
    ],
)
def test_a_session_is_gone_on_with_in_the_best_way_there_is(
    capabilities: dict[str, Any], methods: list[str]
) -> None:
    talk = Talk(RESUMING).initialized(**capabilities)
    for method in methods:
        (message,) = talk.pump()
        assert message["method"] == method
        if method != "session/new":
            assert message["params"]["sessionId"] == "old"
            talk.reply(error=CANNOT)
    talk.reply({"sessionId": "new"})
    boundary = talk.fold.entries[0]
    assert "without its history" in boundary.sentence  # type: ignore[attr-defined]
    assert talk.fold.agent_session_id == "new"


def test_a_missing_login_is_no_reason_to_start_over() -> None:
    talk = Talk(RESUMING).initialized(loadSession=True)
    talk.pump()
    talk.reply(error={"code": -32000, "message": "Authentication required"})
    assert talk.pump() == []


def test_a_resumed_session_keeps_its_id() -> None:
    talk = Talk(RESUMING).initialized(sessionCapabilities={"resume": {}})
    talk.pump()
    talk.reply({})
    assert talk.fold.agent_session_id == "old"


def test_a_decision_is_sent_once() -> None:
    talk = Talk().prompted()
    talk.ask()
    assert talk.pump() == []
    (answer,) = talk.pump(decisions={"0": "yes"})
    assert answer == {
        "jsonrpc": "2.0",
        "id": 0,
        "result": {"outcome": {"outcome": "selected", "optionId": "yes"}},
    }
    assert talk.pump(decisions={"0": "yes"}) == []


def test_an_id_that_is_a_text_is_given_back_as_it_was() -> None:
    talk = Talk().prompted()
    talk.ask("a b\n")
    (request,) = talk.fold.requests
    (answer,) = talk.pump(decisions={request.request_id: "no"})
    assert answer["id"] == "a b\n"
    assert not set(talk.sent[-1].message_id) & set(" \n")


@pytest.mark.parametrize("decision", [None, "an option that was never offered"])
def test_no_choice_is_a_cancelled_one(decision: str | None) -> None:
    talk = Talk().prompted()
    talk.ask()
    (answer,) = talk.pump(decisions={"0": decision})
    assert answer["result"] == {"outcome": {"outcome": "cancelled"}}


def test_only_who_chose_to_bypass_is_not_asked() -> None:
    for policy, answers in ((Policy.BYPASS, 1), (Policy.EDIT, 0), (Policy.ASK, 0)):
        talk = Talk(replace(TURN, policy=policy)).prompted()
        talk.ask()
        assert len(talk.pump()) == answers


def test_a_request_that_was_withdrawn_gets_its_answer() -> None:
    talk = Talk().prompted()
    talk.ask()
    talk.journal.agent(method="$/cancel_request", params={"requestId": 0})
    (answer,) = talk.pump()
    assert answer["result"] == {"outcome": {"outcome": "cancelled"}}


@pytest.mark.parametrize(
    "method", ["fs/write_text_file", "terminal/create", "_x", "elicitation/create"]
)
def test_what_we_do_not_do_is_refused(method: str) -> None:
    talk = Talk().prompted()
    talk.journal.agent(id=5, method=method, params={})
    (refusal,) = talk.pump()
    assert (refusal["id"], refusal["error"]["code"]) == (5, -32601)


def test_a_cancel_answers_what_is_pending() -> None:
    """Some agents wait for their answer before they stop."""
    talk = Talk().prompted()
    talk.ask()
    cancel, answer = talk.pump(cancel=True)
    assert cancel == {
        "jsonrpc": "2.0",
        "method": "session/cancel",
        "params": {"sessionId": "s1"},
    }
    assert answer["result"] == {"outcome": {"outcome": "cancelled"}}


def test_a_run_that_is_stopped_before_its_prompt_is_not_prompted() -> None:
    talk = Talk().initialized()
    talk.pump()
    talk.reply({"sessionId": "s1"})
    assert talk.pump(cancel=True) == []


def test_goodbye() -> None:
    talk = Talk().prompted()
    talk.reply({"stopReason": "end_turn"})
    assert talk.pump() == []
    (close,) = talk.pump(close=True)
    assert close["method"] == "session/close"
    ends = AcpAgent().input_ends
    assert not ends(talk.fold, talk.turn, Inputs(close=True))
    talk.reply({})
    assert ends(talk.fold, talk.turn, Inputs(close=True))


def test_secrets_go_to_the_agent_and_not_into_the_journal() -> None:
    talk = Talk(replace(TURN, mcp_servers=SECRET_SERVERS)).initialized()
    talk.pump()
    assert b"s3cret" in talk.sent[-1].frame
    assert "s3cret" not in talk.sent[-1].shown
    assert "s3cret" not in repr(talk.sent[-1]) + repr(talk.turn)
    assert "Authorization" in talk.sent[-1].shown


def test_ids_go_on_from_the_journal_at_every_prefix() -> None:
    """A daemon that starts in the middle sends what is missing, under ids that were never used."""
    talk = Talk().prompted()
    talk.ask()
    talk.pump(decisions={"0": "yes"})
    talk.reply({"stopReason": "end_turn"})
    talk.pump(close=True)
    records = talk.journal.records
    for length in range(len(records) + 1):
        fold = Fold()
        fold_all(fold, records[:length])
        ids = {r.message_id for r in records[:length]}
        used = [json.loads(str(r.data)).get("id") for r in records[:length] if r.stream == "i"]
        inputs = Inputs(decisions={"0": "yes"}, close=length >= len(records) - 1)
        for message in AcpAgent().next_messages(fold, TURN, inputs):
            assert message.message_id not in ids
            sent = json.loads(message.frame)
            assert "method" not in sent or sent["id"] not in used


def test_every_message_is_one_of_the_protocol(check_ours: Check) -> None:
    option = {
        "id": "m",
        "category": "mode",
        "options": [{"value": "ask", "name": "Ask"}],
        "currentValue": "ask",
    }
    capabilities = {"loadSession": True, "sessionCapabilities": {"resume": {}, "close": {}}}
    with_option = {"sessionId": "s1", "configOptions": [option]}
    for session in ({"sessionId": "s1", "modes": MODES}, with_option):
        talk = Talk(replace(RESUMING, mcp_servers=SECRET_SERVERS)).initialized(**capabilities)
        for _ in range(2):
            talk.pump()
            talk.reply(error=CANNOT)
        talk.pump()
        talk.reply(session)
        talk.pump()
        talk.reply({})
        talk.pump()
        talk.ask(0)
        talk.ask(1)
        talk.journal.agent(id=5, method="fs/write_text_file", params={})
        talk.pump(decisions={"0": "yes"})
        talk.pump(cancel=True)
        talk.reply({"stopReason": "cancelled"})
        talk.pump(close=True)
        assert len(talk.sent) == 11
        for message in talk.sent:
            is_permission = message.message_id.startswith("answer:")
            asked = "session/request_permission" if is_permission else None
            check_ours(json.loads(message.frame), asked)
            check_ours(json.loads(message.shown), asked)


def test_the_oracle_knows_a_wrong_message(check_ours: Check) -> None:
    wrong = {"jsonrpc": "2.0", "id": 1, "method": "session/new", "params": {"mcpServers": []}}
    with pytest.raises(Exception, match="cwd"):
        check_ours(wrong, None)
