"""Every method against wrong types, unknown fields and unknown ids: a typed error each."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from branchwork.domain.errors import NotFound
from branchwork.protocol.method import Request
from branchwork.protocol.registry import COMMANDS, REQUESTS
from support.inproc import Client, RequestFailed

INVALID_PARAMS, NOT_FOUND = -32602, -32010
WRONG = (1, -1, 1.5, True, "text", [1], ["text", 1], {"deep": [1]}, None, 10**30)
UNKNOWN = "01990000-0000-7000-8000-000000000000"


def base_of(request: Request[Any, Any]) -> dict[str, Any]:
    """Params that decode, so that one field at a time can be wrong."""
    return {
        name: value
        for name, value in request.example.params.items()
        if name not in ("partialResultToken", "workDoneToken")
    }


def wrong_values(request: Request[Any, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each field the values that are none of its type."""
    for field in msgspec.structs.fields(request.params):
        for value in WRONG:
            params = {**base_of(request), field.encode_name: value}
            try:
                msgspec.convert(params, request.params)
            except msgspec.ValidationError:
                yield field.encode_name, params


async def refusal(client: Client, method: str, params: Any) -> RequestFailed:
    with pytest.raises(RequestFailed) as refused:
        await client.request(method, params)
    return refused.value


every_method = pytest.mark.parametrize("request_", REQUESTS.values(), ids=lambda one: one.method)


@every_method
async def test_wrong_types_are_named(editor: Client, request_: Request[Any, Any]) -> None:
    cases = list(wrong_values(request_))
    names = {name for name, _ in cases}
    assert names == {field.encode_name for field in msgspec.structs.fields(request_.params)}
    for name, params in cases:
        error = await refusal(editor, request_.method, params)
        assert error.code == INVALID_PARAMS, (params, error)
        assert error.data["kind"] == "invalidInput"
        assert error.data["retryable"] is False
        assert re.split(r"[.\[]", error.data["field"])[0] == name, (params, error)


@every_method
@pytest.mark.parametrize("params", [[], [1], "text", 7, True])
async def test_params_that_are_no_object(
    editor: Client, request_: Request[Any, Any], params: Any
) -> None:
    error = await refusal(editor, request_.method, params)
    assert error.code == INVALID_PARAMS


@every_method
async def test_a_missing_field_is_named(editor: Client, request_: Request[Any, Any]) -> None:
    for field in msgspec.structs.fields(request_.params):
        if field.required:
            params = {k: v for k, v in base_of(request_).items() if k != field.encode_name}
            error = await refusal(editor, request_.method, params)
            assert (error.code, error.data["field"]) == (INVALID_PARAMS, field.encode_name)


@every_method
async def test_an_unknown_field_is_an_error_for_the_strict(
    editor: Client, request_: Request[Any, Any]
) -> None:
    params = {**base_of(request_), "nobodyKnowsThis": 1}
    error = await refusal(editor, request_.method, params)
    assert error.code == INVALID_PARAMS
    assert error.data["field"] == "nobodyKnowsThis"
    assert "nobodyKnowsThis" in error.message


@pytest.mark.parametrize("command", COMMANDS, ids=str)
async def test_a_command_takes_the_same_types(editor: Client, command: str) -> None:
    for name, params in wrong_values(COMMANDS[command]):
        call = {"command": command, "arguments": [params]}
        error = await refusal(editor, "workspace/executeCommand", call)
        assert error.code == INVALID_PARAMS, (params, error)
        assert re.split(r"[.\[]", error.data["field"])[0] == name
    for arguments in ([1], ["text"], [{}, {}], [[]]):
        call = {"command": command, "arguments": arguments}
        assert (await refusal(editor, "workspace/executeCommand", call)).code == INVALID_PARAMS


# --- unknown ids ---------------------------------------------------------------------------------

# What the example says otherwise than an id that is looked for needs it; None leaves a field out.
BESIDE: dict[str, dict[str, Any]] = {
    "branchwork/approval/respond": {"optionId": "allow"},
    "branchwork/document/open": {"kind": "task"},
    "branchwork/project/create": {"repoIds": [UNKNOWN]},
    "branchwork/repo/get": {"path": None},
    "branchwork/repo/init": {"path": "/nowhere/at/all"},
    "branchwork/settings/get": {"scope": "repo"},
    "branchwork/settings/update": {"scope": "repo", "values": {}},
    "branchwork/task/create": {"title": "A task", "uri": None, "range": None, "diagnostic": None},
}
BESIDE["branchwork/task/createAndStart"] = BESIDE["branchwork/task/create"]
NARROWING = ("list", "search", "children")
NO_ID = ("optionId", "languageId")
BY_ID = [request for request in REQUESTS.values() if NotFound in request.errors]


def with_unknown_ids(request: Request[Any, Any]) -> Iterator[dict[str, Any]]:
    """The example with ids that nothing has; for what narrows a list, each alone."""
    fields = [field.encode_name for field in msgspec.structs.fields(request.params)]
    ids = [name for name in fields if name.endswith("Id") and name not in NO_ID]
    ids = ids or [name for name in ("id", "send", "ids") if name in fields]
    base = {**base_of(request), **BESIDE.get(request.method, {})}
    given = {name: value for name, value in base.items() if value is not None and name not in ids}
    alone = [[name] for name in ids] if request.verb in NARROWING else [ids]
    yield from ({**given, **dict.fromkeys(names, UNKNOWN)} for names in alone)


@pytest.mark.parametrize("request_", BY_ID, ids=lambda one: one.method)
async def test_an_id_that_nothing_has(editor: Client, request_: Request[Any, Any]) -> None:
    for params in with_unknown_ids(request_):
        error = await refusal(editor, request_.method, params)
        assert error.code == NOT_FOUND, (params, error, error.data)
        assert error.data["retryable"] is False
        assert UNKNOWN in error.data.values(), (params, error.data)
        assert error.message.endswith(".")


@pytest.mark.parametrize("request_", BY_ID, ids=lambda one: one.method)
@pytest.mark.parametrize("id_", ["", " ", "../../etc/passwd", "'; DROP TABLE tasks; --", "🛒" * 99])
async def test_an_id_that_is_none(editor: Client, request_: Request[Any, Any], id_: str) -> None:
    for params in with_unknown_ids(request_):
        given = {name: id_ if value == UNKNOWN else value for name, value in params.items()}
        error = await refusal(editor, request_.method, given)
        assert error.code in (NOT_FOUND, INVALID_PARAMS), (given, error)


async def test_many_bad_requests_at_once_are_all_answered(editor: Client) -> None:
    asked = [
        editor.start_request(method, {"taskId": str(uuid.uuid4()), "bad": [number]})
        for number in range(20)
        for method in REQUESTS
    ]
    answers = await asyncio.wait_for(
        asyncio.gather(*(answer for _, answer in asked), return_exceptions=True), 120
    )
    assert len(answers) == len(asked)
    assert all(isinstance(answer, RequestFailed) for answer in answers)
