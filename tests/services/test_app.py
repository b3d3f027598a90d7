"""The composition itself: how it lets go of what it started."""

import asyncio

import pytest

from branchwork.services import app as module
from branchwork.services.app import App


async def test_a_job_that_will_not_end_does_not_keep_the_daemon(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.1)
    freed = asyncio.Event()

    async def deaf() -> None:
        while not freed.is_set():
            try:
                await freed.wait()
            except asyncio.CancelledError:
                continue

    job = app.start_job(deaf(), "a deaf job")
    await asyncio.sleep(0)
    await app.close()
    assert "a deaf job would not end" in caplog.text
    freed.set()
    await job
