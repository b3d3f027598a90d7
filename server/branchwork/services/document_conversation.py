"""A conversation as a document: what was said, what waits, and a place for the next prompt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from branchwork.agents import render
from branchwork.domain.errors import BranchworkError, NotFound
from branchwork.domain.execution_process import ExecutionProcess
from branchwork.domain.session import QueuedPrompt
from branchwork.domain.task import Task
from branchwork.services import document_attention, document_log, entries, markdown, views
from branchwork.services.anchors import WRITE, anchor, found, lines_of, written
from branchwork.services.app import App
from branchwork.services.attention import APPROVAL
from branchwork.services.document_board import marks
from branchwork.services.document_names import Kind, reference
from branchwork.services.views import ConversationView
from branchwork.store import runs
from branchwork.store.transaction import Transaction

TURN = "turn"
LEAST_OF_A_TURN = 4096
"""Characters; else the turns share what a document may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One turn: its process and the end of what was said in it."""

    execution: ExecutionProcess
    prompt: str
    text: str
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation with what was said; `agent` is the name to show.

    `sent` are the prompts that were sent last or wait to be sent.
    """

    task: Task
    view: ConversationView
    agent: str
    said: Sequence[Said]
    sent: Sequence[str]


async def read(app: App, conversation_id: str) -> Talk:
    """Rows and entries together; raises NotFound."""

    def subject(tx: Transaction) -> tuple[ConversationView, Task, list[str]]:
        view = views.conversation_view(tx, conversation_id)
        if view is None:
            raise NotFound(
                f"There is no conversation with the id {conversation_id}.",
                conversation_id=conversation_id,
            )
        return view, tx.get(Task, view.task_id), _sent(tx, view)

    view, task, sent = await app.store.read(subject)
    prompts = {turn.execution_process_id: turn.prompt or "" for turn in view.turns}
    most = max(LEAST_OF_A_TURN, document_log.MOST_CHARACTERS // (len(view.executions) or 1))
    said = [await _said(app, one, prompts.get(one.id, ""), most) for one in view.executions]
    return Talk(task=task, view=view, agent=_agent(app, view), said=said, sent=sent)


def text(talk: Talk, draft: str) -> str:
    """The document, with a prompt that is being written."""
    return "\n".join(_lines(talk)) + "\n\n" + (f"{draft}\n" if draft else "")


def prompt_in(document: str) -> str:
    """The prompt that a person has written into a document."""
    lines = lines_of(document)
    return written(lines, found(lines))


def draft_to_keep(document: str, talk: Talk) -> str:
    """The prompt that was written and neither sent nor queued, to be there again."""
    draft = prompt_in(document)
    return "" if draft in [prompt.strip() for prompt in talk.sent] else draft


def _lines(talk: Talk) -> Iterator[str]:
    view = talk.view
    yield anchor(Kind.CONVERSATION, view.id)
    yield f"# Conversation: {markdown.line(talk.task.title)}"
    yield ""
    parts = [markdown.line(talk.agent), *marks(running=view.running, needs_you=view.needs_you)]
    parts.append(markdown.link("task", reference(Kind.TASK, talk.task.id)))
    parts.append(markdown.link("diff", reference(Kind.DIFF, view.workspace_id)))
    yield " · ".join(parts)
    for number, said in enumerate(talk.said, 1):
        yield from _turn(number, said)
    for approval in view.approvals:
        yield ""
        yield anchor(APPROVAL, approval.id)
        yield "## The agent asks you"
        yield ""
        yield from document_attention.request(approval.sentence, approval.options)
    if view.queue:
        yield from _queue(view.queue)
    yield ""
    yield anchor("next", view.id)
    yield "## Next prompt"
    yield ""
    yield "Write below the next line, to the end, and run the code action “Send the prompt”."
    yield anchor(WRITE, view.id)


def _turn(number: int, said: Said) -> Iterator[str]:
    yield ""
    yield anchor(TURN, said.execution.id)
    yield f"## {number}. {markdown.line(_first_line(said.prompt)) or 'Turn'}"
    yield ""
    log = markdown.link("log", reference(Kind.LOG, said.execution.id))
    yield f"{document_log.status(said.execution)} · {log}"
    if said.left_out:
        yield ""
        yield f"{said.left_out} characters before this are left out."
    if said.text.strip():
        yield ""
        yield markdown.fenced(said.text, "text")


def _queue(queue: Sequence[QueuedPrompt]) -> Iterator[str]:
    yield ""
    yield anchor("queue", queue[0].conversation_id)
    yield f"## Queue ({len(queue)})"
    for queued in queue:
        why = markdown.line(queued.held_because or "") or "It is sent when the turn has ended."
        yield ""
        yield anchor(document_attention.PROMPT, queued.id)
        yield why
        yield ""
        yield markdown.fenced(queued.prompt)


def _sent(tx: Transaction, view: ConversationView) -> list[str]:
    planned = [plan.prompt for plan in runs.open_plans(tx, view.workspace_id)]
    last = [turn.prompt for turn in view.turns[-1:]]
    return [prompt or "" for prompt in (*last, *planned, *(one.prompt for one in view.queue))]


def _first_line(prompt: str) -> str:
    first = next((line for line in prompt.splitlines() if line.strip()), "")
    return first if len(first) <= 80 else first[:79] + "…"


async def _said(app: App, execution: ExecutionProcess, prompt: str, most: int) -> Said:
    try:
        found = await entries.of_execution(app, execution)
        whole = await app.blocking(render.text_of, tuple(found))
    except BranchworkError as error:
        whole = error.sentence
    shown, left_out = document_log.end_of(whole, most)
    return Said(execution=execution, prompt=prompt, text=shown, left_out=left_out)


def _agent(app: App, view: ConversationView) -> str:
    executor = view.sessions[-1].executor or ""
    try:
        return app.agents.find(executor).name
    except BranchworkError:
        return executor
