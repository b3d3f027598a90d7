"""The client on a real daemon: by its socket, and by the command that an editor starts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from branchwork.cli.lsp import command
from branchwork.client import stream
from branchwork.client.connection import Connection
from branchwork.client.editor import Editor
from branchwork.client.errors import CannotStart, RequestFailed
from branchwork.client.stream import Stream
from branchwork.daemon import lock
from branchwork.protocol import changes, daemon, projects, tasks
from branchwork.protocol.changes import ChangedParams
from branchwork.protocol.daemon import DaemonStatusParams
from branchwork.protocol.positions import Position, Range
from branchwork.protocol.projects import ProjectListParams
from support.daemons import Home

SECONDS = 120


@contextmanager
def connected(source: Stream) -> Iterator[Connection]:
    connection = Connection(source)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def editor(home: Home, repository: Path) -> Iterator[Editor]:
    """An editor that has the repository open."""
    source = stream.of_command(command(), home.environment(), repository)
    with connected(source) as connection:
        editor = Editor(connection, repository)
        editor.initialize(SECONDS)
        yield editor


def test_a_selection_becomes_a_task_and_every_connection_hears_of_it(
    home: Home, editor: Editor, repository: Path
) -> None:
    with ExitStack() as others:
        heard: list[ChangedParams] = []
        other = others.enter_context(connected(stream.of_daemon(home.data)))
        other.on(changes.CHANGED, heard.append)
        Editor(other, repository).initialize(SECONDS)
        file = repository / "cart.py"
        editor.open(file, "python")
        selection = Range(start=Position(line=1, character=0), end=Position(line=1, character=19))

        action = next(
            one for one in editor.code_actions(file, selection) if "Create task" in one.title
        )
        assert action.command is not None
        made = editor.run(action.command, tasks.CREATE)

        assert made.task.title in action.title
        other.wait_until(
            lambda: any(one.id == made.task.id for params in heard for one in params.changes),
            SECONDS,
        )


def test_the_socket_and_the_command_lead_to_the_same_daemon(
    home: Home, editor: Editor, repository: Path
) -> None:
    with connected(stream.of_daemon(home.data, start=False)) as connection:
        Editor(connection, repository).initialize(SECONDS)

        statuses = [
            one.request(daemon.STATUS, DaemonStatusParams())
            for one in (connection, editor.connection)
        ]

    assert {(status.pid, status.data_folder) for status in statuses} == {
        (home.daemon_pid(), home.data)
    }


def test_where_no_daemon_runs_and_none_is_to_be_started_it_says_so(home: Home) -> None:
    with pytest.raises(CannotStart, match=f"No Branchwork daemon runs for {home.data}"):
        stream.of_daemon(home.data, start=False)


def test_a_killed_daemon_costs_no_more_than_a_repeated_request(home: Home, editor: Editor) -> None:
    reconnected: list[object] = []
    editor.connection.on(changes.RECONNECTED, reconnected.append)
    editor.connection.request(projects.LIST, ProjectListParams())

    home.kill_daemon()
    editor.connection.wait_until(lambda: bool(reconnected), SECONDS)

    found = editor.connection.request(projects.LIST, ProjectListParams(), seconds=SECONDS)
    assert found.projects == []


def test_an_error_of_the_domain_arrives_with_its_kind(editor: Editor) -> None:
    with pytest.raises(RequestFailed) as failed:
        editor.connection.request(tasks.GET, tasks.TaskGetParams(task_id="nothing"))

    assert failed.value.code == -32010
    assert not failed.value.retryable


def test_a_daemon_that_nobody_needs_any_more_ends(home: Home, repository: Path) -> None:
    home.limit(idle_seconds=0.5)
    with connected(stream.of_command(command(), home.environment(), repository)) as connection:
        editor = Editor(connection, repository)
        editor.initialize(SECONDS)
        connection.request(projects.LIST, ProjectListParams())
        editor.shut_down()
    assert lock.wait_until_free(home.data, SECONDS)


def test_a_goodbye_ends_the_server_in_order(editor: Editor) -> None:
    assert editor.shut_down() == "The language server ended the session."
