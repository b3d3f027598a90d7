"""An editor's `initializationOptions`: what is right of them holds, what is wrong is told."""

from typing import Any

import msgspec

from branchwork.protocol.capabilities import InitializationOptions


def read(given: object) -> tuple[InitializationOptions, list[str]]:
    """The options, and a sentence for each one that is ignored."""
    if given is None:
        return InitializationOptions(), []
    if not isinstance(given, dict):
        return InitializationOptions(), [
            "The initializationOptions are ignored: they are no object."
        ]
    fields = {field.encode_name: field for field in msgspec.structs.fields(InitializationOptions)}
    taken: dict[str, Any] = {}
    complaints: list[str] = []
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            complaints.append(f"The option `{name}` is ignored: there are {', '.join(fields)}.")
        elif value is not None:
            try:
                taken[field.name] = msgspec.convert(value, field.type)
            except msgspec.ValidationError as error:
                complaints.append(f"The option `{name}` is ignored: {error}.")
    return InitializationOptions(**taken), complaints
