"""Code lenses over TODO comments, for editors that asked for them."""

from collections.abc import Iterator
from typing import Any

from lsprotocol import types

from branchwork.domain.errors import BranchworkError
from branchwork.lsp import documents, texts
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from branchwork.lsp.texts import Source
from branchwork.protocol import starts, tasks
from branchwork.services import defaults

MOST_LENSES = 200
"""Beyond that a file is about its TODOs, and the lenses would hide it."""


async def offer_lenses(
    ls: EditorConnection, params: types.CodeLensParams
) -> list[types.CodeLens] | None:
    """Above each TODO what a code action would offer there."""
    uri = params.text_document.uri
    if not ls.options.lens or documents.is_ours(ls, uri):
        return None
    try:
        source = texts.source(ls, uri)
    except BranchworkError:
        return None
    found = list(_todos(source))[:MOST_LENSES]
    ready = await defaults.of_file(ls.app, source.path, ls.environment) if found else None
    return [lens for line, todo in found for lens in _lenses(uri, source, line, todo, ready)]


def register(features: Features) -> None:
    """What this module answers."""
    features.standard(types.TEXT_DOCUMENT_CODE_LENS, offer_lenses, types.CodeLensOptions())


def _todos(source: Source) -> Iterator[tuple[int, str]]:
    for line, text in enumerate(source.lines):
        todo = texts.todo_in(text)
        if todo:
            yield line, todo


def _lenses(
    uri: str, source: Source, line: int, todo: str, ready: defaults.Defaults | None
) -> Iterator[types.CodeLens]:
    place = {"line": line, "character": 0}
    arguments = {
        "uri": uri,
        "range": {"start": place, "end": place},
        "languageId": source.language,
        "todo": todo,
    }
    yield _lens(line, "Create task", tasks.CREATE.command, arguments)
    if ready is not None:
        started = {**arguments, "executor": ready.agent.executor}
        title = f"Create and start ({ready.agent.name}, {ready.branch})"
        yield _lens(line, title, starts.CREATE_AND_START.command, started)


def _lens(line: int, title: str, command: str | None, arguments: dict[str, Any]) -> types.CodeLens:
    assert command is not None, "the protocol gives it one"
    place = types.Position(line, 0)
    return types.CodeLens(
        range=types.Range(place, place),
        command=types.Command(title=title, command=command, arguments=[arguments]),
    )
