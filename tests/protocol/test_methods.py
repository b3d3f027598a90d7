"""Every method holds what the conventions of the protocol promise, and its example is true."""

import re

import msgspec
import pytest

from branchwork.protocol import errors
from branchwork.protocol.method import Request
from branchwork.protocol.registry import COMMANDS, NOTIFICATIONS, REQUESTS
from branchwork.protocol.struct import ListParams, Page
from branchwork.protocol.unknown import unknown_fields

every_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=lambda r: r.method)
every_notification = pytest.mark.parametrize(
    "notification", NOTIFICATIONS.values(), ids=lambda n: n.method
)


def decodes_and_comes_back(example, kind):
    """The example has every field that is always there, none that is unknown, and no default."""
    example = dict(example)
    assert unknown_fields(example, kind) == []
    assert msgspec.to_builtins(msgspec.convert(example, kind)) == example


EXPECTED = {
    "project": "list get create update delete addRepo removeRepo",
    "repo": "list get register init update branches remotes",
    "task": "list get create createAndStart update delete children search",
    "workspace": "list get create start update stop status diff baseFile merge mergePreview",
    "conversation": "list get entries prompt queue markSeen",
    "execution": "list get stop logs",
    "approval": "list respond",
    "agent": "list",
    "changes": "subscribe since",
    "attention": "list claim",
    "settings": "get update",
    "document": "open",
    "daemon": "status doctor",
}


def test_the_methods_of_this_version():
    expected = {f"branchwork/{n}/{v}" for n, verbs in EXPECTED.items() for v in verbs.split()}
    assert set(REQUESTS) == expected
    assert set(NOTIFICATIONS) == {
        "branchwork/changed",
        "branchwork/attention/changed",
        "branchwork/reconnected",
    }


@every_request
def test_params_and_result_of_the_example_decode(request_: Request):
    msgspec.convert(dict(request_.example.params), request_.params)
    assert unknown_fields(dict(request_.example.params), request_.params) == []
    decodes_and_comes_back(request_.example.result, request_.result)


@every_request
def test_a_method_that_streams_shows_a_piece_and_takes_a_token(request_: Request):
    fields = {field.name for field in msgspec.structs.fields(request_.params)}
    assert ("partial_result_token" in fields) == (request_.progress is not None)
    assert (request_.example.progress is not None) == (request_.progress is not None)
    if request_.progress is not None:
        decodes_and_comes_back(request_.example.progress, request_.progress)


@every_notification
def test_the_example_of_a_notification_decodes(notification):
    decodes_and_comes_back(notification.example, notification.params)


@every_request
def test_what_a_result_always_has_is_never_left_out(request_: Request):
    """A default other than null would be missing on the wire just when it is true."""
    for kind in structs_in(request_.result) | structs_in(request_.progress):
        for field in msgspec.structs.fields(kind):
            assert field.required or field.default is None, f"{kind.__name__}.{field.name}"


def structs_in(kind) -> set[type[msgspec.Struct]]:
    if kind is None:
        return set()
    types = msgspec.inspect.type_info(kind)
    found: set[type[msgspec.Struct]] = set()
    pending = [types]
    while pending:
        each = pending.pop()
        if isinstance(each, msgspec.inspect.StructType):
            if each.cls in found:
                continue
            found.add(each.cls)
            pending += [field.type for field in each.fields]
        for name in ("types", "item_type", "value_type", "type"):
            inner = getattr(each, name, ())
            pending += inner if isinstance(inner, tuple) else [inner]
    return found


@every_request
def test_lists_are_paged(request_: Request):
    assert issubclass(request_.params, ListParams) == issubclass(request_.result, Page)


@every_request
def test_docs_are_whole_sentences(request_: Request):
    for text in filter(None, (request_.doc, request_.bare)):
        assert re.fullmatch(r"[A-Z`].*\.", text), text
        assert text.count(". ") <= 2, text


@every_request
def test_listed_errors_have_codes_and_are_not_those_of_every_method(request_: Request):
    for error in request_.errors:
        assert errors.error_code(error) is not None
        assert error not in errors.ANYWHERE


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_decodes_without_an_argument(command):
    request = COMMANDS[command]
    assert command == request.method.replace("branchwork/", "branchwork.server.").replace("/", ".")
    msgspec.convert({}, request.params)


def test_the_commands_that_editors_can_run():
    expected = """task.create task.createAndStart task.update workspace.start workspace.stop
        workspace.merge workspace.mergePreview workspace.diff conversation.prompt
        conversation.queue conversation.markSeen approval.respond document.open execution.stop"""
    assert set(COMMANDS) == {f"branchwork.server.{name}" for name in expected.split()}


def test_error_codes_are_our_own_or_those_of_lsp_and_differ():
    codes = [each.code for each in errors.CODES.values()]
    assert len(set(codes)) == len(codes)
    own = [code for code in codes if code not in (-32602, -32801)]
    assert all(-32099 <= code <= -32000 for code in own)
    assert not {-32001, -32002} & set(codes)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"taskId": None}, "$.taskId"),
        ({"taskId": 5}, "$.taskId"),
        ({}, "taskId"),
    ],
)
def test_wrong_params_name_the_field(params, message):
    kind = REQUESTS["branchwork/task/get"].params
    with pytest.raises(msgspec.ValidationError, match=re.escape(message)):
        msgspec.convert(params, kind)


@pytest.mark.parametrize("limit", [0, 1001, "10"])
def test_a_limit_out_of_range_is_refused(limit):
    kind = REQUESTS["branchwork/task/list"].params
    with pytest.raises(msgspec.ValidationError, match=r"\$\.limit"):
        msgspec.convert({"limit": limit}, kind)


def test_an_update_tells_null_from_left_out():
    kind = REQUESTS["branchwork/task/update"].params
    assert msgspec.convert({"taskId": "t"}, kind).description is msgspec.UNSET
    assert msgspec.convert({"taskId": "t", "description": None}, kind).description is None
