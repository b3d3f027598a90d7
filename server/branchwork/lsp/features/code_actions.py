"""Code actions: a task from a selection, a diagnostic or a TODO, in any editor."""

from collections.abc import Iterator, Mapping
from typing import Any

from lsprotocol import types

from branchwork.domain.errors import BranchworkError
from branchwork.lsp import documents, texts, wire
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from branchwork.lsp.texts import Source
from branchwork.protocol import starts, tasks
from branchwork.services import defaults
from branchwork.services.tasks import CodePlace, title_of

LONGEST_TITLE = 60


async def offer_actions(
    ls: EditorConnection, params: types.CodeActionParams
) -> list[types.CodeAction]:
    """What can be made of the place in the text; nothing where there is nothing to make."""
    if documents.is_ours(ls, params.text_document.uri):
        return await documents.document_actions(ls, params)
    if not _wanted(params.context):
        return []
    try:
        source = texts.source(ls, params.text_document.uri)
    except BranchworkError:
        return []
    places = list(_places(source, params))
    if not places:
        return []
    ready = await defaults.of_file(ls.app, source.path, ls.environment)
    return [
        action
        for place, arguments, diagnostics in places
        for action in _actions(place, arguments, diagnostics, ready)
    ]


def register(features: Features) -> None:
    """What this module answers."""
    features.standard(
        types.TEXT_DOCUMENT_CODE_ACTION,
        offer_actions,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )


Offer = tuple[CodePlace, dict[str, Any], list[types.Diagnostic] | None]


def _wanted(context: types.CodeActionContext) -> bool:
    only = context.only or [types.CodeActionKind.QuickFix]
    return any(types.CodeActionKind.QuickFix.value.startswith(str(_text(kind))) for kind in only)


def _text(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _places(source: Source, params: types.CodeActionParams) -> Iterator[Offer]:
    uri, place = params.text_document.uri, params.range
    first = place.start.line
    base = {"uri": uri, "range": _plain(place), "languageId": source.language}
    todo = texts.todo_in(source.line(first))
    if todo:
        yield _place(source, first, source.line(first), todo=todo), {**base, "todo": todo}, None
    for diagnostic in params.context.diagnostics:
        told = {**base, "range": _plain(diagnostic.range), "diagnostic": _plain(diagnostic)}
        line = diagnostic.range.start.line
        found = _place(source, line, source.line(line), diagnostic=diagnostic.message)
        yield found, told, [diagnostic]
    text = _selection(source, params)
    if text.strip() and not (todo and "\n" not in text.strip()):
        yield _place(source, first, text), base, None


def _selection(source: Source, params: types.CodeActionParams) -> str:
    """The selected text; without a selection the line, where a person asked for the actions."""
    if params.range.start != params.range.end:
        return source.selected(params.range)
    asked = params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    return source.line(params.range.start.line) if asked else ""


def _place(
    source: Source, line: int, text: str, *, todo: str | None = None, diagnostic: str | None = None
) -> CodePlace:
    return CodePlace(
        path=source.path,
        line=line + 1,
        text=text,
        language=source.language,
        todo=todo,
        diagnostic=diagnostic,
    )


def _actions(
    place: CodePlace,
    arguments: dict[str, Any],
    diagnostics: list[types.Diagnostic] | None,
    ready: defaults.Defaults | None,
) -> Iterator[types.CodeAction]:
    title = _shown(title_of(place))
    yield _action(f'Create task: "{title}"', tasks.CREATE.command, arguments, diagnostics)
    if ready is not None:
        yield _action(
            f'Create and start: "{title}" ({ready.agent.name}, {ready.branch})',
            starts.CREATE_AND_START.command,
            {**arguments, "executor": ready.agent.executor},
            diagnostics,
        )


def _action(
    title: str,
    command: str | None,
    arguments: Mapping[str, Any],
    diagnostics: list[types.Diagnostic] | None,
) -> types.CodeAction:
    assert command is not None, "the protocol gives it one"
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=diagnostics,
        command=types.Command(title=title, command=command, arguments=[arguments]),
    )


def _shown(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"


def _plain(value: types.Range | types.Diagnostic) -> Any:
    return wire.converter().unstructure(value)
