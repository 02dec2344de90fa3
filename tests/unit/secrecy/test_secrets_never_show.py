"""A marker is put into every secret place of every version, in every way that a frame can be written, and looked for in
every output there is."""

from __future__ import annotations

import contextlib
import io
import json
import traceback
from collections.abc import Callable, Iterator

import pytest
from secret_planter import MARK, Planted, frames, planted, shows

from ocppflow.cli.answer_printer import show_frame
from ocppflow.cli.conversation import Conversation, Entry
from ocppflow.cli.csms_log import JSONLines, Lines
from ocppflow.cli.entry_lines import coloured
from ocppflow.cli.paint import Paint
from ocppflow.cli.sequence_svg import draw_trace
from ocppflow.cli.trace_table import print_tables
from ocppflow.endpoint.tracer import Tracer
from ocppflow.errors import OCPPError
from ocppflow.messages import Role, Version, action_info
from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy
from ocppflow.nodes import msgs_out
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import CallFailed, Event, MessageEvent
from ocppflow.rpc.session import Session
from ocppflow.secrecy.blotting import faulty_without_secrets
from ocppflow.trace import TraceRecord, to_line
from ocppflow.transport.clock import ManualClock
from ocppflow.transport.link import Peer

EACH = [each for version in Version for each in planted(version)]


def receiver(each: Planted) -> Role:
    """Who gets such a message."""
    info = action_info(each.version, each.action)
    sender = next(iter(sorted(info.senders)))
    return sender.peer if each.is_request else sender


def hearing(each: Planted, policy: Policy) -> Session:
    """A session to which the message can be said: an answer needs a call that it answers."""
    role = receiver(each)
    session = Session(Version(each.version), role, identity="CS1", policy=policy)
    if each.is_request:
        action, payload = ("Heartbeat", b"{}") if role is Role.CS else ("ClearCache", b"{}")
        session.call(RawMessage(action, payload), 0.0, message_id="1")
    else:
        session.call(RawMessage(each.action, b"{}"), 0.0, message_id="1", validate=False)
    session.data_to_send()
    return session


def of_error(error: BaseException) -> Iterator[str]:
    yield str(error)
    yield repr(error)
    yield repr(error.args)
    yield "".join(traceback.format_exception(error))
    for violation in getattr(error, "violations", ()):
        yield from (str(violation), repr(violation))


def of_event(event: Event) -> Iterator[str]:
    yield repr(event)
    yield str(event)
    for violation in getattr(event, "violations", ()):
        yield from (str(violation), repr(violation))
    if isinstance(event, MessageEvent):
        yield repr(event.message)
        yield f"{event.message}"
    if isinstance(event, CallFailed):
        yield from of_error(event.error)
        yield json.dumps(msgs_out.error("2.0.1", "CS1", "X", "1", event.error)["ocpp"])
    if isinstance(error := getattr(event, "error", None), OCPPError):
        yield from of_error(error)


def of_record(record: TraceRecord) -> Iterator[str]:
    """All views of a record."""
    yield repr(record)
    yield record.data.decode("utf-8", "replace") + record.note
    yield to_line(record).decode()
    yield repr(msgs_out.log_entry(record, raw=False))
    entry: Entry = Conversation().feed(record)
    yield repr(entry)
    out = io.StringIO()
    yield Lines(Paint(out)).frame(entry)
    yield JSONLines().frame(entry)
    yield coloured(entry).plain
    print_tables([entry], out)
    yield out.getvalue()
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        show_frame(record)
    yield stderr.getvalue()


def outputs(each: Planted, data: bytes, policy: Policy) -> Iterator[str]:
    session = hearing(each, policy)
    events = session.receive(data, 1.0)
    records: list[TraceRecord] = []
    peer = Peer("CS1", Version(each.version), "127.0.0.1:1", "/CS1", 1, None)
    tracer = Tracer(records.append, peer, session.role, ManualClock())
    tracer.incoming(data, events)
    with contextlib.suppress(ValueError):  # nobody sends what is not JSON
        json.loads(data)
        tracer.outgoing(data, None)
    for event in events:
        yield from of_event(event)
    for answer, _ in session.data_to_send():
        if answer[:2] in (b"[4", b"[5"):
            yield answer.decode()  # what the peer is told
        tracer.outgoing(answer, None)
    for record in records:
        yield from of_record(record)


def seen(made: Callable[[], Iterator[str]]) -> list[str]:
    return [text[:500] for text in made() if shows(text)]


@pytest.mark.slow
@pytest.mark.parametrize("each", EACH, ids=str)
def test_nothing_that_is_shown_of_a_message_shows_a_secret(each: Planted) -> None:
    shown = {
        (form, repr(policy)): found
        for form, data in frames(each)
        for policy in (STRICT, TOLERANT)
        if (found := [text[:500] for text in outputs(each, data, policy) if shows(text)])
    }
    assert shown == {}


@pytest.mark.parametrize("each", EACH, ids=str)
def test_a_message_of_our_own_that_is_refused_is_refused_without_its_secret(each: Planted) -> None:
    session = Session(Version(each.version), receiver(each).peer if each.is_request else receiver(each))
    for form, data in frames(each):
        payload = data.partition(b",")[2].partition(b",")[2].rpartition(b"]")[0]
        if not each.is_request or form.startswith("quoted"):
            continue
        found: list[str] = []
        try:
            session.call(RawMessage(each.action, payload), 0.0)
        except OCPPError as error:
            found = [text for text in of_error(error) if shows(text)]
        assert found == [], form


@pytest.mark.parametrize("each", [each for each in EACH if each.is_request and each.path != "data"], ids=str)
def test_an_error_that_quotes_the_call_that_it_answers_shows_no_secret(each: Planted) -> None:
    session = Session(Version(each.version), receiver(each).peer)
    session.call(RawMessage(each.action, json.dumps(each.payload).encode()), 0.0, message_id="1", validate=False)
    data = json.dumps([4, "1", "GenericError", f"I do not like {MARK} at all", {"why": f"it is {MARK}"}]).encode()
    events = session.receive(data, 1.0)
    records: list[TraceRecord] = []
    peer = Peer("CS1", Version(each.version), "127.0.0.1:1", "/CS1", 1, None)
    Tracer(records.append, peer, session.role, ManualClock()).incoming(data, events)
    texts = [text for event in events for text in of_event(event)] + [
        text for each in records for text in of_record(each)
    ]
    assert [text for text in texts if shows(text)] == []


@pytest.mark.parametrize("version", Version)
def test_no_picture_shows_a_secret(version: Version) -> None:
    records = [
        TraceRecord(float(number), "CS1", "in", "CSMS", version, note="", data=data)
        for number, data in enumerate(_shown_frames(version))
    ]
    assert len(records) > 100
    assert not shows(draw_trace(records, title="all", rows=len(records)))


def _shown_frames(version: Version) -> Iterator[bytes]:
    for each in planted(version):
        for _, data in frames(each):
            yield faulty_without_secrets(data)


def test_the_marker_is_found_where_nothing_hides_it() -> None:
    """Or the tests above would prove nothing."""
    for each in EACH:
        for form, data in frames(each):
            assert shows(data.decode("utf-8", "replace")) or form in ("signed", "signed by several", "escaped"), (
                each,
                form,
            )
    assert shows(f"x{MARK}x")
