"""Secrets over whole connections, both roles: no logger says one at any level, no handler's error, no asyncio."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint_pairs import World

from ocppflow import Station, TraceFile
from ocppflow.cli.csms_log import CSMSLog, JSONLines, Lines
from ocppflow.cli.log_sink import LogSink
from ocppflow.cli.paint import Paint
from ocppflow.endpoint import LATER, IncomingCall
from ocppflow.errors import InvalidMessage, RemoteCallError, RemoteError
from ocppflow.messages import Role, Version, action_info
from ocppflow.testing import MemoryNetwork, ScriptedCSMS
from ocppflow.transport.clock import settle
from ocppflow.transport.full_websocket import wire_log

sys.path.append(str(Path(__file__).parents[2] / "unit" / "secrecy"))
from secret_planter import MARK, Planted, planted, shows


class Everything(logging.Handler):
    """Every line of every logger, and every traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def everything() -> Iterator[Everything]:
    root, heard = logging.getLogger(), Everything()
    names = ["ocppflow", "asyncio", *(name for name in logging.root.manager.loggerDict if name.startswith("ocppflow"))]
    before = [(each, each.level) for each in (root, *map(logging.getLogger, names))]
    for each, _ in before:
        each.setLevel(logging.DEBUG)
    root.addHandler(heard)
    yield heard
    root.removeHandler(heard)
    for each, level in before:
        each.setLevel(level)


def _requests(version: Version, sender: Role) -> list[Planted]:
    return [
        each
        for each in planted(version)
        if each.is_request and action_info(version, each.action).sent_by(sender) and MARK in str(each.payload)
    ]


def _too_long(each: Planted) -> Any:
    return json.loads(json.dumps(each.payload).replace(MARK, MARK * 200))


async def _fails(_: Station, call: IncomingCall) -> Any:
    raise ValueError(f"cannot handle {call.message} or {call.payload.decode()}")


@pytest.mark.parametrize("version", Version)
async def test_a_csms_says_no_secret_of_what_stations_send(
    version: Version, everything: Everything, tmp_path: Path
) -> None:
    world, out = World(version), io.StringIO()
    asyncio.get_running_loop().set_debug(True)
    views = [CSMSLog(LogSink(out, each.left_out, per_second=0), each) for each in (Lines(Paint(out)), JSONLines())]
    with TraceFile(tmp_path / "trace") as file:
        for hook in (*views, file):
            world.csms.add_trace(hook)
        for view in views:
            logging.getLogger().addHandler(view)
        world.csms.on_any(_fails)
        peer, _ = world.raw()
        said: list[Any] = []
        for number, each in enumerate(_requests(version, Role.CS)):
            for form, payload in (("a", each.payload), ("b", _too_long(each))):
                said += await peer.say([2, f"{form}{number}", each.action, payload])
        await settle()
        await world.close()
        for view in views:
            logging.getLogger().removeHandler(view)
            view.close()
    assert len(said) > 1
    texts = [*everything.lines, out.getvalue(), (tmp_path / "trace").read_text(), json.dumps(said), repr(world.trace)]
    assert [text[:300] for text in texts if shows(text)] == []


@pytest.mark.parametrize("version", Version)
async def test_a_station_says_no_secret_of_what_a_csms_sends(version: Version, everything: Everything) -> None:
    network, csms, trace = MemoryNetwork(), ScriptedCSMS([version]), []
    asyncio.get_running_loop().set_debug(True)
    station = network.station(csms, versions=[version], trace=trace.append)
    station.on_any(_fails)  # type: ignore[arg-type]
    await station.connect()
    said: list[Any] = []
    for number, each in enumerate(_requests(version, Role.CSMS)):
        for form, payload in (("a", each.payload), ("b", _too_long(each))):
            said += await csms.peer.say([2, f"{form}{number}", each.action, payload])
    await settle()
    await network.close()
    assert len(said) > 1
    texts = [*everything.lines, json.dumps(said), repr(trace)]
    assert [text[:300] for text in texts if shows(text)] == []


@pytest.mark.parametrize("version", Version)
async def test_a_call_of_ours_says_no_secret_when_it_fails(version: Version, everything: Everything) -> None:
    world = World(version)
    peer, station = world.raw()
    errors: list[BaseException] = []
    for each in _requests(version, Role.CSMS):
        with pytest.raises(InvalidMessage) as refused:
            await station.call_raw(each.action, _too_long(each) | {"password": MARK})
        call = asyncio.ensure_future(station.call_raw(each.action, each.payload, validate=False))
        (frame,) = await peer.hear()
        assert shows(json.dumps(frame)), "the peer gets it"
        await peer.say([4, frame[1], "GenericError", f"{MARK} is not nice", {"because": f"of {MARK}"}])
        with pytest.raises(RemoteError) as failed:
            await call
        assert isinstance(failed.value, RemoteCallError)
        assert shows(failed.value.description), "what it says is data"
        errors += [refused.value, failed.value]
    assert errors
    lost = asyncio.ensure_future(station.call_raw(each.action, each.payload, validate=False))
    await settle()
    await world.close()
    with pytest.raises(RemoteError):
        await lost
    texts = [*everything.lines, repr(world.trace), *map(str, errors), *map(repr, errors)]
    assert [text[:300] for text in texts if shows(text)] == []


def test_websockets_does_not_tell_of_headers_and_frames_at_any_level() -> None:
    logging.getLogger("ocppflow.transport.websocket").setLevel(logging.DEBUG)
    try:
        assert not wire_log.isEnabledFor(logging.DEBUG)
        assert wire_log.isEnabledFor(logging.WARNING)
    finally:
        logging.getLogger("ocppflow.transport.websocket").setLevel(logging.WARNING)


async def test_a_hook_that_only_counts_gets_no_payload() -> None:
    class Counting:
        passed: list[bytes] = []  # noqa: RUF012

        def __call__(self, record: object) -> None: ...

        def wants_message(self) -> bool:
            return False

        def passed_over(self, identity: str, event: str, data: bytes) -> None:
            self.passed.append(data)

    world, hook = World(Version.V16), Counting()
    world.csms.on_any(lambda _, call: LATER)
    world.csms.add_trace(hook)
    peer, _ = world.raw()
    for message_id in ("1", "{2}"):
        await peer.say([2, message_id, "DataTransfer", {"vendorId": "V", "data": MARK}])
    assert hook.passed == [b'[2,"1","DataTransfer",', b'[2,"{2}","DataTransfer",'] or hook.passed == [
        b'[2, "1", "DataTransfer", ',
        b'[2, "{2}", "DataTransfer", ',
    ]
    await world.close()
