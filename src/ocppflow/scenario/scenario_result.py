"""What came of a scenario, and results for machines: JUnit XML and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal
from xml.etree import ElementTree as ET

import msgspec

from ocppflow.plain_text import one_line
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.trace import TraceRecord

_XML_CONTROL: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
"""Characters that XML cannot hold, even escaped."""


class ScenarioResult(msgspec.Struct, kw_only=True):
    """What came of one scenario in one version."""

    __repr__ = discreet_repr

    scenario: str
    title: str
    verdict: Literal["pass", "fail", "error"] = "pass"
    """``fail``: the CSMS did not do what it must; ``error``: the scenario could not be played."""
    version: str = ""
    """Of OCPP; empty if it never came to a connection."""
    step: str = ""
    """Where it ended, such as ``4 (expect started)``."""
    reason: str = ""
    """Why, in one line."""
    omitted: list[str] = []
    """What could not be judged in this version."""
    variables: dict[str, Any] = {}
    seconds: float = 0.0
    records: list[TraceRecord] = []
    """What was said."""


def exit_code_of(results: Sequence[ScenarioResult]) -> int:
    """0 if all passed, 1 if one failed, 2 if one only could not be played."""
    verdicts = {result.verdict for result in results}
    return 1 if "fail" in verdicts else 2 if "error" in verdicts else 0


def scenarios_junit(results: Sequence[ScenarioResult], *, url: str = "") -> str:
    """A test suite, with a case for each scenario and version."""
    root = ET.Element("testsuites", name="ocppflow run")
    suite = ET.SubElement(root, "testsuite", name=f"scenarios against {url or 'the CSMS'}", tests=str(len(results)))
    suite.set("failures", str(sum(result.verdict == "fail" for result in results)))
    suite.set("errors", str(sum(result.verdict == "error" for result in results)))
    suite.set("time", f"{sum(result.seconds for result in results):.3f}")
    for result in results:
        case = ET.SubElement(suite, "testcase", classname=f"{result.version or 'none'}", name=_clean(result.scenario))
        case.set("time", f"{result.seconds:.3f}")
        if result.verdict != "pass":
            kind = "failure" if result.verdict == "fail" else "error"
            ET.SubElement(case, kind, message=_clean(_where(result)))
        if result.omitted:
            ET.SubElement(case, "system-out").text = _clean("\n".join(result.omitted))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _where(result: ScenarioResult) -> str:
    return f"step {result.step}: {result.reason}" if result.step else result.reason


def _clean(text: str) -> str:
    return text.translate(_XML_CONTROL)


def scenarios_json(results: Sequence[ScenarioResult], *, url: str = "") -> bytes:
    """All that is known of each, without what was said, which the page has."""
    made = msgspec.json.encode(
        {
            "url": url,
            "results": [
                {
                    "scenario": result.scenario,
                    "title": result.title,
                    "version": result.version,
                    "verdict": result.verdict,
                    "step": result.step,
                    "reason": one_line(result.reason),
                    "omitted": result.omitted,
                    "variables": result.variables,
                    "seconds": round(result.seconds, 3),
                }
                for result in results
            ],
        }
    )
    return msgspec.json.format(made, indent=2) + b"\n"
