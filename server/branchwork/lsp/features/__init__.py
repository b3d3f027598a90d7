"""The list of what editors can ask for; each module has `register(features)`."""

from branchwork.lsp.registry import Features


def collect() -> Features:
    """Everything that this server offers; built once per process."""
    from branchwork.lsp.features import (
        agents,
        approvals,
        changes,
        code_actions,
        code_lens,
        conversations,
        daemon,
        documents,
        executions,
        projects,
        repos,
        settings,
        tasks,
        workspaces,
    )

    features = Features()
    for module in (
        agents,
        approvals,
        changes,
        code_actions,
        code_lens,
        conversations,
        daemon,
        documents,
        executions,
        projects,
        repos,
        settings,
        tasks,
        workspaces,
    ):
        module.register(features)
    return features


def collect_for_safe_mode() -> Features:
    """What is offered where the store could not be opened: how the daemon is."""
    from branchwork.lsp.features import daemon

    features = Features()
    daemon.register(features)
    return features
