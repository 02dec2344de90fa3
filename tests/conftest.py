"""What holds for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from _pytest.logging import LogCaptureHandler
from hypothesis import settings

from ocppflow.log_budget import BUDGET
from tests.any_store import any_database, any_inline_store, any_store

__all__ = ["any_database", "any_inline_store", "any_store"]

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
    root = logging.getLogger()
    root_before = (root.level, list(root.handlers))
    before = [(each, each.level, each.propagate, list(each.handlers)) for each in _ours()]
    for each in _ours():
        each.disabled = False
    yield
    root.setLevel(root_before[0])
    for handler in list(root.handlers):  # pytest has other handlers of its own in each phase of a test
        if handler not in root_before[1] and not isinstance(handler, LogCaptureHandler):
            root.removeHandler(handler)
    for logger, level, propagate, handlers in before:
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers[:] = handlers
