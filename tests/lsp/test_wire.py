"""The converter for standard LSP: strict about texts and numbers, and still able to read enums."""

from typing import Any

import pytest
from cattrs.errors import ClassValidationError
from lsprotocol import types

from branchwork.lsp import wire

LINE = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 4}}


def test_values_of_enumerations_are_read() -> None:
    given = {
        "diagnostics": [{"range": LINE, "message": "unused", "severity": 2, "tags": [1]}],
        "only": ["quickfix"],
        "triggerKind": 1,
    }
    context = wire.converter().structure(given, types.CodeActionContext)
    assert context.trigger_kind is types.CodeActionTriggerKind.Invoked
    assert context.diagnostics[0].severity is types.DiagnosticSeverity.Warning
    assert context.diagnostics[0].tags == (types.DiagnosticTag.Unnecessary,)


@pytest.mark.parametrize(
    "position", [{"line": "1", "character": 0}, {"line": 1, "character": None}]
)
def test_a_number_is_a_number(position: dict[str, Any]) -> None:
    with pytest.raises(ClassValidationError):
        wire.converter().structure(position, types.Position)
