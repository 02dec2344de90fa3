"""The sequence diagram: well-formed, whole, bounded, and with nothing of a peer's that is more than text."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.cli.sequence_svg import draw, draw_trace
from ocppflow.cli.svg_text import cut, width, wrap
from ocppflow.trace import TraceRecord, to_line

SVG = "{http://www.w3.org/2000/svg}"
START = 1_700_000_000.0


def record(after: float, event: str, data: str = "", identity: str = "CS1", **more: Any) -> TraceRecord:
    return TraceRecord(START + after, identity, event, "CSMS", "2.0.1", data=data.encode(), **more)  # type: ignore[arg-type]


def classes(root: ET.Element) -> Counter[str]:
    return Counter(name for element in root.iter() for name in element.get("class", "").split())


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


SESSION = [
    record(0, "connected"),
    record(0.1, "in", '[2,"b1","BootNotification",{"reason":"PowerUp"}]'),
    record(0.2, "out", '[3,"b1",{"status":"Accepted"}]', latency=0.0042),
    record(9.2, "out", '[2,"r1","Reset",{"type":"Immediate"}]'),
    record(9.3, "in", '[6,"s1","NotifyPeriodicEventStream",{"id":1}]'),
    record(9.4, "in", '[4,"r1","NotSupported","no",{}]'),
    record(9.5, "in", '[2,"h1","Heartbeat",{}]', note="id was a number"),
    record(9.6, "disconnected", note="1006 lost"),
]


def test_every_frame_is_an_arrow_with_its_action_id_and_latency() -> None:
    root = ET.fromstring(draw_trace(SESSION, title="A <session> & more"))
    shown = texts(root)
    assert shown[0] == "A <session> & more"
    assert {"CS1", "CSMS", "OCPP 2.0.1", "b1", "r1", "4.2 ms", "connected", "disconnected", "9 s later"} <= set(shown)
    assert "BootNotificationreason PowerUp" in shown
    count = classes(root)
    assert count["line"] == 6
    assert count["back"] == 2, "answers are dashed"
    assert (count["head"], count["open"]) == (5, 1), "what is not answered has an open head"


def test_an_answer_that_does_not_follow_its_call_is_named_and_an_error_is_red() -> None:
    root = ET.fromstring(draw_trace(SESSION))
    red = [element for element in root.iter() if "bad" in element.get("class", "").split()]
    assert [element.get("class", "").split()[0] for element in red[:2]] == ["line", "head"]
    assert any("✗ NotSupported" in text for text in texts(root))
    interleaved = [*SESSION[:5], record(9.4, "in", '[3,"r1",{"status":"Accepted"}]')]
    assert "↳ Resetstatus Accepted" in texts(ET.fromstring(draw_trace(interleaved)))


def test_what_was_wrong_with_a_frame_stands_in_a_note() -> None:
    root = ET.fromstring(draw_trace(SESSION))
    said = [element.text for element in root.iter() if "said" in element.get("class", "").split()]
    assert said == ["id was a number; no answer before the connection ended", "1006 lost"]


def test_a_refusal_without_an_identity_stands_at_the_csms_and_makes_no_lane() -> None:
    stranger = record(0, "refused", identity="", note="HTTP 404: append the identity to the URL")
    for records in ([stranger], [stranger, *SESSION]):
        root = ET.fromstring(draw_trace(records))
        names = {element.text: element.get("x") for element in root.iter() if element.get("class") == "name"}
        assert list(names) == ["CS1", "CSMS"][-len(records) :]
        (pill,) = [element for element in root.iter(f"{SVG}text") if element.get("class") == "event bad"]
        assert pill.get("x") == names["CSMS"]
        (note,) = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "note bad" and each.get("y")][:1]
        assert 0 < float(note.get("x", "")) < float(root.get("width", "")) - float(note.get("width", ""))


def test_a_label_is_cut_only_where_two_lines_have_no_room() -> None:
    """As wide as in DejaVu Sans, the widest of the fonts that the picture asks for."""
    event = '{"eventType":"Updated","triggerReason":"MeterValuePeriodic","transactionInfo":{"transactionId":"%s"}}'
    long = [record(0, "in", f'[2,"1","TransactionEvent",{event % ("5a1f2f9c-" * 4)}]')]
    labels = [text for text in texts(ET.fromstring(draw_trace(long))) if "Updated" in text or "5a1f2f9c" in text]
    assert labels == [
        "eventType Updated, triggerReason MeterValuePeriodic, transactionId",
        "5a1f2f9c-5a1f2f9c-5a1f2f9c-5a1f2f9c-",
    ]
    crowd = [record(n, "in", '[2,"1","StatusNotification",{"connectorStatus":"Occupied","evseId":1,"connectorId":1}]',
                    identity=f"CS{n}") for n in range(3)]  # fmt: skip
    assert not [text for text in texts(ET.fromstring(draw_trace(crowd))) if "…" in text]


def test_text_is_cut_and_wrapped_to_its_room() -> None:
    assert width("iiii", 10) < width("mmmm", 10) < width("mmmm", 10, bold=True)
    assert width("充电", 10) > width("ab", 10)
    assert cut("short", 100, 10) == "short"
    assert cut("a text that is too long", 60, 10) == "a text tha…"
    assert cut("abc", 1, 10) == ""
    assert wrap("one two three four", 60, 10, 2) == ["one two", "three four"]
    assert wrap("x" * 100, 60, 10, 3)[-1].endswith("…")


def test_a_refused_call_tells_why_and_its_answer_only_the_code() -> None:
    reason = "$.now: there is no such field"
    records = [
        record(0, "in", '[2,"1","Heartbeat",{"now":1}]', note=f"refused: FormatViolation: {reason}"),
        record(0, "out", f'[4,"1","FormatViolation","{reason}",{{}}]'),
    ]
    shown = texts(ET.fromstring(draw_trace(records)))
    assert [text for text in shown if reason in text] == [f"refused: FormatViolation: {reason}"]
    assert "✗ FormatViolation" in shown


def test_the_csms_stands_between_the_stations() -> None:
    names = [f"CS{n}" for n in range(3)]
    root = ET.fromstring(draw_trace([record(n, "connected", identity=name) for n, name in enumerate(names)]))
    lanes = {element.text: float(element.get("x", "")) for element in root.iter() if element.get("class") == "name"}
    assert sorted(lanes, key=lambda name: lanes[name]) == ["CS0", "CS1", "CSMS", "CS2"]


def test_a_long_trace_is_cut_with_a_note() -> None:
    records = [record(n / 10, "in", f'[2,"{n}","Heartbeat",{{}}]') for n in range(1250)]
    root = ET.fromstring(draw_trace(records, rows=40))
    assert classes(root)["line"] == 40
    assert "… 1,210 more records are not drawn" in texts(root)


def test_more_stations_than_fit_are_cut_with_a_note() -> None:
    root = ET.fromstring(draw_trace([record(n, "connected", identity=f"CS{n}") for n in range(11)]))
    assert "… 3 more stations are not drawn" in texts(root)


def test_nothing_to_draw_is_a_picture_too() -> None:
    root = ET.fromstring(draw([], title="empty"))
    assert "CSMS" in texts(root)


def test_light_and_dark_pages_have_their_colours_and_it_scales() -> None:
    picture = draw_trace(SESSION)
    assert "@media (prefers-color-scheme:dark)" in picture
    root = ET.fromstring(picture)
    box = root.get("viewBox", "").split()
    assert box == ["0", "0", root.get("width"), root.get("height")]


@given(
    st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.floats(allow_nan=False, allow_infinity=False)
)
def test_nothing_that_a_peer_says_breaks_the_picture(identity: str, action: str, note: str, time: float) -> None:
    frame = json.dumps([2, action, action, {"status": note, action: [note]}])
    records = [
        TraceRecord(time, identity, "connected", version=note, note=note),
        TraceRecord(time, identity, "in", note=note, data=frame.encode()),
        TraceRecord(-time, identity, "in", data=action.encode("utf-8", "replace")),
    ]
    root = ET.fromstring(draw_trace(records, title=note))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "style", "rect", "path", "text", "tspan"}


def test_svg_writes_the_picture_to_a_file_or_stdout(cli: Any, tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    trace.write_bytes(b"".join(map(to_line, SESSION)))
    target = tmp_path / "out.svg"
    result = cli("trace", trace, "--svg", target, "--title", "Mine")
    assert (result.code, result.out, result.err) == (0, "", f"ocppflow: wrote {target}\n")
    assert "Mine" in texts(ET.fromstring(target.read_text()))
    piped = cli("trace", trace, "--svg", "-", "--rows", "2")
    assert piped.err == ""
    assert "… 6 more records are not drawn" in texts(ET.fromstring(piped.out))
    cli("trace", trace, "--svg", "/no/dir/x.svg").failed_with("/no/dir/x.svg: No such file")
    cli("trace", trace, "--svg", target, "--follow").failed_with("--svg cannot be combined with --follow")
    cli("trace", trace, "--svg", target, "--rows", "0").failed_with("--rows")
