"""Verdict and CaseResult: what came of a case."""

from __future__ import annotations

from enum import Enum

import msgspec

from ocppflow.check.heard import Finding
from ocppflow.messages import Version
from ocppflow.trace import TraceRecord


class Verdict(Enum):
    """What came of a case."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    """The station did not do what it must."""
    ERROR = "error"
    """The case could not be carried out: the station is not there, a request never became a CALL, nobody could do what
    the operator has to."""
    PARTIAL = "partial"
    """It passed, as far as could be judged; ``omitted`` says what could not."""
    NOT_APPLICABLE = "not applicable"
    NOT_WRITTEN = "not written"
    """There is such an official case, and this tool does not have it yet."""


class CaseResult(msgspec.Struct, kw_only=True):
    """What came of one case in one version."""

    case: str
    title: str
    version: Version
    verdict: Verdict
    reason: str = ""
    """Of a verdict other than pass and partial, in one line."""
    requirements: tuple[str, ...] = ()
    findings: list[Finding] = []
    omitted: list[str] = []
    not_cleaned: list[str] = []
    """What could not be put back as it was before the case."""
    seconds: float = 0.0
    records: list[TraceRecord] = []
    """What was said."""

    @property
    def block(self) -> str:
        """The letter of the functional block."""
        return self.case.split("_")[1]


def exit_code(results: list[CaseResult]) -> int:
    """0 if nothing failed, 1 if something did, 2 if only something could not be carried out."""
    verdicts = {result.verdict for result in results}
    if Verdict.FAIL in verdicts:
        return 1
    return 2 if Verdict.ERROR in verdicts else 0
