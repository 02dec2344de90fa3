"""The ``side`` of a test."""

from __future__ import annotations

import pytest
from rpc_sides import Side


@pytest.fixture
def side(request: pytest.FixtureRequest) -> Side:
    return Side(*request.param)
