"""A task as a document that can be edited: title, description, how to start it, its workspaces.

Reads back what a person has edited; what cannot be found in the text any more is None.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from branchwork.domain.task import Task
from branchwork.domain.workspace import Isolation
from branchwork.services import anchors, document_diff, markdown
from branchwork.services.anchors import BEGIN, END, anchor
from branchwork.services.document_board import GROUPS, marks
from branchwork.services.document_diff import Review
from branchwork.services.document_names import Kind, reference
from branchwork.services.document_start import Choices
from branchwork.services.views import TaskView, WorkspaceView

START, WORKSPACE = "start", "workspace"
AGENT, BASE_BRANCH = "agent", "base branch"
ISOLATION, CARRY = "isolation", "carry uncommitted changes"
_YES = ("yes", "y", "true", "on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Title and description as they stand in a document; `digest` is of those that it showed.

    So an edit can be told from a document that is old, and a task that was changed meanwhile.
    """

    title: str
    description: str
    digest: str

    @property
    def is_edited(self) -> bool:
        """A person has changed something."""
        return markdown.digest(self.title, self.description) != self.digest

    def is_of(self, task: Task) -> bool:
        """The task still has what the person began with."""
        return markdown.digest(*shown(task)) == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLines:
    """The editable lines of a start; an empty one takes the default."""

    agent: str = ""
    base_branch: str = ""
    isolation: str = ""
    carry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A workspace with what git says of it."""

    view: WorkspaceView
    review: Review | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the document shows."""

    view: TaskView
    project: str
    choices: Choices
    attempts: Sequence[Attempt]


def draft_in(document: str) -> Draft | None:
    """What a person has made of title and description."""
    lines = anchors.lines_of(document)
    marks_ = anchors.found(lines)
    top, description = anchors.first(marks_, Kind.TASK), anchors.text_between(lines, marks_)
    if top is None or description is None:
        return None
    heading = next((line for line in lines[top.line + 1 :] if line.strip()), "")
    if not heading.startswith("# "):
        return None
    return Draft(
        title=markdown.unescaped(heading[2:].strip()),
        description=markdown.unescaped(description),
        digest=top.values.get("digest", ""),
    )


def start_in(document: str) -> StartLines | None:
    """How a person wants to start it."""
    lines = anchors.lines_of(document)
    marks_ = anchors.found(lines)
    begin = anchors.first(marks_, START)
    if begin is None:
        return None
    after = (one.line for one in marks_ if one.line > begin.line)
    written = _pairs(lines[begin.line : next(after, len(lines))])
    return StartLines(
        agent=written.get(AGENT, ""),
        base_branch=written.get(BASE_BRANCH, ""),
        isolation=written.get(ISOLATION, "").lower().replace(" ", "_").replace("-", "_"),
        carry=written.get(CARRY, "").lower() in _YES,
    )


def draft_to_keep(document: str, task: Task) -> Draft | None:
    """An edit that was not saved, to be there again."""
    draft = draft_in(document)
    if draft is None or not draft.is_edited:
        return None
    return None if (draft.title, draft.description) == shown(task) else draft


def shown(task: Task) -> tuple[str, str]:
    """Title and description as a document has them."""
    description = "\n".join(anchors.lines_of(task.description or "")).strip("\n")
    return markdown.plain_line(task.title), description


def text(page: Page, kept: Draft | None) -> str:
    """The document; with an edit that is kept it says what the task is now, where that differs."""
    return "\n".join(_lines(page, kept)) + "\n"


def _lines(page: Page, kept: Draft | None) -> Iterator[str]:
    task = page.view.task
    title, description = (kept.title, kept.description) if kept else shown(task)
    mark = kept.digest if kept else markdown.digest(title, description)
    yield anchor(Kind.TASK, task.id, digest=mark)
    yield f"# {markdown.escaped(title)}"
    yield ""
    yield from _description(task.id, markdown.escaped(description))
    yield from _standing(page)
    if kept is not None and not kept.is_of(task):
        yield from _as_it_is(task)
    yield from _start(page)
    yield from _workspaces(page)


def _description(task_id: str, escaped: str) -> Iterator[str]:
    yield anchor(BEGIN, task_id)
    yield escaped
    yield anchor(END, task_id)
    closing = markdown.closing_fence(escaped)
    if closing:
        yield closing


def _standing(page: Page) -> Iterator[str]:
    view = page.view
    flags = marks(running=view.flags.running, needs_you=view.flags.needs_you)
    board = markdown.link("board", reference(Kind.BOARD, view.task.project_id))
    yield ""
    yield " · ".join([GROUPS[view.task.status], *flags, markdown.line(page.project), board])


def _as_it_is(task: Task) -> Iterator[str]:
    title, description = shown(task)
    yield ""
    yield anchor("now", task.id)
    yield "## Meanwhile changed by somebody else"
    yield ""
    yield "Above stands your edit, which is not saved. The task is now:"
    yield ""
    yield markdown.fenced(f"{title}\n\n{description}")


def _start(page: Page) -> Iterator[str]:
    choices = page.choices
    yield ""
    yield anchor(START, page.view.task.id)
    yield "## Start"
    yield ""
    if choices.refusal is not None:
        yield markdown.line(choices.refusal)
        return
    yield f"- {AGENT}: {choices.agent.id if choices.agent else ''}"
    yield f"- {BASE_BRANCH}: {markdown.plain_line(choices.branch or '')}"
    yield f"- {ISOLATION}: {Isolation.WORKTREE}"
    yield f"- {CARRY}: no"
    yield ""
    names = ", ".join(f"{word} ({markdown.line(name)})" for word, name in choices.agents.items())
    yield f"Edit these lines and run the code action “Start”. Agents: {names}."
    yield f"Isolation: {Isolation.WORKTREE}, {Isolation.IN_PLACE} (in your own checkout)."
    if choices.branch is None:
        own = [f"{markdown.line(n)} {markdown.code(b)}" for n, b in choices.branches.items() if b]
        yield f"Without a base branch each repository takes its own: {', '.join(own) or 'none'}."


def _workspaces(page: Page) -> Iterator[str]:
    yield ""
    yield anchor("workspaces", page.view.task.id)
    yield "## Workspaces"
    yield ""
    if not page.attempts:
        yield "None yet."
    for attempt in page.attempts:
        yield from _workspace(attempt)


def _workspace(attempt: Attempt) -> Iterator[str]:
    view, review = attempt.view, attempt.review
    workspace = view.workspace
    yield anchor(WORKSPACE, workspace.id, files=review.to_merge if review else None)
    yield f"### {markdown.line(workspace.name or workspace.branch)}"
    yield ""
    yield f"- status: {_status(view)}"
    yield f"- branch: {markdown.code(workspace.branch)}"
    if workspace.container_ref:
        yield f"- directory: {markdown.code(workspace.container_ref)}"
    if view.conversation_id is not None:
        target = reference(Kind.CONVERSATION, view.conversation_id)
        yield f"- {markdown.link('conversation', target)}"
    yield f"- {markdown.link('diff', reference(Kind.DIFF, workspace.id))}: {_size(review)}"
    if review is not None and review.problem is None:
        standing = [document_diff.standing(status) for status in review.statuses]
        yield f"- merge: {'; '.join(standing) or 'no repository'}"
    yield ""


def _status(view: WorkspaceView) -> str:
    words = list(marks(running=view.running, needs_you=view.needs_you))
    if view.waiting is not None:
        words.append(f"waits ({markdown.line(view.waiting.why)})")
    if view.workspace.archived:
        words.append("archived")
    return ", ".join(words) or "nothing runs"


def _size(review: Review | None) -> str:
    if review is None:
        return "open it to see"
    return markdown.line(review.problem) if review.problem else document_diff.counts(review)


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    """Lines `name: value`, with or without a list's mark; the first of a name counts."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.strip().lstrip("-*+ ").partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found
