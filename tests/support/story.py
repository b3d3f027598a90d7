"""The words of the end-to-end stories: what one looks for in what the server says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Wanted = Callable[[Any], Any]


def script(*steps: dict[str, Any]) -> str:
    """A prompt that makes the scripted agent play those steps."""
    return f"Please play this.\n<script>{json.dumps(steps)}</script>"


def became(task_id: str, status: str) -> Wanted:
    """A `branchwork/changed` that tells of that status of a task."""
    return lambda params: any(
        change["id"] == task_id and change.get("value", {}).get("status") == status
        for change in params["changes"]
    )


def shows(message: str) -> Wanted:
    """Work-done progress with that message."""
    return lambda params: isinstance(params.value, dict) and params.value.get("message") == message


def waits(task_id: str, kind: str = "approval") -> Wanted:
    """A `branchwork/attention/changed` with such an item of a task."""
    return lambda params: items(params, task_id, kind)


def waits_no_more(item_id: str) -> Wanted:
    """A `branchwork/attention/changed` without that item."""
    return lambda params: all(item["id"] != item_id for item in params["items"])


def items(params: Any, task_id: str, kind: str = "approval") -> list[Any]:
    """What waits of a task, of an `attention/changed` or an `attention/list`."""
    return [one for one in params["items"] if one["taskId"] == task_id and one["kind"] == kind]


def choice(item: Any, kind: str = "allow_once") -> dict[str, str]:
    """The params of `approval/respond` that choose the first option of a kind."""
    option = next(option for option in item["options"] if option["kind"] == kind)
    return {"approvalId": item["id"], "optionId": option["id"]}
