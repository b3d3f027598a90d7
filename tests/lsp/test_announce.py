"""What needs a person is announced with two choices, and neither of them allows anything."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from branchwork.lsp import announce
from branchwork.lsp.registry import Features
from branchwork.services import attention
from branchwork.services.app import App
from support.desk import SHOWS, Desk
from support.inproc import Client, connected

REQUEST = "window/showMessageRequest"
Connect = Callable[..., Any]


@pytest.fixture
async def desk(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> AsyncIterator[Desk]:
    async with connected(
        app, offered_features, initialize=False, environment=environment
    ) as client:
        await client.initialize(roots=(repository,), capabilities=SHOWS)
        yield Desk(client)


def choices(params: Any) -> list[str]:
    return [action["title"] for action in params["actions"]]


async def test_open_shows_the_attention_document(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository, "Ask [x](command:evil)\x1b")
    desk.client.on_request(REQUEST, lambda params: params["actions"][0])
    shown = desk.client.wait_for("window/showDocument")
    told = desk.client.wait_for(REQUEST)
    await desk.start(task, '[{"write": "a.py", "ask": true}]')
    params = await told
    assert choices(params) == ["Open", "Later"]
    assert params["message"].startswith("Ask [x](command:evil) asks: ")
    assert "\x1b" not in params["message"]
    assert (await shown)["uri"].endswith("/attention/all.branchwork.md")


@pytest.mark.parametrize("answer", [None, {"title": "Later"}, {"title": "Allow"}, 5, {}])
async def test_anything_else_is_later(desk: Desk, repository: Path, answer: Any) -> None:
    task = await desk.new_task(repository)
    desk.client.on_request(REQUEST, lambda _: answer)
    told = desk.client.wait_for(REQUEST)
    _, item = await desk.asked(task)
    await told
    waiting = await desk.client.request("branchwork/approval/list", {})
    assert [one["id"] for one in waiting["approvals"]] == [item["id"]]
    assert desk.shown == []


async def test_each_thing_is_announced_once(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    desk.client.on_request(REQUEST, lambda _: None)
    _, item = await desk.asked(task)
    finished = desk.client.wait_for(REQUEST, lambda params: "asks" not in params["message"])
    answer = {"approvalId": item["id"], "optionId": "allow"}
    await desk.client.request("branchwork/approval/respond", answer)
    await finished
    assert len([method for method, _ in desk.client.asked if method == REQUEST]) == 2


@pytest.mark.parametrize(
    ("branchwork", "options", "wants"),
    [
        ({}, None, True),
        ({}, {"notices": True}, True),
        ({}, {"notices": False}, False),
        ({}, {"notices": "no", "what": 1}, True),
        ({"features": ["attention"]}, None, False),
        ({"features": ["approvals"]}, {}, True),
        ({"features": 5}, None, True),
    ],
)
async def test_an_editor_says_whether_it_wants_to_be_asked(
    app: App, offered_features: Features, branchwork: Any, options: Any, wants: bool
) -> None:
    async with connected(app, offered_features, initialize=False) as client:
        capabilities = {"experimental": {"branchwork": branchwork}}
        await client.initialize(capabilities=capabilities, initializationOptions=options)
        assert announce.wants(client.connection) is wants


async def test_an_editor_that_leaves_before_it_answers_is_no_error(
    app: App,
    desk: Desk,
    offered_features: Features,
    repository: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = await desk.new_task(repository)
    await desk.asked(task)
    (item,) = await attention.items(app)
    async with connected(app, offered_features) as client:
        hanging: Client = client
        told = hanging.wait_for(REQUEST)
        announce.announce(hanging.connection, item)
        await told
    announce.announce(hanging.connection, item)
    jobs = [job for job in app.jobs if job.get_name() == f"announce {item.id}"]
    async with asyncio.timeout(60):
        assert await asyncio.gather(*jobs) == [None] * len(jobs)
    assert "Traceback" not in caplog.text


async def test_a_message_is_short_and_of_one_line(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository, "T" * 500)
    told = desk.client.wait_for(REQUEST)
    steps = json.dumps([{"message": "word\n" * 1000}])
    await desk.start(task, steps)
    message = (await told)["message"]
    assert len(message) < 300
    assert "\n" not in message
