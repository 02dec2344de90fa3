"""What one test does to the log of its process does not reach the next: two tests, the second looks."""

from __future__ import annotations

import io
import logging

from ocppflow.cli.csms_log import set_up

_left: list[logging.Handler] = []
_level_before = logging.getLogger().level


def test_a_test_sets_up_the_log_and_forgets_it() -> None:
    _left.append(set_up("debug", as_json=False, stream=io.StringIO()))
    assert _left[0] in logging.getLogger().handlers


def test_the_next_one_finds_it_as_it_was() -> None:
    root = logging.getLogger()
    assert not any(handler in root.handlers for handler in _left)
    assert root.level == _level_before
