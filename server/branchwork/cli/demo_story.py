"""The steps of the demo: what an editor and its person do, one request after the other."""

import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from branchwork.cli import demo_place
from branchwork.cli.demo_place import Place
from branchwork.cli.demo_watch import Chooser, StepFailed, Watch, allow, ask_at
from branchwork.cli.lsp import command
from branchwork.cli.terminal import Terminal
from branchwork.client import stream
from branchwork.client.connection import Connection
from branchwork.client.editor import Editor
from branchwork.client.errors import ClientError
from branchwork.domain.execution_process import ExecutionStatus
from branchwork.protocol import (
    conversations,
    daemon,
    diffs,
    executions,
    merges,
    starts,
    tasks,
    workspaces,
)
from branchwork.protocol.attention import AttentionItemKind
from branchwork.protocol.conversations import ConversationPromptParams
from branchwork.protocol.daemon import DaemonStatusParams
from branchwork.protocol.diffs import WorkspaceDiffParams
from branchwork.protocol.executions import (
    ExecutionLogsParams,
    ExecutionLogsPart,
    ExecutionProcess,
    LogView,
)
from branchwork.protocol.merges import WorkspaceMergeParams, WorkspaceMergePreviewParams
from branchwork.protocol.positions import Position, Range
from branchwork.protocol.starts import WorkspaceStartParams
from branchwork.protocol.tasks import Task
from branchwork.protocol.workspaces import Workspace, WorkspaceStopParams

SCRIPTED = "SCRIPTED"
# The scripted agent needs a moment; a real one takes as long as it takes, and Ctrl-C ends it.
SECONDS = 300.0
START_SECONDS = 120.0
FIRST_LINE, LAST_LINE = 9, 10
FOLLOW_UP = "The average of an empty cart is 0\n\nPlease add this line to CHANGELOG.md as well."
TOKEN = "demo-start"


class Story:
    """One demo, from its first step to its last."""

    def __init__(
        self, place: Place, terminal: Terminal, environ: Mapping[str, str], agent: str
    ) -> None:
        self._place = place
        self._terminal = terminal
        self._environ = environ
        self._agent = agent
        self._is_scripted = agent.casefold() == SCRIPTED.casefold()
        self._seconds = SECONDS if self._is_scripted else None
        self._connection: Connection | None = None
        self._workspace: Workspace | None = None
        self.step = 0

    def tell(self) -> None:
        """All of it; StepFailed or a client's error where it goes wrong."""
        self._make_repository()
        editor, watch = self._open_editor()
        task = self._make_task(editor)
        execution, conversation_id, workspace = self._start(editor.connection, watch, task)
        self._follow(editor.connection, watch, execution)
        self._follow_up(editor.connection, watch, conversation_id)
        self._show_diff(editor.connection, workspace)
        self._merge(editor.connection, workspace)
        self._show_result()
        self._connection = None
        editor.shut_down()

    def close(self) -> None:
        """After a failure: stop what runs, and let the editor go."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(ClientError):
            if self._workspace is not None:
                params = WorkspaceStopParams(workspace_id=self._workspace.id)
                connection.request(workspaces.STOP, params, seconds=START_SECONDS)
        connection.close()

    # --- the steps -------------------------------------------------------------------------------

    def _make_repository(self) -> None:
        self._begin("A repository to work on")
        demo_place.make_repository(self._place, self._environ)
        self._terminal.say("Made by plain git, with one commit on main:")
        self._show_git("log", "--stat", "--format=%h %s")

    def _open_editor(self) -> tuple[Editor, Watch]:
        self._begin("An editor, and the daemon behind it")
        self._terminal.say("Started `branchwork lsp` as an editor does, and opened the folder.")
        connection = Connection(stream.of_command(command(), self._environ, self._place.repository))
        self._connection = connection
        choose: Chooser = allow
        if not self._is_scripted and sys.stdin.isatty():
            choose = ask_at(self._terminal)
        watch = Watch(connection, self._terminal, choose)
        editor = Editor(connection, self._place.repository, "branchwork demo")
        editor.initialize(START_SECONDS)
        status = connection.request(daemon.STATUS, DaemonStatusParams())
        if status.problem is not None:
            raise StepFailed(status.problem)
        self._terminal.say(
            f"No daemon ran for this data folder, so one was started: Branchwork {status.version}, "
            f"process {status.pid}, git {status.git_version}, SQLite {status.sqlite_version}."
        )
        return editor, watch

    def _make_task(self, editor: Editor) -> Task:
        self._begin("A task, made from a selection")
        file = self._place.file
        editor.open(file, "python")
        lines = file.read_text("utf-8").splitlines()[FIRST_LINE - 1 : LAST_LINE]
        self._terminal.say(f"Selected lines {FIRST_LINE} to {LAST_LINE} of {file.name}:")
        self._terminal.lines("\n".join(lines))
        selection = Range(
            start=Position(line=FIRST_LINE - 1, character=0),
            end=Position(line=LAST_LINE - 1, character=len(lines[-1])),
        )
        actions = editor.code_actions(file, selection)
        self._terminal.say("The editor's menu of code actions has:")
        self._terminal.lines("\n".join(f"- {action.title}" for action in actions))
        chosen = next((one for one in actions if one.title.startswith("Create task:")), None)
        if chosen is None or chosen.command is None:
            raise StepFailed("The server offers no code action that creates a task.")
        made = editor.run(chosen.command, tasks.CREATE)
        self._terminal.say(f'Chose the first. There is a task now: "{made.task.title}"')
        for note in made.notes:
            self._terminal.say(note)
        return made.task

    def _start(
        self, connection: Connection, watch: Watch, task: Task
    ) -> tuple[ExecutionProcess, str, Workspace]:
        self._begin("An agent, in a worktree and on a branch of its own")
        connection.on_progress(TOKEN, watch.show_progress)
        started = connection.request(
            starts.START,
            WorkspaceStartParams(task_id=task.id, executor=self._agent, work_done_token=TOKEN),
            seconds=START_SECONDS,
        )
        self._workspace = started.workspace
        for note in started.notes:
            self._terminal.say(note)
        if started.execution is None:
            raise StepFailed("The agent was not started. " + " ".join(started.notes))
        folder = Path(started.workspace.container_ref or "").relative_to(self._place.root)
        self._terminal.say(f"{started.session.executor} works on a branch, in a folder below ours:")
        self._terminal.lines(f"branch  {started.workspace.branch}\nfolder  {folder}")
        return started.execution, started.session.conversation_id, started.workspace

    def _follow(self, connection: Connection, watch: Watch, execution: ExecutionProcess) -> None:
        self._begin("Its log, as it comes, and its question")
        self._stream(connection, watch, execution)
        self._check_question(watch)

    def _follow_up(self, connection: Connection, watch: Watch, conversation_id: str) -> None:
        self._begin("A follow-up in the same conversation")
        self._terminal.say("Sent:")
        self._terminal.lines(FOLLOW_UP)
        answer = connection.request(
            conversations.PROMPT,
            ConversationPromptParams(conversation_id=conversation_id, prompt=FOLLOW_UP),
            seconds=START_SECONDS,
        )
        if answer.execution is None:
            held = answer.queued and answer.queued.held_because
            raise StepFailed(f"The follow-up was not sent. {held or 'It waits in the queue.'}")
        self._stream(connection, watch, answer.execution)

    def _show_diff(self, connection: Connection, workspace: Workspace) -> None:
        self._begin("What the agent changed")
        diff = connection.request(
            diffs.DIFF, WorkspaceDiffParams(workspace_id=workspace.id, with_patch=True)
        )
        if not diff.files:
            raise StepFailed("The agent changed nothing, so there is nothing to merge.")
        self._terminal.say(
            f"{diff.file_count} files, {diff.additions} lines added, {diff.deletions} removed:"
        )
        for file in diff.files:
            self._terminal.diff(file.patch or f"{file.path}: {file.omitted}")

    def _merge(self, connection: Connection, workspace: Workspace) -> None:
        self._begin("The merge")
        preview = connection.request(
            merges.MERGE_PREVIEW, WorkspaceMergePreviewParams(workspace_id=workspace.id)
        )
        for repo in preview.repos:
            if repo.refusal is not None:
                raise StepFailed(repo.refusal.sentence)
            self._terminal.say(
                f"Asked first what it would do: {repo.ahead} commits become one on "
                f"{repo.target_branch}, which changes {', '.join(repo.files)}; "
                f"conflicts: {', '.join(repo.conflicts) or 'none'}."
            )
        done = connection.request(
            merges.MERGE, WorkspaceMergeParams(workspace_id=workspace.id), seconds=START_SECONDS
        )
        for merge in done.merges:
            commit = (merge.merge_commit or "")[:7]
            self._terminal.say(f"Merged into {merge.target_branch_name} as {commit}.")
        self._terminal.say(f"The task is {done.task.status}.")

    def _show_result(self) -> None:
        self._begin("What is there now")
        self._terminal.say("On main, in the checkout that was never touched before the merge:")
        self._show_git("log", "--stat", "--format=%h %s", "--max-count=2")
        if self._show_git("status", "--short"):
            raise StepFailed("The checkout is not clean after the merge.")

    # --- what several steps do -------------------------------------------------------------------

    def _begin(self, title: str) -> None:
        self.step = self._terminal.step(title)

    def _stream(self, connection: Connection, watch: Watch, execution: ExecutionProcess) -> None:
        """Show the log of a run until its end, and how it ended."""
        result = connection.request(
            executions.LOGS,
            ExecutionLogsParams(execution_id=execution.id, view=LogView.TEXT, follow=True),
            seconds=self._seconds,
            on_part=self._show_part,
        )
        self._terminal.end_live()
        end = watch.wait_for_end(execution.id, self._seconds)
        if end.kind is not AttentionItemKind.FINISHED:
            raise StepFailed(end.sentence)
        if result.status is not ExecutionStatus.COMPLETED:
            raise StepFailed(f"The agent's process is {result.status}.")
        self._terminal.say(f"It is done, and waits to be looked at: {end.sentence}")

    def _show_part(self, part: ExecutionLogsPart) -> None:
        if part.text:
            self._terminal.live(part.text)
        if part.gap is not None:
            self._terminal.say("(some of the log came too fast to be shown)")

    def _check_question(self, watch: Watch) -> None:
        if self._is_scripted and not watch.answers:
            raise StepFailed("The agent asked for no permission before it wrote.")

    def _show_git(self, *arguments: str) -> str:
        """Run git in the person's checkout and show what it prints."""
        printed = demo_place.run_git(self._place, self._environ, *arguments)
        self._terminal.lines(f"$ git {shlex.join(arguments)}\n{printed.strip()}")
        return printed.strip()
