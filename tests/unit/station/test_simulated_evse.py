"""One simulated EVSE: pilot, contactor, meter, lock, faults."""

from __future__ import annotations

import pytest
from hardware_bench import FULL, HardwareBench

from ocppflow.messages.v21 import IdTokenType
from ocppflow.station import ConnectorConfig, EvseConfig
from ocppflow.station.hardware import ElectricVehicle, EvDemand, NoSuchFault, NoSuchPlace, NotNow, Offer

SMALL = ElectricVehicle(capacity=40_000, soc=50)
SOCKET = EvseConfig(connectors=(ConnectorConfig(type="sType2"),))


async def _charging(*evses: EvseConfig, ev: ElectricVehicle = SMALL) -> HardwareBench:
    bench = HardwareBench(*evses)
    bench.hardware.plug(1, 1, ev)
    bench.one.offer(FULL)
    bench.one.energize(True)
    await bench.clock.advance(1)
    return bench


async def test_an_ev_is_told_when_it_comes_and_goes() -> None:
    bench = HardwareBench()
    bench.hardware.plug(1)
    bench.hardware.unplug(1)
    assert bench.told.hear() == [
        ("plugged", 1, 1),
        ("demand", 1, EvDemand.READY),
        ("demand", 1, EvDemand.NONE),
        ("unplugged", 1, 1),
    ]


async def test_it_draws_behind_a_closed_contactor_within_its_reaction_time() -> None:
    bench = HardwareBench()
    bench.hardware.plug(1, 1, SMALL)
    bench.one.offer(FULL)
    await bench.clock.advance(10)
    assert bench.one.read().power == 0
    bench.one.energize(True)
    assert bench.one.read().power == 0
    await bench.clock.advance(0.5)
    reading = bench.one.read()
    assert reading.currents == pytest.approx((16.0, 16.0, 16.0))
    assert reading.power == pytest.approx(sum(volts * 16 for volts in reading.voltages))
    bench.one.energize(False)
    assert bench.one.read().power == 0


async def test_it_obeys_the_offer_in_amps_watts_and_phases() -> None:
    bench = await _charging()
    bench.one.offer(Offer(watts=22_080, amps=10, phases=3))
    await bench.clock.advance(1)
    assert bench.one.read().currents == pytest.approx((10, 10, 10))
    bench.one.offer(Offer(watts=1_500, amps=32, phases=1))
    await bench.clock.advance(1)
    assert bench.one.read().power == pytest.approx(1_500)
    assert bench.one.read().currents[1:] == (0.0, 0.0)
    bench.one.offer(Offer(watts=22_080, amps=5.9, phases=3))
    await bench.clock.advance(1)
    assert bench.one.read().power == 0  # IEC 61851-1: less than 6 A is not an offer
    assert bench.one.demand is EvDemand.READY


async def test_an_hour_at_11_kw() -> None:
    bench = await _charging()
    before = bench.one.read()
    await bench.clock.advance(3600)
    after = bench.one.read()
    assert after.energy_import - before.energy_import == pytest.approx(before.power)
    assert after.soc == pytest.approx((before.soc or 0) + before.power * 0.92 / 40_000 * 100)


async def test_it_tapers_is_full_and_says_so() -> None:
    bench = await _charging(ev=ElectricVehicle(capacity=40_000, soc=85, max_watts=50_000))
    bench.told.hear()
    powers = []
    while bench.one.demand is EvDemand.READY:
        powers.append(bench.one.read().power)
        await bench.clock.advance(300)
    assert powers == sorted(powers, reverse=True)
    assert powers[-1] < powers[0] / 2
    assert bench.one.soc == 100
    assert bench.told.hear() == [("demand", 1, EvDemand.CONNECTED)]
    assert bench.one.read().power == 0


async def test_an_ev_with_a_timer_asks_later() -> None:
    bench = await _charging(ev=ElectricVehicle(ready_after=3600))
    assert bench.one.demand is EvDemand.CONNECTED
    assert bench.one.read().power == 0
    await bench.clock.advance(3600)
    assert bench.one.demand is EvDemand.READY
    assert bench.one.read().power > 0


async def test_a_timer_of_the_ev_runs_on_without_power() -> None:
    bench = await _charging(ev=ElectricVehicle(ready_after=3600))
    bench.hardware.stop()
    await bench.clock.advance(5000)
    bench.hardware.start(bench.told, bench.clock, bench.store)
    await bench.clock.advance(0)
    assert bench.one.demand is EvDemand.READY


async def test_one_phase_shows_on_one_phase() -> None:
    bench = await _charging(ev=ElectricVehicle(phases=1, max_amps=32))
    assert bench.one.read().currents == pytest.approx((32, 0, 0))


async def test_dc_goes_by_watts_amps_and_the_battery() -> None:
    bench = HardwareBench(EvseConfig(current="DC", max_amps=200, voltage=920, max_watts=60_000))
    bench.hardware.plug(1, 1, ElectricVehicle(voltage=400, max_watts=120_000))
    bench.one.energize(True)
    bench.one.offer(Offer(watts=60_000, amps=100, phases=1))
    await bench.clock.advance(1)
    reading = bench.one.read()
    assert reading.power == pytest.approx(40_000)
    assert reading.currents == pytest.approx((100,))
    assert reading.voltages == (400,)
    assert reading.frequency is None


async def test_energy_fed_back_goes_into_its_own_register() -> None:
    bench = await _charging(ev=ElectricVehicle(feeds_back=5_000))
    before = bench.one.read()
    bench.one.offer(Offer(watts=-4_000, amps=6, phases=3))
    await bench.clock.advance(0.5)
    start = bench.one.read()
    await bench.clock.advance(3600)
    after = bench.one.read()
    assert after.power == pytest.approx(-4_000)
    assert after.energy_export - start.energy_export == pytest.approx(4_000)
    assert after.energy_import == start.energy_import
    assert (after.soc or 0) < (before.soc or 0)


async def test_a_fixed_cable_is_always_locked_in() -> None:
    bench = HardwareBench()
    assert await bench.one.lock(1)
    assert await bench.one.unlock(1)


async def test_a_socket_keeps_a_locked_cable_until_it_is_unlocked() -> None:
    bench = HardwareBench(SOCKET)
    bench.hardware.plug(1)
    assert await bench.one.lock(1)
    bench.told.hear()
    bench.hardware.unplug(1)
    assert bench.told.hear() == [("demand", 1, EvDemand.NONE)]
    bench.hardware.plug(1, 1, SMALL)  # and back again: the cable was there all the time
    assert bench.told.hear() == [("demand", 1, EvDemand.READY)]
    bench.hardware.unplug(1)
    bench.told.hear()
    assert await bench.one.unlock(1)
    assert bench.told.hear() == [("unplugged", 1, 1)]


async def test_a_cable_that_is_left_stays_until_it_is_taken() -> None:
    bench = HardwareBench(SOCKET)
    bench.hardware.plug(1)
    assert await bench.one.lock(1)
    bench.hardware.unplug(1, leave_cable=True)
    assert await bench.one.unlock(1)
    assert bench.told.hear()[-1] == ("demand", 1, EvDemand.NONE)
    with pytest.raises(NotNow, match="has gone already"):
        bench.hardware.unplug(1, leave_cable=True)
    bench.hardware.unplug(1)
    assert bench.told.hear() == [("unplugged", 1, 1)]


async def test_a_paused_ev_asks_for_nothing_until_it_goes_on() -> None:
    bench = await _charging()
    bench.hardware.pause(1)
    assert (bench.one.demand, bench.one.read().power) == (EvDemand.CONNECTED, 0)
    bench.hardware.pause(1, False)
    assert bench.one.demand is EvDemand.READY
    assert bench.one.read().power > 0
    bench.told.hear()
    bench.hardware.end_session(1)
    assert bench.told.hear() == [("demand", 1, EvDemand.CONNECTED), ("stopped_by_ev", 1)]


async def test_a_bay_is_taken_and_left() -> None:
    bench = HardwareBench()
    bench.hardware.bay(1, True)
    bench.hardware.bay(1, False)
    assert bench.told.hear() == [("bay", 1, True), ("bay", 1, False)]


async def test_a_broken_lock_does_nothing() -> None:
    bench = HardwareBench(SOCKET)
    bench.hardware.fault(1, "lock", connector=1)
    bench.hardware.plug(1)
    assert not await bench.one.lock(1)
    assert not await bench.one.unlock(1)
    assert ("faulted", 1, 1, "ConnectorLockFailure") in bench.told.hear()


@pytest.mark.parametrize("code", ["GroundFailure", "overcurrent", "HIGH-TEMPERATURE", "InternalError"])
@pytest.mark.parametrize("evse", [0, 1])
async def test_what_trips_opens_the_contactor_until_it_is_cleared(code: str, evse: int) -> None:
    bench = await _charging()
    bench.hardware.fault(evse, code)
    assert bench.one.read().power == 0
    bench.one.energize(True)
    await bench.clock.advance(1)
    assert not bench.one.is_energized
    bench.hardware.clear(evse)
    assert not bench.one.is_energized, "it does not close by itself"
    bench.one.energize(True)
    await bench.clock.advance(1)
    assert bench.one.read().power > 0
    said = [entry for entry in bench.told.hear() if entry[0] in ("faulted", "cleared")]
    assert [entry[:3] for entry in said] == [("faulted", evse, 0), ("cleared", evse, 0)]


async def test_a_welded_contactor_stays_closed() -> None:
    bench = await _charging()
    bench.hardware.fault(1, "welded")
    bench.one.energize(False)
    await bench.clock.advance(1)
    assert bench.one.read().power > 0
    bench.hardware.clear(1)
    assert bench.one.read().power == 0


async def test_a_broken_meter_stands_still_and_counts_nothing() -> None:
    bench = await _charging()
    bench.hardware.fault(1, "meter")
    shown = bench.one.read()
    await bench.clock.advance(600)
    assert bench.one.read() == shown
    bench.hardware.clear(1)
    assert bench.one.read().energy_import == shown.energy_import
    assert (bench.one.read().soc or 0) > (shown.soc or 0)


async def test_without_a_pilot_the_ev_asks_for_nothing() -> None:
    bench = await _charging()
    bench.hardware.fault(1, "pilot")
    assert bench.one.demand is EvDemand.CONNECTED
    assert bench.one.read().power == 0
    bench.hardware.clear(1)
    assert bench.one.demand is EvDemand.READY


async def test_tokens_are_read_while_the_reader_works() -> None:
    bench = HardwareBench()
    token = IdTokenType(id_token="A1", type="ISO14443")
    bench.hardware.present(0, token)
    assert bench.told.hear() == [("presented", 0, "A1")]
    bench.hardware.fault(1, "reader")
    with pytest.raises(NotNow, match="clear 1"):
        bench.hardware.present(1, token)
    bench.hardware.stop()
    with pytest.raises(NotNow, match="no power"):
        bench.hardware.present(0, token)


async def test_what_cannot_be_done_is_said_with_what_to_do() -> None:
    bench = HardwareBench()
    with pytest.raises(NoSuchPlace, match=r"no EVSE 2; the station has EVSE 1"):
        bench.hardware.plug(2)
    with pytest.raises(NoSuchPlace, match=r"no connector 3; it has connector 1"):
        bench.hardware.plug(1, 3)
    with pytest.raises(NotNow, match="plug 1 first"):
        bench.hardware.unplug(1)
    bench.hardware.plug(1)
    with pytest.raises(NotNow, match="unplug 1 first"):
        bench.hardware.plug(1)
    with pytest.raises(NoSuchFault, match="did you mean GroundFailure"):
        bench.hardware.fault(1, "grounf")
    with pytest.raises(NotNow, match="nothing is broken at EVSE 1"):
        bench.hardware.clear(1)


async def test_it_gets_warm_and_cools_down() -> None:
    bench = await _charging()
    cold = bench.one.read().temperature or 0
    await bench.clock.advance(1800)
    warm = bench.one.read().temperature or 0
    bench.one.energize(False)
    await bench.clock.advance(7200)
    assert warm > cold + 5 > (bench.one.read().temperature or 0)


async def test_without_power_nothing_is_told_and_what_is_so_is_told_first() -> None:
    bench = await _charging()
    bench.hardware.fault(1, "WeakSignal")
    bench.hardware.stop()
    bench.told.hear()
    bench.hardware.unplug(1)
    bench.hardware.plug(1)
    await bench.clock.advance(100)
    assert bench.told.hear() == []
    assert bench.clock.pending == 0
    bench.hardware.start(bench.told, bench.clock, bench.store)
    assert bench.told.hear() == [("faulted", 1, 0, "WeakSignal"), ("plugged", 1, 1), ("demand", 1, EvDemand.READY)]
