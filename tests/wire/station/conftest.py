"""A complete station joined in memory to a CSMS whose handlers a test chooses, on a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from station_world import StationWorld


@pytest.fixture
async def world() -> AsyncIterator[StationWorld]:
    async with StationWorld() as one:
        yield one
