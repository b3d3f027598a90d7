"""branchwork/settings/*: what changes how things run; what is only about showing is not here."""

from enum import StrEnum
from typing import Any

from branchwork.domain.errors import NotFound, RevisionMismatch
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import Struct


class SettingScope(StrEnum):
    """Where a setting lives: the daemon's file, a repo's row, or a workspace's."""

    DAEMON = "daemon"
    REPO = "repo"
    WORKSPACE = "workspace"


class Setting(Struct, frozen=True, kw_only=True):
    """One setting."""

    name: str
    scope: SettingScope
    value: Any
    default: Any
    doc: str | None = None


class SettingsGetParams(Struct, frozen=True, kw_only=True):
    """Whose settings."""

    scope: SettingScope = SettingScope.DAEMON
    id: str | None = None
    """Of the repo or the workspace."""


class SettingsResult(Struct, frozen=True, kw_only=True):
    """All settings of a scope."""

    settings: list[Setting]
    path: str | None = None
    """The file that the daemon's settings are in."""
    revision: int | None = None
    """Of the repo or the workspace."""
    problem: str | None = None
    """What is wrong with the file; until it is mended the defaults are in force."""


class SettingsUpdateParams(Struct, frozen=True, kw_only=True):
    """New values by name."""

    scope: SettingScope = SettingScope.DAEMON
    id: str | None = None
    expected_revision: int | None = None
    values: dict[str, Any]
    """By name; null goes back to the default."""


GET = Request(
    method="branchwork/settings/get",
    params=SettingsGetParams,
    result=SettingsResult,
    doc="The settings of the daemon, a repo or a workspace, with their defaults.",
    errors=(NotFound,),
    example=Example(
        params={"scope": "daemon"},
        result={"settings": [examples.SETTING], "path": "/home/me/.config/branchwork.toml"},
    ),
)
UPDATE = Request(
    method="branchwork/settings/update",
    params=SettingsUpdateParams,
    result=SettingsResult,
    doc="Changes the settings that are named and answers with all of that scope. "
    "An unknown name or a wrong value changes nothing.",
    errors=(NotFound, RevisionMismatch),
    example=Example(
        params={"scope": "daemon", "values": {"agents_at_once": 6}},
        result={"settings": [{**examples.SETTING, "value": 6}]},
    ),
    mutating=True,
)
