"""What holds for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from ocppflow.log_budget import BUDGET

settings.register_profile("any machine", deadline=None)  # how long an example takes says what else the machine does
settings.load_profile("any machine")


def _ours() -> list[logging.Logger]:
    named = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("ocppflow.")]
    return [logging.getLogger("ocppflow"), *named]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Commands, engines and servers own the log of their process, and set it up; the next test wants it as it was."""
    BUDGET.reset()  # what other tests have logged
    logging.disable(logging.NOTSET)
    before = [(each, each.level, each.propagate, list(each.handlers)) for each in _ours()]
    for each in _ours():
        each.disabled = False
    yield
    for logger, level, propagate, handlers in before:
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers[:] = handlers
