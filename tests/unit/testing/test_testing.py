"""``ocppflow.testing``: roles joined in memory, and the pytest plugin as somebody else's project uses it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from ocppflow import CSMS, ChargingStation, Station, errors, v16, v201
from ocppflow.testing import ManualClock, MemoryNetwork, ScriptedCSMS, settle

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["ocppflow.testing"]\n'

THEIRS = """
from datetime import UTC, datetime

import pytest
from ocppflow import Router, errors, v201
from ocppflow.testing import ScriptedCSMS

pytestmark = pytest.mark.asyncio
block = Router()


@block.on(v201.HeartbeatRequest)
def heartbeat(station, request):
    return v201.HeartbeatResponse(current_time=datetime(2026, 1, 1, tzinfo=UTC))


async def test_an_hour_passes_between_two_calls(ocpp_csms, ocpp_station, ocpp_clock):
    ocpp_csms.include(block)
    async with ocpp_station("CS7", versions=["2.0.1"]) as cs:
        assert (await cs.call(v201.HeartbeatRequest())).current_time.year == 2026
        await ocpp_clock.advance(3600)
        await cs.call(v201.HeartbeatRequest())
        assert ocpp_csms["CS7"].version == "2.0.1"


async def test_a_station_left_connected_is_stopped(ocpp_csms, ocpp_station):
    await ocpp_station().connect()
    assert len(ocpp_csms) == 1


async def test_a_script_against_a_csms(ocpp_network, ocpp_csms):
    ocpp_csms.include(block)
    peer = ocpp_network.scripted_station(ocpp_csms)
    assert await peer.say([2, "1", "Heartbeat", {}]) == [[3, "1", {"currentTime": "2026-01-01T00:00:00Z"}]]


async def test_a_script_against_a_station(ocpp_network):
    script = ScriptedCSMS(["1.6"])
    async with ocpp_network.station(script, "CS1", versions=["2.1", "1.6"]) as cs:
        assert await script.peer.say([2, "1", "ClearCache", {}]) == [
            [4, "1", "NotSupported", "ClearCache is not supported here", {}]
        ]
"""

LEAVES_SOMETHING = """
import asyncio

import pytest

pytestmark = pytest.mark.asyncio


async def test_leaves_a_task(ocpp_csms):
    asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="left-alone")


async def test_leaves_a_timer(ocpp_clock, ocpp_csms):
    ocpp_clock.call_at(ocpp_clock.now() + 3600, print)
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_somebody_elses_tests_run_without_a_sleep_and_leave_nothing(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makeconftest("from ocppflow.testing import ManualClock\n" + CONFTEST)  # imported before it is a plugin
    pytester.makepyfile(THEIRS)
    pytester.makeini(f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess("-q", "-W", "error", timeout=60)
    result.assert_outcomes(passed=4)


def test_what_a_test_leaves_behind_fails_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(LEAVES_SOMETHING)
    result = pytester.runpytest_subprocess("-q", timeout=60)
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*tasks are left behind:*left-alone*", "*timers are left behind: 1*"])


def test_it_serves_without_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; import ocppflow.testing as t; print([*vars(t)])"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'MemoryNetwork'" in names
    assert "ocpp_csms" not in names


async def test_it_serves_without_fixtures() -> None:
    async with MemoryNetwork() as network:
        csms = network.csms(versions=["1.6"])

        @csms.on(v16.HeartbeatRequest)
        async def heartbeat(station: Station, request: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
            return v16.HeartbeatResponse(current_time=datetime(2026, 1, 1, tzinfo=UTC))

        async with network.station(csms, versions=["2.0.1", "1.6"]) as cs:
            assert cs.version == "1.6"
            assert (await cs.call(v16.HeartbeatRequest())).current_time.year == 2026


async def test_a_csms_of_ones_own_serves_in_one_network_after_another_and_is_not_waited_for() -> None:
    csms = CSMS()  # on the clock of the running loop, and with the usual seconds of grace

    @csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        await asyncio.Event().wait()
        raise AssertionError

    for _ in range(2):
        async with asyncio.timeout(2), MemoryNetwork() as network:
            peer = network.scripted_station(csms)
            assert await peer.say([2, "1", "Heartbeat", {}]) == []
            assert "CS1" in csms
        assert peer.ended is not None
        assert not csms.stations
    assert csms.grace == 5.0


async def test_versions_that_do_not_go_together_are_refused_with_both() -> None:
    async with MemoryNetwork() as network:
        station = network.station(network.csms(versions=["1.6"]), versions=["2.1"])
        with pytest.raises(errors.ConnectionRefused, match=r"CS1 offers 2\.1; the CSMS speaks 1\.6"):
            await station.connect()


async def test_a_broken_network_and_a_refusal() -> None:
    async with MemoryNetwork() as network:
        csms = network.csms()
        station = network.station(csms)
        await station.connect()
        network.refusals.append(errors.ConnectionRefused("no route"))
        network.links[-1].break_()
        await network.clock.advance(12)
        assert not station.is_connected
        await network.clock.advance(60)
        assert station.is_connected
        assert len(network.links) == 2


async def test_what_hangs_is_ended_with_the_network() -> None:
    at_work = asyncio.Event()

    async def hang(cs: ChargingStation, request: v201.ClearCacheRequest) -> v201.ClearCacheResponse:
        at_work.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with MemoryNetwork() as network:
        script = ScriptedCSMS()
        station = network.station(script, versions=["2.0.1"])
        station.on(v201.ClearCacheRequest)(hang)
        await station.connect()
        await script.peer.say([2, "1", "ClearCache", {}])
        assert at_work.is_set()
        script.peer.link.hold()  # and the close frame is never answered
    assert script.peer.ended is not None


async def test_a_failed_test_is_not_hidden_by_what_it_left() -> None:
    async def fail() -> None:
        async with MemoryNetwork() as network:
            network.clock.call_at(network.clock.now() + 3600, print)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def test_a_called_off_timer_is_not_pending() -> None:
    clock = ManualClock()
    for seconds in (1, 2):
        clock.call_at(clock.now() + seconds, list)
    clock.call_at(clock.now() + 3, list).cancel()
    assert clock.pending == 2
    await clock.advance(1)
    assert clock.pending == 1
    await settle()
