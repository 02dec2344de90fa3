from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from flow_peers import Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Nodes in memory, closed after the test."""
    one = Site()
    yield one
    await one.close()
