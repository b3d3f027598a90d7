"""Scratch: drafts, notes and interface preferences, addressed by type and id."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ScratchType(StrEnum):
    """What a scratch is for, which decides the form of its payload."""

    DRAFT_TASK = "DraftTask"
    DRAFT_FOLLOW_UP = "DraftFollowUp"
    DRAFT_WORKSPACE = "DraftWorkspace"
    PREVIEW_SETTINGS = "PreviewSettings"
    WORKSPACE_NOTES = "WorkspaceNotes"
    UI_PREFERENCES = "UiPreferences"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """`id` is the owner's id, so a row is found by type and owner."""

    id: str
    scratch_type: ScratchType
    payload: Mapping[str, Any]
    created_at: str
    updated_at: str
    revision: int = 1
