"""Results for machines: JUnit XML, as CI servers read it, and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.plain_text import one_line

_XML_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""Characters that XML cannot hold, even escaped."""


def junit_xml(results: Sequence[CaseResult], *, station: str = "") -> str:
    """A test suite for each version. What is not applicable or not written counts as skipped."""
    root = ET.Element("testsuites", name="ocppflow check station")
    for version in dict.fromkeys(result.version for result in results):
        mine = [result for result in results if result.version is version]
        suite = ET.SubElement(root, "testsuite", name=f"{station or 'station'} OCPP {version.value}")
        kinds = [_kind(result) for result in mine]
        suite.set("tests", str(len(mine)))
        suite.set("failures", str(kinds.count("failure")))
        suite.set("errors", str(kinds.count("error")))
        suite.set("skipped", str(kinds.count("skipped")))
        suite.set("time", f"{sum(result.seconds for result in mine):.3f}")
        for result in mine:
            _add_case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _kind(result: CaseResult) -> str:
    if result.verdict is Verdict.FAIL:
        return "failure"
    if result.verdict is Verdict.ERROR:
        return "error"
    return "skipped" if result.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_WRITTEN) else ""


def _add_case(suite: ET.Element, result: CaseResult) -> None:
    name = f"{result.case} {result.title}".strip()
    case = ET.SubElement(suite, "testcase", classname=f"{result.version.value}.{result.block}", name=_text(name))
    case.set("time", f"{result.seconds:.3f}")
    kind = _kind(result)
    if kind:
        said = ET.SubElement(case, kind, message=_text(f"{result.verdict.value}: {result.reason}"))
        if kind == "failure":
            said.text = _text("\n".join(_finding_line(finding) for finding in result.findings))
    notes = [f"could not be judged: {text}" for text in result.omitted]
    notes += [f"could not be put back: {text}" for text in result.not_cleaned]
    if notes:
        ET.SubElement(case, "system-out").text = _text("\n".join(notes))


def _finding_line(finding: Any) -> str:
    requirements = f" ({', '.join(finding.requirements)})" if finding.requirements else ""
    message = f" [{finding.action} {finding.message_id}]" if finding.message_id else ""
    return f"{finding.text}{requirements}{message}"


def _text(text: str) -> str:
    return text.translate(_XML_CONTROL)


def results_json(results: Sequence[CaseResult], *, station: str = "") -> bytes:
    """All that is known of each case, and the number of each verdict; without what was said, which the page has."""
    counts = {verdict.value: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    cases = [
        {
            "case": result.case,
            "title": result.title,
            "version": result.version.value,
            "verdict": result.verdict.value,
            "reason": one_line(result.reason),
            "requirements": result.requirements,
            "findings": result.findings,
            "omitted": result.omitted,
            "notCleaned": result.not_cleaned,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    made = msgspec.json.encode({"station": station, "counts": counts, "cases": cases})
    return msgspec.json.format(made, indent=2) + b"\n"
