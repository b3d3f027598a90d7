"""What single messages of an agent become, quirk by quirk."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branchwork.agents.acp.fold import Fold
from branchwork.agents.agent import Appended
from branchwork.agents.entry_list import ENTRY_LIMIT
from branchwork.agents.render import text_of
from branchwork.domain import entry
from branchwork.domain.entry import EntryKind, PermissionOutcome, SessionStart
from branchwork.execution.journal import Record
from support.agent_journal import Journal, applied, fold_all

OPTIONS = [
    {"optionId": "yes", "kind": "allow_once", "name": "Allow"},
    {"optionId": "no", "kind": "reject_once", "name": "Reject"},
]


def folded(journal: Journal) -> Fold:
    fold = Fold()
    deltas = fold_all(fold, journal.records)
    assert applied(deltas) == list(fold.entries)
    return fold


def kinds(fold: Fold) -> list[str]:
    return [entry_.kind.value for entry_ in fold.entries]


def sent(journal: Journal, id_: Any, method: str, **params: Any) -> None:
    message = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    journal.add("i", json.dumps(message), f"{method}-{id_}")


def answered(journal: Journal, id_: Any, result: Any) -> None:
    journal.add("i", json.dumps({"jsonrpc": "2.0", "id": id_, "result": result}))


def started(journal: Journal, method: str = "session/new") -> None:
    """A handshake and a prompt."""
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 1})
    sent(journal, 1, method, cwd="/r", mcpServers=[], sessionId="s1")
    journal.agent(id=1, result={"sessionId": "s1"})
    sent(journal, 2, "session/prompt", sessionId="s1", prompt=[{"type": "text", "text": "do it"}])


def test_a_growing_message_arrives_as_parts(journal: Journal) -> None:
    fold, deltas = Fold(), []
    for part in ("I will ", "do ", "it."):
        deltas += fold.apply(journal.say(part))
    assert deltas[1:] == [Appended(0, "do "), Appended(0, "it.")]
    message = fold.entries[0]
    assert isinstance(message, entry.AgentMessage)
    assert message.text == fold.summary == "I will do it."


def test_another_message_id_begins_another_message(journal: Journal) -> None:
    journal.say("one", messageId="m1")
    journal.say(" more", messageId="m1")
    journal.say("two", messageId="m2")
    journal.say("hm", kind="agent_thought_chunk")
    fold = folded(journal)
    texts = [e.text for e in fold.entries if isinstance(e, entry.TextEntry)]
    assert texts == ["one more", "two", "hm"]
    assert fold.summary == "two"


def test_what_ends_a_model_turn_ends_a_message_without_an_id(journal: Journal) -> None:
    journal.update("tool_call", toolCallId="t", title="ls")
    for message_id in ({}, {"messageId": "m"}):
        journal.say("one", **message_id)
        journal.update("usage_update", used=1, size=2)
        journal.update("tool_call_update", toolCallId="t", status="completed")
        journal.say("two", **message_id)
    fold = folded(journal)
    texts = [e.text for e in fold.entries if isinstance(e, entry.AgentMessage)]
    assert texts == ["one", "two", "onetwo"], "only the messages with an id go on"


def test_a_warning_of_the_adapter_is_not_the_summary(journal: Journal) -> None:
    journal.say("Done.", messageId="m")
    journal.say("Warning: modes will change.")
    fold = folded(journal)
    assert fold.summary == "Done."
    assert len(fold.entries) == 2


def test_standard_error_does_not_tear_a_message_apart(journal: Journal) -> None:
    journal.say("a wo")
    journal.add("e", "phase 1")
    journal.say("rd")
    journal.add("e", "phase 2")
    fold = folded(journal)
    assert kinds(fold) == ["agent_message", "stderr"]
    assert fold.summary == "a word"


def test_the_words_of_a_subagent_are_not_the_summary(journal: Journal) -> None:
    journal.say("Mine.")
    journal.say("Not mine.", _meta={"claudeCode": {"parentToolUseId": "t1"}})
    fold = folded(journal)
    assert fold.summary == "Mine."
    assert [getattr(e, "parent_id", None) for e in fold.entries] == [None, "t1"]


def test_empty_parts_say_nothing(journal: Journal) -> None:
    journal.say("")
    assert kinds(folded(journal)) == []


def test_a_tool_call_is_merged_field_by_field_and_content_replaces(journal: Journal) -> None:
    text = {"type": "content", "content": {"type": "text", "text": "first"}}
    journal.update("tool_call", toolCallId="t", title="Write", kind="edit", content=[text])
    journal.update("tool_call_update", toolCallId="t", title="Write a.txt", rawInput={"p": 1})
    diff = {"type": "diff", "path": "/a.txt", "oldText": None, "newText": "x"}
    journal.update(
        "tool_call_update", toolCallId="t", status="completed", title=None, content=[diff]
    )
    (call,) = folded(journal).entries
    assert isinstance(call, entry.ToolCall)
    assert (call.title, call.tool_kind, call.status) == ("Write a.txt", "edit", "completed")
    assert call.content == (entry.ToolDiff(path="/a.txt", old_text=None, new_text="x"),)
    assert call.raw_input == '{"p": 1}'


def test_an_update_may_be_the_first_mention(journal: Journal) -> None:
    journal.update("tool_call_update", toolCallId="t", title="ls", status="in_progress")
    fold = folded(journal)
    assert kinds(fold) == ["tool_call"]
    assert fold.open_tool_calls == ["t"]


def test_a_permission_request_brings_its_tool_call(journal: Journal) -> None:
    """Gemini sends no tool call before it and nothing after a denial."""
    call = {"toolCallId": "t", "title": "Write a.txt", "kind": "edit", "status": "pending"}
    params = {"sessionId": "s", "toolCall": call, "options": OPTIONS}
    journal.agent(id=0, method="session/request_permission", params=params)
    fold = folded(journal)
    assert kinds(fold) == ["tool_call", "permission_request"]
    (request,) = fold.requests
    assert (request.request_id, request.sentence) == ("0", "Write a.txt?")
    assert [option.id for option in request.options] == ["yes", "no"]
    answered(journal, 0, {"outcome": {"outcome": "selected", "optionId": "no"}})
    fold = folded(journal)
    assert fold.requests[0].option_id == "no"
    assert fold.open_tool_calls == []
    assert fold.unanswered == []


@pytest.mark.parametrize(
    ("tool_call", "sentence"),
    [
        ({"title": "Create file", "locations": [{"path": "/r/a.txt"}]}, "Create file: a.txt?"),
        ({"title": "Write a.txt", "locations": [{"path": "/r/a.txt"}]}, "Write a.txt?"),
        ({"title": "/r/a.txt", "kind": "edit", "locations": [{"path": "/r/a.txt"}]}, "Edit a.txt?"),
        (
            {"title": "tidy up", "kind": "execute", "rawInput": {"command": "rm -rf /r/x"}},
            "Run: rm -rf /r/x?",
        ),
        (
            {"title": "t", "kind": "execute", "rawInput": {"command": ["sh", "-c", "a b"]}},
            "Run: sh -c 'a b'?",
        ),
        ({"title": "ls\n-l", "kind": "execute"}, "Run: ls -l?"),
        (
            {"title": "Edit files", "locations": [{"path": f"/r/{n}"} for n in "abcde"]},
            "Edit files: a, b, c and 2 more?",
        ),
        ({"title": "Really?"}, "Really?"),
        ({}, "Use a tool?"),
    ],
)
def test_the_question_names_what_would_happen(
    journal: Journal, tool_call: dict[str, Any], sentence: str
) -> None:
    sent(journal, 0, "session/new", cwd="/r", mcpServers=[])
    params = {"toolCall": {"toolCallId": "t", **tool_call}, "options": OPTIONS}
    journal.agent(id=0, method="session/request_permission", params=params)
    assert folded(journal).requests[0].sentence == sentence


def test_a_permission_request_may_only_name_its_tool_call(journal: Journal) -> None:
    journal.update("tool_call", toolCallId="t", title="rm -rf build", kind="execute")
    params = {"sessionId": "s", "toolCall": {"toolCallId": "t"}, "options": OPTIONS}
    journal.agent(id="req 1", method="session/request_permission", params=params)
    (request,) = folded(journal).requests
    assert request.sentence == "Run: rm -rf build?"
    assert " " not in request.request_id


def test_a_cancelled_request_is_withdrawn_and_still_wants_an_answer(journal: Journal) -> None:
    params = {"sessionId": "s", "toolCall": {"toolCallId": "t"}, "options": OPTIONS}
    journal.agent(id=7, method="session/request_permission", params=params)
    journal.agent(method="$/cancel_request", params={"requestId": 7})
    fold = folded(journal)
    assert fold.requests[0].outcome is PermissionOutcome.WITHDRAWN
    assert [call.key for call in fold.unanswered] == ["7"]


def test_an_id_that_is_used_again_is_another_request(journal: Journal) -> None:
    params = {"sessionId": "s", "toolCall": {"toolCallId": "t"}, "options": OPTIONS}
    for _ in range(2):
        journal.agent(id=0, method="session/request_permission", params=params)
        answered(journal, 0, {"outcome": {"outcome": "selected", "optionId": "yes"}})
    requests = folded(journal).requests
    assert [r.option_id for r in requests] == ["yes", "yes"]
    assert len({r.request_id for r in requests}) == 2


def test_a_number_and_its_text_are_different_ids(journal: Journal) -> None:
    for id_ in (1, "1"):
        journal.agent(id=id_, method="fs/read_text_file", params={})
    answered(journal, "1", {})
    (waiting,) = folded(journal).unanswered
    assert waiting.call.id == 1


def test_a_plan_is_kept_up_to_date_in_its_place(journal: Journal) -> None:
    for status in ("pending", "completed"):
        items = [{"content": "step", "priority": "high", "status": status}]
        journal.update("plan", entries=items)
        journal.say(status)
    fold = folded(journal)
    assert kinds(fold) == ["plan", "agent_message"]
    plan = fold.entries[0]
    assert isinstance(plan, entry.Plan)
    assert plan.items[0].status == "completed"


def test_an_unknown_update_is_kept_and_shown(journal: Journal) -> None:
    journal.update("hologram", shape="cube")
    (unknown,) = folded(journal).entries
    assert isinstance(unknown, entry.Unknown)
    assert unknown.name == "hologram"
    assert json.loads(unknown.raw)["shape"] == "cube"


def test_notices_and_compactions(journal: Journal) -> None:
    journal.update("notice", severity="warning", title="Careful")
    journal.update("compaction_update", compactionId="c", status="in_progress")
    text = {"type": "text", "text": "short"}
    journal.update("compaction_summary_chunk", compactionId="c", content=text)
    journal.update("compaction_update", compactionId="c", status="completed")
    notice, compaction = folded(journal).entries
    assert isinstance(notice, entry.Notice)
    assert isinstance(compaction, entry.Compaction)
    assert (compaction.status, compaction.summary) == ("completed", "short")


def test_terminal_output_comes_in_parts(journal: Journal) -> None:
    terminal = [{"type": "terminal", "terminalId": "t"}]
    journal.update("tool_call", toolCallId="t", title="make", kind="execute", content=terminal)
    for part in ("one\n", "two\n"):
        meta = {"terminal_output_delta": {"data": part, "terminal_id": "t"}}
        journal.update("tool_call_update", toolCallId="t", _meta=meta)
    meta = {"terminal_exit": {"exit_code": 2}}
    journal.update("tool_call_update", toolCallId="t", status="failed", _meta=meta)
    (call,) = folded(journal).entries
    assert isinstance(call, entry.ToolCall)
    assert (call.output, call.exit_code) == ("one\ntwo\n", 2)


def test_lines_that_are_no_message_share_an_entry(journal: Journal) -> None:
    for line in ("Welcome!", "[1, 2]", '"text"', "{", "", '{"id": [1], "method": "x"}'):
        journal.add("o", line)
    journal.add("o", b"\xff\xfe{")
    (garbage,) = folded(journal).entries
    assert isinstance(garbage, entry.Unreadable)
    assert garbage.text.splitlines()[:2] == ["Welcome!", "[1, 2]"]


def test_half_characters_reach_nobody(journal: Journal) -> None:
    journal.add("o", json.dumps({"method": "\ud800", "params": {"\udc00": "\ud800"}}))
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "\ud83d"}}
    journal.agent(method="session/update", params={"update": update})
    for entry_ in folded(journal).entries:
        str(entry_).encode()


def test_a_loaded_history_is_not_told_again(journal: Journal) -> None:
    sent(journal, 0, "initialize")
    journal.agent(id=0, result={"protocolVersion": 1})
    sent(journal, 1, "session/load", cwd="/r", mcpServers=[], sessionId="old")
    journal.say("old words", kind="user_message_chunk")
    journal.say("old answer")
    journal.update("tool_call", toolCallId="t", title="old tool")
    journal.update("available_commands_update", availableCommands=[{"name": "compact"}])
    journal.agent(id=1, result={})
    journal.say("late old answer")
    sent(journal, 2, "session/prompt", sessionId="old", prompt=[{"type": "text", "text": "go"}])
    journal.say("new answer")
    fold = folded(journal)
    assert kinds(fold) == [
        "available_commands",
        "session_boundary",
        "user_message",
        "agent_message",
    ]
    assert fold.agent_session_id == "old"
    boundary = fold.entries[1]
    assert isinstance(boundary, entry.SessionBoundary)
    assert boundary.start is SessionStart.LOADED
    assert fold.open_tool_calls == []


def test_an_echo_of_the_prompt_is_not_told_again(journal: Journal) -> None:
    started(journal)
    journal.say("do it", kind="user_message_chunk")
    journal.say("something else", kind="user_message_chunk")
    fold = folded(journal)
    assert kinds(fold) == ["session_boundary", "user_message", "user_message"]


def test_the_end_of_a_turn(journal: Journal) -> None:
    started(journal)
    journal.say("Done.")
    journal.update("usage_update", used=10, size=100, cost={"amount": 0.5, "currency": "EUR"})
    usage = {"inputTokens": 3, "note": "x", "weird": True}
    journal.agent(id=2, result={"stopReason": "end_turn", "usage": usage})
    fold = folded(journal)
    assert kinds(fold)[-1] == EntryKind.STOP.value
    assert fold.stop_reason == "end_turn"
    assert fold.usage == {
        "inputTokens": 3,
        "used": 10,
        "size": 100,
        "cost": 0.5,
        "currency": "EUR",
    }


def test_a_reply_with_a_wrong_id_answers_nothing(journal: Journal) -> None:
    started(journal)
    for id_ in (True, "2", None, 99):
        journal.agent(id=id_, result={"stopReason": "end_turn"})
    assert folded(journal).stop_reason is None


def test_events_of_the_process_are_told(journal: Journal) -> None:
    journal.event("started", pid=1)
    journal.event("gap", bytes=4096, of="e")
    journal.event("paused", ms=12, error="No space left on device")
    journal.event("limit", bytes=1, error="The agent was ended because it wrote too much.")
    assert kinds(folded(journal)) == ["notice", "notice", "error"]


def test_a_line_that_was_joined_late_is_not_lost(journal: Journal) -> None:
    """What was left of a cut line comes after younger records of other streams."""
    journal.say("hello")
    fold = folded(journal)
    fold.apply(Record(seq=9, t=90, stream="o", data="{}"))
    rest = Record(seq=5, t=50, stream="e", data="half a line")
    assert fold.apply(rest) != []
    assert fold.apply(rest) == []


def test_one_text_can_not_grow_for_ever(journal: Journal) -> None:
    for _ in range(12):
        journal.say("x" * 100_000)
    fold = folded(journal)
    (message,) = fold.entries
    assert isinstance(message, entry.AgentMessage)
    assert ENTRY_LIMIT < len(message.text) < ENTRY_LIMIT + 100
    assert "the raw log" in message.text


def test_one_tool_call_can_not_fill_the_memory(journal: Journal) -> None:
    diff = {"type": "diff", "path": "/a", "oldText": "x" * 90_000, "newText": "y" * 90_000}
    journal.update("tool_call", toolCallId="t", title="big", content=[diff] * 50, rawInput=diff)
    (call,) = folded(journal).entries
    assert len(repr(call)) < 500_000
    assert call.content[-1].truncated  # type: ignore[attr-defined]


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"params":['])
def test_deep_nesting_is_garbage_not_a_crash(journal: Journal, opening: str) -> None:
    journal.add("o", opening * 100_000)
    assert len(folded(journal).entries) == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["s1", "t1", "text", "diff", "selected", "end_turn"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
KINDS = """
agent_message_chunk agent_thought_chunk user_message_chunk tool_call tool_call_update plan
available_commands_update current_mode_update config_option_update session_info_update
usage_update notice compaction_update compaction_summary_chunk novelty
""".strip()
FIELDS = """
content toolCallId title status kind locations rawInput entries availableCommands
currentModeId configOptions used size cost _meta messageId compactionId summary
""".strip()
METHODS = """
session/request_permission initialize session/new session/load session/resume session/prompt
session/set_mode session/set_config_option fs/read_text_file $/cancel_request
""".strip()
PARAMS = ("toolCall", "options", "sessionId", "requestId")
updates = st.fixed_dictionaries(
    {"sessionUpdate": st.sampled_from(KINDS.split()) | json_values},
    optional=dict.fromkeys(FIELDS.split(), json_values),
)
some_id = st.none() | st.integers(0, 4) | st.sampled_from(["0", "a b", True, [], {}])
messages = st.one_of(
    st.fixed_dictionaries(
        {
            "method": st.just("session/update"),
            "params": st.fixed_dictionaries({"update": updates}) | json_values,
        }
    ),
    st.fixed_dictionaries(
        {
            "id": some_id,
            "method": st.sampled_from(METHODS.split()),
            "params": st.fixed_dictionaries({}, optional=dict.fromkeys(PARAMS, json_values))
            | json_values,
        }
    ),
    st.fixed_dictionaries({"id": some_id, "result": json_values}),
    st.fixed_dictionaries({"id": some_id, "error": json_values}),
    json_values,
)
lines = st.one_of(
    messages.map(json.dumps),
    st.text(),
    st.binary(),
)
streams = st.sampled_from(["o", "o", "o", "i", "e", "x"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(streams, lines), max_size=25))
def test_whatever_comes_in_it_never_fails(found: list[tuple[Any, str | bytes]]) -> None:
    journal = Journal()
    for stream, line in found:
        journal.add(stream, line)
    fold = folded(journal)
    text_of(fold.entries).encode()
    assert [entry_.index for entry_ in fold.entries] == list(range(len(fold.entries)))
    json.dumps([fold.usage, fold.summary, fold.agent_session_id]).encode()
