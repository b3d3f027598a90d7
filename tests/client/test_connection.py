"""The client's requests, streams, answers and errors, against a small server."""

from typing import Any

import pytest

from branchwork.client import stream
from branchwork.client.connection import Connection, fit
from branchwork.client.errors import (
    BadMessage,
    CannotStart,
    RequestFailed,
    ServerGone,
    TookTooLong,
)
from branchwork.protocol import approvals, executions, tasks
from branchwork.protocol.executions import ExecutionLogsParams, ExecutionLogsPart


def test_a_plain_request_gets_its_result(connection: Connection) -> None:
    assert connection.call("test/echo", {"text": "ein Ä"}) == {"text": "ein Ä"}


def test_a_stream_comes_in_order_and_before_its_result(connection: Connection) -> None:
    parts: list[ExecutionLogsPart] = []

    result = connection.request(
        executions.LOGS, ExecutionLogsParams(execution_id="E"), on_part=parts.append
    )

    assert "".join(part.text or "" for part in parts) == "line 0\nline 1\nline 2\n"
    assert (result.next_seq, result.exit_code) == (4, 0)


def test_a_handler_may_send_requests_of_its_own(connection: Connection) -> None:
    heard: list[Any] = []
    connection.on_plain(
        "test/told", lambda raw: heard.append(connection.call("test/echo", fit("", raw, Any)))
    )

    connection.call("test/tell", {"count": 3})

    assert [told["number"] for told in heard] == [0, 1, 2]


def test_a_handler_may_stream_while_other_notifications_wait(connection: Connection) -> None:
    heard: list[str] = []

    def stream_logs(_: Any) -> None:
        params = ExecutionLogsParams(execution_id="E")
        heard.append("begin")
        connection.request(executions.LOGS, params, on_part=lambda part: heard.append(part.text))
        heard.append("end")

    connection.on_plain("test/told", stream_logs)

    connection.call("test/tell", {"count": 2})

    assert heard == ["begin", "line 0\n", "line 1\n", "line 2\n", "end"] * 2


def test_more_notifications_than_are_kept_back_all_arrive(connection: Connection) -> None:
    heard: list[Any] = []
    connection.on_plain("test/told", lambda raw: heard.append(fit("", raw, Any)["number"]))

    connection.call("test/tell", {"count": 20_000})

    assert heard == list(range(20_000))


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("workspace/configuration", {"items": [{}, {}]}, [None, None]),
        ("window/showMessageRequest", {"type": 3, "message": "?"}, None),
        ("window/showDocument", {"uri": "file:///x"}, {"success": False}),
    ],
)
def test_the_servers_own_requests_are_answered(
    connection: Connection, method: str, params: Any, expected: Any
) -> None:
    answer = connection.call("test/ask", {"method": method, "params": params})["answer"]

    assert answer["id"] == "mine"
    assert answer["result"] == expected


def test_a_request_of_the_server_that_nobody_knows_gets_an_error(connection: Connection) -> None:
    answer = connection.call("test/ask", {"method": "test/unheard", "params": {}})["answer"]

    assert answer["error"]["code"] == -32601


def test_an_error_carries_its_kind_and_its_sentence(connection: Connection) -> None:
    with pytest.raises(RequestFailed, match=r"It was answered\.") as failed:
        connection.request(approvals.RESPOND, approvals.ApprovalRespondParams(approval_id="A"))

    assert (failed.value.code, failed.value.kind, failed.value.retryable) == (
        -32011,
        "alreadyAnswered",
        False,
    )


def test_a_result_that_the_protocol_does_not_know_is_an_error(connection: Connection) -> None:
    with pytest.raises(BadMessage, match="branchwork/task/get"):
        connection.request(tasks.GET, tasks.TaskGetParams(task_id="T"))


def test_a_request_without_an_answer_is_cancelled(connection: Connection) -> None:
    cancelled: list[Any] = []
    connection.on_plain("test/told", lambda raw: cancelled.append(fit("", raw, Any)))

    with pytest.raises(TookTooLong, match="test/silent"):
        connection.call("test/silent", seconds=0.1)
    connection.wait_until(lambda: bool(cancelled))

    assert cancelled[0]["method"] == "$/cancelRequest"


def test_the_last_words_of_a_server_that_died_are_told(connection: Connection) -> None:
    with pytest.raises(ServerGone, match=r"The store can't be opened\."):
        connection.call("test/die")
    with pytest.raises(ServerGone):
        connection.call("test/echo")


def test_what_is_no_message_is_an_error(connection: Connection) -> None:
    with pytest.raises(BadMessage):
        connection.call("test/garbage")


def test_a_command_that_is_not_there_says_so() -> None:
    with pytest.raises(CannotStart, match="/no/such/program"):
        stream.of_command(["/no/such/program"])
