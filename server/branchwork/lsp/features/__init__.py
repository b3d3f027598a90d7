"""The list of what editors can ask for; each module has `register(features)`."""

from types import ModuleType

from branchwork.lsp.registry import Features

MODULES: tuple[ModuleType, ...] = ()


def collect() -> Features:
    """Everything that this server offers; built once per process."""
    features = Features()
    for module in MODULES:
        module.register(features)
    return features
