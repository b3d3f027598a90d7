"""Keeps the documents that are open in some editor up to date: their files are written anew when
the board has changed, never below an edit that a person has not saved."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from branchwork.domain.errors import BranchworkError
from branchwork.lsp import document_files
from branchwork.lsp.connection import EditorConnection
from branchwork.services import documents
from branchwork.services.document_names import Document, path_of

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
REMEMBERED = 50
"""Texts of a document by which an editor is known that has not read its file again yet."""


@dataclass(slots=True)
class LiveDocuments:
    """The documents that are open in any of the connections."""

    connections: Callable[[], Iterable[EditorConnection]]
    _ours: dict[Document, deque[int]] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Write those anew of which no editor has a text that a person has changed."""
        opened = self._opened()
        self._ours = {document: self._ours.get(document, _empty()) for document in opened}
        for document, editors in opened.items():
            try:
                await self._write(document, editors)
            except BranchworkError as error:
                logger.info("%s is not written anew: %s", document, error)

    async def _write(self, document: Document, editors: dict[EditorConnection, str]) -> None:
        ls = next(iter(editors))
        path, ours = path_of(ls.app.data, document), self._ours[document]
        ours.append(hash(await ls.app.blocking(documents.read, path)))
        if all(hash(text) in ours for text in editors.values()):
            await documents.write(ls.app, document, ls.environment)
            ours.append(hash(await ls.app.blocking(documents.read, path)))

    def _opened(self) -> dict[Document, dict[EditorConnection, str]]:
        found: dict[Document, dict[EditorConnection, str]] = {}
        for ls in self.connections():
            for document, text in document_files.opened(ls):
                found.setdefault(document, {})[ls] = text
        return found


def _empty() -> deque[int]:
    return deque(maxlen=REMEMBERED)
