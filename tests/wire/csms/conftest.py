"""A complete CSMS in memory, on a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from csms_world import CSMSWorld


@pytest.fixture
async def csms_world() -> AsyncIterator[CSMSWorld]:
    async with CSMSWorld() as one:
        yield one
