"""Fixtures of the agents' tests: recorded wires, and the official schema as an oracle."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support import npm_tools
from support.agent_journal import Journal

HERE = Path(__file__).parent
SCHEMA_PACKAGE = ("@agentclientprotocol/sdk", "2.4.0")

Check = Callable[[Mapping[str, Any], str | None], None]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture(scope="session")
def check_ours() -> Check:
    """Fails unless a message of ours is one that the protocol has, with fields that it has.

    For a reply, `asked` is the method of the request that it answers.
    """
    folder = npm_tools.ensure(*SCHEMA_PACKAGE) / "node_modules" / SCHEMA_PACKAGE[0]
    schema = json.loads((folder / "schema" / "v1" / "schema.json").read_text("utf-8"))
    definitions = schema["$defs"]

    def name_of(method: str, ending: str) -> str:
        return next(
            name
            for name, definition in definitions.items()
            if definition.get("x-method") == method and name.endswith(ending)
        )

    def fields(definition: Mapping[str, Any]) -> set[str]:
        found = set(definition.get("properties", ()))
        for choice in (*definition.get("oneOf", ()), *definition.get("anyOf", ())):
            found |= fields(choice)
        return found

    def check(message: Mapping[str, Any], asked: str | None = None) -> None:
        assert message["jsonrpc"] == "2.0"
        if "method" in message:
            ending = "Request" if "id" in message else "Notification"
            name, value = name_of(message["method"], ending), message["params"]
        elif "error" in message:
            name, value = "Error", message["error"]
        else:
            assert asked is not None
            name, value = name_of(asked, "Response"), message["result"]
        ours = {"$ref": f"#/$defs/{name}", "$defs": definitions}
        jsonschema.Draft202012Validator(ours).validate(value)
        # The schema allows any other field, so a mistyped one has to be looked for.
        assert set(value) <= fields(definitions[name])

    return check
