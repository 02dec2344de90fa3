"""What comes of a check, for machines and for people: JUnit, JSON, the page, and the operators that others are."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ocppflow.check.control_operator import ControlOperator
from ocppflow.check.heard import Finding
from ocppflow.check.operator import OperatorCannot
from ocppflow.check.prompting_operator import PromptingOperator
from ocppflow.check.result_files import junit_xml, results_json
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.cli.check_page import check_page
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version, v21
from ocppflow.trace import TraceRecord

_RECORDS = [
    TraceRecord(1.0, "CS1", "connected", "CSMS", "2.1"),
    TraceRecord(1.1, "CS1", "out", "CSMS", "2.1", data=b'[2,"m1","Reset",{"type":"OnIdle"}]'),
    TraceRecord(1.2, "CS1", "in", "CSMS", "2.1", data=b'[3,"m1",{"status":"Rejected"}]', latency=0.1),
]

RESULTS = [
    CaseResult(
        case="TC_B_01_CS", title="boots", version=Version.V21, verdict=Verdict.PASS, requirements=("B01.FR.01",)
    ),
    CaseResult(
        case="TC_B_20_CS",
        title="resets <b>",
        version=Version.V21,
        verdict=Verdict.FAIL,
        reason="Reset response: status is Rejected, not Accepted",
        findings=[
            Finding(
                text="Reset response: status is Rejected, not Accepted",
                requirements=("B11.FR.01",),
                action="Reset",
                message_id="m1",
            )
        ],
        not_cleaned=["variables: x\x00y"],
        seconds=1.5,
        records=_RECORDS,
    ),
    CaseResult(case="TC_B_25_CS", title="", version=Version.V21, verdict=Verdict.NOT_APPLICABLE, reason="C-13"),
    CaseResult(case="TC_B_99_CS", title="", version=Version.V201, verdict=Verdict.NOT_WRITTEN, reason="not yet"),
    CaseResult(case="TC_E_09_CS", title="plugs", version=Version.V201, verdict=Verdict.ERROR, reason="no operator"),
]


def test_junit_has_a_suite_for_each_version_and_counts_right() -> None:
    root = ET.fromstring(junit_xml(RESULTS, station="CS1"))
    first, second = root.findall("testsuite")
    assert (first.get("name"), first.get("tests"), first.get("failures"), first.get("skipped")) == (
        *("CS1 OCPP 2.1", "3", "1", "1"),
    )
    assert (second.get("errors"), second.get("skipped")) == ("1", "1")
    failure = first.find("testcase/failure")
    assert failure is not None
    assert failure.text == "Reset response: status is Rejected, not Accepted (B11.FR.01) [Reset m1]"
    said = first.find("testcase/system-out")
    assert said is not None
    assert said.text == "could not be put back: variables: xy"


def test_json_has_all_cases_and_never_counts_one_that_is_not_written_as_passed() -> None:
    data = json.loads(results_json(RESULTS, station="CS1"))
    assert data["counts"] == {
        "pass": 1,
        "fail": 1,
        "error": 1,
        "partial": 0,
        "not applicable": 1,
        "not written": 1,
    }
    assert data["cases"][1]["findings"][0]["requirements"] == ["B11.FR.01"]
    assert data["cases"][1]["notCleaned"]


def test_the_page_shows_each_case_with_its_diagram_and_what_is_broken() -> None:
    page = check_page(RESULTS, station="CS1")
    assert page.count("<svg") == 1
    assert "resets &lt;b&gt;" in page
    assert "B11.FR.01; Reset m1" in page
    assert "2 cases not carried out" not in page
    assert page.count("1 cases not carried out") == 2


async def test_a_person_is_asked_and_may_say_no() -> None:
    asked: list[str] = []

    async def ask(sentence: str) -> bool:
        asked.append(sentence)
        return "EVSE 1" in sentence

    person = PromptingOperator(ask)
    await person.plug(1)
    await person.present(1, v21.IdTokenType(id_token="A1", type="ISO14443"))
    with pytest.raises(OperatorCannot, match="it could not be done: Cut the station's power"):
        await person.power_cycle()
    assert asked[0] == "Connect the EV to EVSE 1, connector 1."


class _Control(BaseHTTPRequestHandler):
    heard: list[tuple[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.path, json.loads(body)))
        self.send_response(404 if "fault" in self.path else 200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


async def test_a_control_api_is_told() -> None:
    _Control.heard = []
    server = HTTPServer(("127.0.0.1", 0), _Control)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        control = ControlOperator(f"http://127.0.0.1:{server.server_port}/")
        await control.plug(1, 2)
        await control.present(1, v21.IdTokenType(id_token="A1", type="ISO14443"))
        with pytest.raises(OperatorCannot, match="answered 404 to POST /evses/1/fault"):
            await control.fault(1)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert _Control.heard[:2] == [
        ("/evses/1/plug", {"connector": 2}),
        ("/evses/1/swipe", {"token": "A1", "type": "ISO14443"}),
    ]
    with pytest.raises(OperatorCannot, match="does not answer"):
        await control.reboot()


def test_a_control_api_is_reached_over_http() -> None:
    with pytest.raises(ConfigurationError, match="begins with http"):
        ControlOperator("127.0.0.1:80")
