"""A network in memory; what is left on it when a test ends fails the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ocppflow.testing import MemoryNetwork


@pytest.fixture
async def network() -> AsyncIterator[MemoryNetwork]:
    async with MemoryNetwork() as one:
        yield one
