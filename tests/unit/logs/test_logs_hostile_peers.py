"""Every place in which a peer can put a text is filled with what would steer a terminal or forge a line of a log, in
both roles and all versions; every text for people that comes of it is one line that can be printed."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocppflow import TOLERANT, TraceRecord, Version
from ocppflow.errors import CallError, ConnectionLost, ConnectionRefused, OCPPError, RemoteCallError
from ocppflow.log_budget import BUDGET
from ocppflow.messages import Role
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.rpc.events import Notice
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.session import Session
from ocppflow.testing import MemoryNetwork, ScriptedCSMS, ScriptedPeer

EVIL = "\x1b]0;pwned\x07\r\nERROR forged\u202e\u2028\x9b2J"
LONE = EVIL + "\ud800"
VERSIONS = list(Version)


def frames(text: str) -> Iterator[bytes]:
    """``text`` wherever a frame has room for one, alone and together with sound elements."""
    vendor = {"vendorId": text, "messageId": text, "data": text, text: {text: [text]}}
    boot = {"reason": text, "chargingStation": {"model": text, "vendorName": text, text: text}, text: text}
    boot_16 = {"chargePointModel": text, "chargePointVendor": text, text: 1}
    for message_id, action in itertools.product(
        (text, "1", 1), (text, "DataTransfer", "BootNotification", "Heartbeat")
    ):
        for payload in (vendor, boot, boot_16, {}, text, [text], None):
            yield _json([2, message_id, action, payload])
            yield _json([6, message_id, action, payload])
    for message_id in (text, "1"):
        yield from (_json([3, message_id, payload]) for payload in ({text: text}, {"status": text}, text))
        for kind in (4, 5):
            yield _json([kind, message_id, text, text, {text: text}])
            yield _json([kind, message_id, text, {text: text}, text])
    yield from (_json(each) for each in ([text], [9, text, text], [2, text], {text: text}, text))
    yield from (b'[2,"1","' + text.encode("utf-8", "replace") + b'",{}]', text.encode("utf-8", "replace"), b"[2,\xff")


def _json(frame: object) -> bytes:
    return json.dumps(frame).encode()


class Shown:
    """All texts for people."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        monkeypatch.setattr(BUDGET.quotas, "each", 0)
        monkeypatch.setattr(BUDGET.quotas, "per_second", 0)
        self.handler = logging.Handler()
        self.handler.emit = self._log  # type: ignore[method-assign]

    def _log(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        if record.exc_info:
            lines = logging.Formatter().format(record).split("\n")[1:]
            assert all(line.startswith("  ") for line in lines), lines
            self.texts += lines

    def trace(self, record: TraceRecord) -> None:
        self.texts.append(record.note)

    def error(self, error: BaseException) -> None:
        self.texts += [str(error), repr(error)]

    def check(self) -> None:
        bad = [text for text in self.texts if not text.isprintable()]
        assert not bad, bad[:5]
        assert max(map(len, self.texts)) < 6000


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    shown = Shown(monkeypatch)
    root = logging.getLogger()
    root.addHandler(shown.handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        yield shown
    finally:
        root.removeHandler(shown.handler)
        root.setLevel(level)


def failing(owner: Any, call: Any) -> Any:
    """A handler that lets a peer's text into the error that it raises."""
    raise ValueError(f"cannot handle {call.payload!r} {json.loads(call.payload)}")


@pytest.mark.parametrize("text", [EVIL, LONE, EVIL * 2000], ids=["evil", "lone surrogate", "long"])
@pytest.mark.parametrize("policy", [STRICT, TOLERANT], ids=["strict", "tolerant"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_that_is_hostile(shown: Shown, version: Version, policy: Policy, text: str) -> None:
    async with MemoryNetwork() as network:
        csms = network.csms(policy=policy, trace=shown.trace)
        csms.on_any(failing)
        peer = network.scripted_station(csms, "CS1", version)
        await attack(shown, peer, csms["CS1"].call_raw, text)
        known = csms.known("CS1")
        known.identified(text, text, text)  # type: ignore[union-attr]
        shown.texts.append(repr(known)[:5000])
        peer.link.close(4000, EVIL)
        await peer.hear()
    shown.check()


@pytest.mark.parametrize("text", [EVIL, LONE, EVIL * 2000], ids=["evil", "lone surrogate", "long"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_csms_that_is_hostile(shown: Shown, version: Version, text: str) -> None:
    async with MemoryNetwork() as network:
        csms = ScriptedCSMS()
        station = network.station(csms, "CS1", versions=[version])
        station.add_trace(shown.trace)
        station.on_any(failing)
        retries: list[str] = []
        station.on_retry(lambda station, attempt, delay, reason: retries.append(reason))
        async with station:
            await attack(shown, csms.peer, station.call_raw, text)
            csms.peer.link.close(4000, EVIL)
            await csms.peer.hear()
        shown.texts += retries
        assert retries
    shown.check()


async def attack(shown: Shown, peer: ScriptedPeer, call_raw: Callable[..., Any], text: str) -> None:
    for frame in frames(text):
        await peer.say(frame)
    for answer in ({"status": text, text: text}, text, [text], {"data": {text: text}}):
        pending = asyncio.ensure_future(call_raw("DataTransfer", {"vendorId": "v"}))
        (asked,) = await peer.hear()
        await peer.say([3, asked[1], answer])
        await _outcome(shown, pending)
    for code in (text, "InternalError"):
        pending = asyncio.ensure_future(call_raw("DataTransfer", {"vendorId": "v"}))
        (asked,) = await peer.hear()
        await peer.say([4, asked[1], code, text, {text: text}])
        error = await _outcome(shown, pending)
        assert isinstance(error, RemoteCallError)
        if text is not LONE:
            assert error.description == text, "data stay as they came"


async def _outcome(shown: Shown, pending: Any) -> BaseException | None:
    try:
        await pending
    except OCPPError as error:
        shown.error(error)
        return error
    return None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("role", list(Role))
def test_what_a_session_reports_can_be_printed(version: Version, role: Role) -> None:
    for policy in (STRICT, TOLERANT):
        for frame in frames(EVIL):
            session = Session(version, role, identity="CS1", limits=Limits(), policy=policy)
            notices = [str(event) for event in session.receive(frame, 0.0) if isinstance(event, Notice)]
            assert all(notice.isprintable() for notice in notices), notices


@pytest.mark.parametrize(
    "error",
    [
        CallError(LONE, code=LONE),
        CallError("d" * 2**20),
        RemoteCallError(LONE, CallError(LONE, code=LONE), wire_code=LONE),
        ConnectionRefused(LONE),
        ConnectionLost(LONE),
        OCPPError(LONE),
        OCPPError(LONE, LONE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_text_of_every_error_can_be_printed(error: OCPPError) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < 1000
    assert "\\x1b" in str(error) or "d" * 100 in str(error)
    if isinstance(error, ConnectionRefused):
        assert error.reason == str(error)


def test_data_stay_as_they_came() -> None:
    assert CallError(EVIL).description == EVIL
    assert RemoteCallError("Reset", CallError(EVIL, code=EVIL), wire_code=EVIL).wire_code == EVIL
