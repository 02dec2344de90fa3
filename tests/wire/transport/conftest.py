"""Servers on 127.0.0.1 and peers of every kind; each test runs on asyncio's loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from transport_peers import Authority, Site

try:
    import uvloop
except ImportError:
    uvloop = None


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if uvloop is not None:
        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest.fixture
async def site() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Makes listening servers and closes them after the test."""
    sites: list[Site] = []

    async def make(**settings: object) -> Site:
        one = Site(**settings)  # type: ignore[arg-type]
        sites.append(one)
        await one.server.listen("127.0.0.1")
        return one

    yield make
    for one in sites:
        await one.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority with certificates for a server and some stations."""
    return Authority(Path(tmp_path_factory.mktemp("ca")), "Test Root")
