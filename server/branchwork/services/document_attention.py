"""What waits for a person, as a document: one section per item, with what can be answered."""

from collections.abc import Iterator, Mapping, Sequence

from branchwork.domain.approval import ApprovalOption
from branchwork.services import markdown
from branchwork.services.anchors import anchor
from branchwork.services.attention import APPROVAL, HELD_PROMPT, AttentionItem
from branchwork.services.document_names import ALL, Kind, reference
from branchwork.services.text import shortened

EXECUTION = "execution"
PROMPT = "prompt"
_HEADINGS: Mapping[str, str] = {
    APPROVAL: "asks you",
    HELD_PROMPT: "has a prompt that was not sent",
    "finished": "is ready to be looked at",
    "failed": "failed",
    "lost": "was lost",
}
_MEANINGS: Mapping[str, str] = {
    "allow_once": "it is done now; the next time you are asked again",
    "allow_always": "it is done, and the agent does not ask again for the like",
    "reject_once": "it is not done; the agent goes on without it",
    "reject_always": "it is not done, and the agent does not ask again for the like",
}


def text(items: Sequence[AttentionItem]) -> str:
    """The document."""
    return "\n".join(_lines(items)) + "\n"


def request(sentence: str, options: Sequence[ApprovalOption]) -> Iterator[str]:
    """An agent's request and its possible answers, below a heading of the caller's."""
    yield markdown.fenced(sentence)
    yield ""
    for option in options:
        meaning = _MEANINGS.get(option.kind, "the agent knows what it means")
        yield f"- {markdown.line(option.name)}: {meaning}"
    yield ""
    yield "Run a code action here to answer."


def _lines(items: Sequence[AttentionItem]) -> Iterator[str]:
    yield anchor(Kind.ATTENTION, ALL)
    yield "# Needs you"
    yield ""
    board = markdown.link("Board", reference(Kind.BOARD))
    yield f"{len(items)} waiting · {board}" if items else f"Nothing waits for you. · {board}"
    for item in items:
        yield ""
        yield anchor(_anchor_kind(item), item.id)
        title = markdown.line(shortened(item.task.title))
        yield f"## {title}: {_HEADINGS.get(item.kind, item.kind)}"
        yield ""
        if item.kind == APPROVAL:
            yield from request(item.sentence, item.options)
        else:
            yield markdown.fenced(item.sentence)
        yield ""
        yield f"since {item.since} · {' · '.join(_links(item))}"


def _anchor_kind(item: AttentionItem) -> str:
    return {APPROVAL: APPROVAL, HELD_PROMPT: PROMPT}.get(item.kind, EXECUTION)


def _links(item: AttentionItem) -> Iterator[str]:
    yield markdown.link("task", reference(Kind.TASK, item.task.id))
    if item.conversation_id is not None:
        yield markdown.link("conversation", reference(Kind.CONVERSATION, item.conversation_id))
    yield markdown.link("diff", reference(Kind.DIFF, item.workspace_id))
    if item.execution_id is not None:
        yield markdown.link("log", reference(Kind.LOG, item.execution_id))
