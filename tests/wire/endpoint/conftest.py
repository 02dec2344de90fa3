"""The ``world`` of a test; what is left behind when it ends fails the test."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator

import pytest
from endpoint_pairs import World

from ocppflow.transport.clock import settle


@pytest.fixture
async def world() -> AsyncIterator[World]:
    one = World()
    yield one
    await one.close()
    gc.collect()  # "Task exception was never retrieved" is said when the task goes
    await settle()


@pytest.fixture(autouse=True)
def nothing_unretrieved(caplog: pytest.LogCaptureFixture) -> object:
    gc.freeze()  # what is there before a test need not be looked through after it: that took most of the time
    yield
    gc.collect()
    gc.unfreeze()
    said = [record.getMessage() for record in caplog.records if record.name == "asyncio" and record.levelno >= 30]
    assert said == []
