"""What holds for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from ocppflow.log_budget import BUDGET

settings.register_profile("any machine", deadline=None)  # how long an example takes says what else the machine does
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Commands and engines own the log of their process, and set it up; the next test wants it as it was."""
    BUDGET.reset()  # what other tests have logged
    library = logging.getLogger("ocppflow")
    before = library.level, library.propagate, list(library.handlers)
    yield
    library.setLevel(before[0])
    library.propagate = before[1]
    library.handlers[:] = before[2]
