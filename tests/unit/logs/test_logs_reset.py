"""A budget that is reset begins anew, with all that may be logged at once."""

from __future__ import annotations

import logging

from ocppflow.log_budget import LogBudget


def _logged(budget: LogBudget, count: int, level: int) -> int:
    records = [logging.LogRecord("ocppflow", level, "", 0, "%s: line", (f"CS{n}",), None) for n in range(count)]
    return sum(bool(budget.filter(record)) for record in records)


def test_after_a_reset_quiet_lines_are_logged_again_whatever_was_logged_before() -> None:
    budget = LogBudget(clock=lambda: 1000.0)
    _logged(budget, 5000, logging.WARNING)
    assert _logged(budget, 10, logging.INFO) == 0
    budget.reset()
    assert _logged(budget, 10, logging.INFO) == 10
