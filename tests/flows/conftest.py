from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from engine_runtime import Runtime
from flow_peers import PATIENCE, Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Nodes in memory, closed after the test."""
    one = Site()
    yield one
    await one.close()


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    """A runtime with an engine, ended after the test."""
    one = Runtime()
    yield one
    await asyncio.wait_for(one.engine.detach(), PATIENCE)
