"""Writes the settings of the VS Code extension into its package.json: what the server takes as
`initializationOptions`, and the few that only that client knows."""

import json
from typing import Any

from branchwork.protocol.capabilities import InitializationOptions
from branchwork.protocol.generate_shapes import Exactly, Field, OneOf, Plain, shape

SECTION = "branchwork"
COMMAND = {
    "type": "array",
    "items": {"type": "string"},
    "default": [],
    "scope": "machine-overridable",
    "markdownDescription": "The command of Branchwork's server and its arguments, such as "
    '`["/home/me/.local/bin/branchwork"]`. '
    "Empty: `branchwork` on the `PATH`, else the one that the extension has installed.",
}
TRACE = {
    "type": "string",
    "enum": ["off", "messages", "verbose"],
    "default": "off",
    "scope": "window",
    "description": "Write what client and server say to each other to the output.",
}


def package_json(text: str) -> str:
    """The package.json with its section on settings as it should be; the rest stays as it is."""
    package = json.loads(text or "{}")
    package.setdefault("contributes", {})["configuration"] = _configuration()
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _configuration() -> dict[str, Any]:
    shown = {field.name: _property(field) for field in shape(InitializationOptions).fields}
    properties = {"server.command": COMMAND, **shown, "trace.server": TRACE}
    return {
        "title": "Branchwork",
        "properties": {
            f"{SECTION}.{name}": {**value, "order": place}
            for place, (name, value) in enumerate(properties.items(), start=1)
        },
    }


def _property(field: Field) -> dict[str, Any]:
    return {**_schema(field), "default": field.default, "markdownDescription": field.doc}


def _schema(field: Field) -> dict[str, Any]:
    match field.type:
        case Plain(name=name):
            return {"type": name}
        case OneOf(members=members):
            values = [each.value for each in members if isinstance(each, Exactly)]
            assert len(values) == len(members), f"{field.name} is not a choice between texts"
            return {"type": "string", "enum": values}
    raise AssertionError(f"no setting of VS Code can be a {field.type}")
