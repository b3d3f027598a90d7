"""Every method of the protocol by its name."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from branchwork.protocol import (
    agents,
    approvals,
    attention,
    changes,
    conversations,
    daemon,
    diffs,
    documents,
    executions,
    merges,
    projects,
    repos,
    settings,
    starts,
    tasks,
    workspaces,
)
from branchwork.protocol.method import Notification, Request

MODULES: tuple[ModuleType, ...] = (
    projects,
    repos,
    tasks,
    workspaces,
    starts,
    diffs,
    merges,
    conversations,
    executions,
    approvals,
    agents,
    changes,
    attention,
    settings,
    documents,
    daemon,
)

AnyRequest = Request[Any, Any]
AnyNotification = Notification[Any]


def _requests() -> Mapping[str, AnyRequest]:
    found = [item for module in MODULES for item in vars(module).values()]
    return MappingProxyType({item.method: item for item in found if isinstance(item, Request)})


def _notifications() -> Mapping[str, AnyNotification]:
    found = [item for module in MODULES for item in vars(module).values()]
    return MappingProxyType({item.method: item for item in found if isinstance(item, Notification)})


REQUESTS = _requests()
NOTIFICATIONS = _notifications()
COMMANDS: Mapping[str, AnyRequest] = MappingProxyType(
    {request.command: request for request in REQUESTS.values() if request.command is not None}
)
