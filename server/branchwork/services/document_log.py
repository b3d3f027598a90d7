"""The log of an execution as a document: its text as it is at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from branchwork.domain.errors import NotFound
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus, RunReason
from branchwork.domain.session import Session
from branchwork.domain.task import Task
from branchwork.services import logs, markdown
from branchwork.services.anchors import anchor
from branchwork.services.app import App
from branchwork.services.document_names import Kind, reference
from branchwork.store import tasks
from branchwork.store.transaction import Transaction

MOST_CHARACTERS = 1 << 20
REASONS: Mapping[RunReason, str] = {
    RunReason.SETUP_SCRIPT: "setup script",
    RunReason.CLEANUP_SCRIPT: "cleanup script",
    RunReason.ARCHIVE_SCRIPT: "archive script",
    RunReason.CODING_AGENT: "coding agent",
    RunReason.DEV_SERVER: "dev server",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An execution, what it belongs to, and the end of its log; `left_out` characters before."""

    execution: ExecutionProcess
    session: Session
    task: Task
    text: str
    left_out: int = 0


async def read(app: App, execution_id: str) -> Log:
    """Rows and journal together; raises NotFound."""

    def subject(tx: Transaction) -> tuple[ExecutionProcess, Session, Task]:
        execution = tx.get(ExecutionProcess, execution_id)
        task = tasks.of_workspace(tx, execution.workspace_id)
        return execution, tx.get(Session, execution.session_id), task

    execution, session, task = await app.store.read(subject)
    text_, left_out = await _end_of_log(app, execution_id)
    return Log(execution=execution, session=session, task=task, text=text_, left_out=left_out)


def text(log: Log) -> str:
    """The document."""
    execution = log.execution
    links = [markdown.link("task", reference(Kind.TASK, log.task.id))]
    if execution.run_reason is RunReason.CODING_AGENT:
        target = reference(Kind.CONVERSATION, log.session.conversation_id)
        links.append(markdown.link("conversation", target))
    lines = [
        anchor(Kind.LOG, execution.id),
        f"# Log: {markdown.line(log.task.title)}",
        "",
        f"{REASONS[execution.run_reason]} · {status(execution)} · {' · '.join(links)}",
        "",
    ]
    if log.left_out:
        lines += [f"{log.left_out} characters before this are left out.", ""]
    return "\n".join([*lines, markdown.fenced(log.text, "text")]) + "\n"


def status(execution: ExecutionProcess) -> str:
    """How an execution stands, or how it ended."""
    if execution.status is ExecutionStatus.RUNNING:
        return f"**running** since {execution.started_at}"
    words = [str(execution.status).lower()]
    if execution.exit_code:
        words.append(f"exit code {execution.exit_code}")
    if execution.ended_sentence and execution.status is not ExecutionStatus.COMPLETED:
        words.append(markdown.line(execution.ended_sentence))
    return " · ".join(words)


def end_of(text_: str, most: int) -> tuple[str, int]:
    """The end of a text from a line's beginning on, and how many characters are left out."""
    if len(text_) <= most:
        return text_, 0
    start = text_.find("\n", len(text_) - most) + 1
    start = start or len(text_) - most
    return text_[start:], start


async def _end_of_log(app: App, execution_id: str) -> tuple[str, int]:
    """Reads all of it, and holds little more than what is shown."""
    shown, left_out = "", 0
    try:
        async for piece in logs.text(app, execution_id, 1, follow=False):
            shown, more = end_of(shown + piece.text, MOST_CHARACTERS)
            left_out += more
    except NotFound as error:
        shown = error.sentence
    return shown, left_out
