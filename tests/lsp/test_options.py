"""initializationOptions: what is right holds, what is wrong is told and stops nothing."""

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from branchwork.lsp.registry import Features
from branchwork.services.app import App
from support.inproc import Client, connected

TODO = "def last(items):\n    # TODO(ada): handle empty input\n    return items[-1]\n"


async def lenses(client: Client, file: Path) -> list[Any] | None:
    params = {"textDocument": {"uri": file.as_uri()}}
    found: list[Any] | None = await client.request("textDocument/codeLens", params)
    return found


@pytest.mark.parametrize(
    ("options", "told", "has_lenses"),
    [
        ({"lens": "yes"}, "The option `lens` is ignored: Expected `bool`, got `str`.", False),
        (
            {"lens": True, "logLevel": "loud"},
            "The option `logLevel` is ignored: Invalid enum value 'loud'.",
            True,
        ),
        (
            {"lens": True, "colour": 1},
            "The option `colour` is ignored: there are lens, progress, notices, logLevel.",
            True,
        ),
        ([1], "The initializationOptions are ignored: they are no object.", False),
    ],
)
async def test_a_wrong_option_is_told_and_the_others_hold(
    app: App,
    offered_features: Features,
    repository: Path,
    options: Any,
    told: str,
    has_lenses: bool,
) -> None:
    (repository / "cart.py").write_text(TODO)
    async with connected(app, offered_features, initialize=False) as client:
        shown = client.wait_for("window/showMessage")
        await client.initialize(roots=(repository,), initializationOptions=options)
        assert (await shown)["message"] == told
        assert bool(await lenses(client, repository / "cart.py")) is has_lenses


async def test_lenses_over_todos_where_they_are_wanted(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> None:
    """What is behind one makes the task that its code action would make."""
    file = repository / "cart.py"
    file.write_text(TODO)
    async with connected(
        app, offered_features, initialize=False, environment=environment
    ) as client:
        await client.initialize(roots=(repository,), initializationOptions={"lens": True})
        found = await lenses(client, file)
        assert found is not None
        assert [lens["range"]["start"]["line"] for lens in found] == [1, 1]
        assert found[0]["command"]["title"] == "Create task"
        assert found[1]["command"]["title"].startswith("Create and start (")
        made = await client.request(
            "workspace/executeCommand",
            {key: found[0]["command"][key] for key in ("command", "arguments")},
        )
        assert made["task"]["title"] == "handle empty input"
        assert made["task"]["description"].startswith("[cart.py:2](cart.py#L2)")


async def test_no_lenses_where_nobody_asked(
    app: App, offered_features: Features, repository: Path
) -> None:
    (repository / "cart.py").write_text(TODO)
    async with connected(app, offered_features, roots=(repository,)) as client:
        assert await lenses(client, repository / "cart.py") is None


@pytest.mark.parametrize(("level", "hears"), [("error", False), ("warning", True)])
async def test_the_log_has_what_was_asked_for(
    app: App, offered_features: Features, level: str, hears: bool
) -> None:
    async with connected(app, offered_features, initialize=False) as client:
        await client.initialize(branchwork={}, initializationOptions={"logLevel": level})
        await client.request("branchwork/daemon/status", {"colour": 1})
        logged = [params for method, params in client.notifications if "logMessage" in method]
        assert [one["type"] for one in logged] == [types.MessageType.Warning] * hears
