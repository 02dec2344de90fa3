"""Whatever is done to simulated hardware, and whenever it is killed: registers grow, energy is the integral of power,
nothing above the offer flows, and the same seed gives the same run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hardware_bench import HardwareBench
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.endpoint import Timer
from ocppflow.station import ConnectorConfig, EvseConfig
from ocppflow.station.hardware import FAULTS, ElectricVehicle, HardwareRefused, Offer
from ocppflow.station.hardware.evse_course import KeptEvse
from ocppflow.testing import ManualClock

_evs = st.builds(
    ElectricVehicle,
    capacity=st.floats(1_000, 80_000),
    soc=st.floats(0, 100),
    phases=st.integers(1, 3),
    max_amps=st.floats(6, 64),
    max_watts=st.floats(2_000, 200_000),
    reaction=st.floats(0, 5),
    ready_after=st.sampled_from([0.0, 0.0, 100.0]),
    feeds_back=st.sampled_from([0.0, 0.0, 6_000.0]),
    wants=st.none() | st.floats(0, 20_000),
)
_offers = st.builds(
    Offer,
    watts=st.just(0.0) | st.floats(500, 30_000) | st.floats(-5_000, -500),
    amps=st.floats(0, 40),
    phases=st.integers(1, 3),
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("plug"), _evs),
        st.tuples(st.just("unplug")),
        st.tuples(st.just("offer"), _offers),
        st.tuples(st.just("energize"), st.booleans()),
        st.tuples(st.just("lock"), st.booleans()),
        st.tuples(st.just("pause"), st.booleans()),
        st.tuples(st.just("fault"), st.sampled_from(sorted(FAULTS))),
        st.tuples(st.just("clear")),
        st.tuples(st.just("power cut")),
        st.tuples(st.just("kill")),
        st.tuples(st.just("wait"), st.floats(0.001, 4000)),
        st.tuples(st.just("wait"), st.floats(0.001, 4000)),
        st.tuples(st.just("wait"), st.floats(0.001, 4000)),
    ),
    max_size=25,
)
_evses = st.sampled_from(
    [
        EvseConfig(),
        EvseConfig(phases=1, connectors=(ConnectorConfig(type="sType2"),)),
        EvseConfig(current="DC", max_amps=200, voltage=920, max_watts=60_000),
    ]
)


async def _act(bench: HardwareBench, step: tuple[Any, ...]) -> HardwareBench:
    hardware = bench.hardware
    try:
        match step:
            case ("plug", ev):
                hardware.plug(1, 1, ev)
            case ("unplug",):
                hardware.unplug(1)
            case ("offer", offer):
                bench.one.offer(offer)
            case ("energize", on):
                bench.one.energize(on)
            case ("lock", on):
                await (bench.one.lock(1) if on else bench.one.unlock(1))
            case ("pause", on):
                hardware.pause(1, on)
            case ("fault", code):
                hardware.fault(1, code)
            case ("clear",):
                hardware.clear(1)
            case ("power cut",):
                bench.store.discard()
                hardware.stop()
                hardware.start(bench.told, bench.clock, bench.store)
            case ("kill",):
                bench.store.discard()
                return bench.again()
    except HardwareRefused:
        pass
    return bench


@given(_evses, _steps)
@settings(deadline=None)
async def test_registers_never_go_back_over_kills_and_power_cuts(
    evse: EvseConfig, steps: list[tuple[Any, ...]]
) -> None:
    bench = HardwareBench(evse)
    imported = exported = 0.0
    for step in steps:
        bench = await _act(bench, step)
        waits = [step[1] / 3] * 3 if step[0] == "wait" else [0.0]
        for wait in waits:
            await bench.clock.advance(wait)
            reading = bench.one.read()
            assert reading.energy_import >= imported
            assert reading.energy_export >= exported
            imported, exported = reading.energy_import, reading.energy_export
            assert bench.one.soc is None or 0 <= bench.one.soc <= 100
            after = bench.store.load("hardware", KeptEvse).get("1", KeptEvse())  # were it killed now
            assert after.energy_import >= imported
            assert after.energy_export >= exported
    bench.hardware.stop()
    assert bench.clock.pending == 0


@given(_evses, _evs, st.lists(st.tuples(_offers, st.floats(1, 3000)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=40)
async def test_energy_is_the_integral_of_power_and_never_more_than_offered(
    evse: EvseConfig, ev: ElectricVehicle, offers: list[tuple[Offer, float]]
) -> None:
    bench = HardwareBench(evse)
    bench.hardware.plug(1, 1, ev)
    bench.one.energize(True)
    for offer, seconds in offers:
        bench.one.offer(offer)
        await bench.clock.advance(ev.reaction)
        before, summed = bench.one.read(), 0.0
        steps = 60
        for _ in range(steps):
            first = bench.one.read().power
            await bench.clock.advance(seconds / steps)
            last = bench.one.read()
            summed += (first + last.power) / 2 * seconds / steps / 3600
            if offer.watts >= 0:
                assert 0 <= last.power <= offer.watts * (1 + 1e-9)
                assert all(amps <= offer.amps * (1 + 1e-9) for amps in last.currents)
            else:
                assert offer.watts * (1 + 1e-9) <= last.power <= 0
            assert last.power == pytest.approx(
                sum(amps * volts for amps, volts in zip(last.currents, last.voltages, strict=True)), abs=1e-6
            )
        after = bench.one.read()
        flowed = after.energy_import - before.energy_import - (after.energy_export - before.energy_export)
        slack = 2 * 60_000 * seconds / steps / 3600  # the power may end within a step
        assert flowed == pytest.approx(summed, abs=max(slack * 0.6, 1e-6))
    bench.hardware.stop()


@given(_evses, _steps, st.integers(0, 3), st.integers(2, 5))
@settings(deadline=None, max_examples=30)
async def test_the_same_seed_gives_the_same_run_however_often_it_is_read(
    evse: EvseConfig, steps: list[tuple[Any, ...]], seed: int, reads: int
) -> None:
    first, second = HardwareBench(evse, seed=seed), HardwareBench(evse, seed=seed)
    for step in [("plug default",), *steps]:
        if step[0] == "kill":
            continue
        for bench in (first, second):
            if step[0] == "plug default":
                bench.hardware.plug(1)
            await _act(bench, step)
        if step[0] == "wait":
            await first.clock.advance(step[1])
            end = second.clock.now() + step[1]
            for _ in range(reads):
                second.one.read()
                await second.clock.advance(step[1] / reads / 2)
            await second.clock.advance(end - second.clock.now())
        assert second.one.read() == first.one.read()
    assert first.told.all == second.told.all


async def test_another_seed_gives_another_run() -> None:
    benches = [HardwareBench(seed=seed) for seed in range(4)]
    for bench in benches:
        bench.hardware.plug(1)
    assert len({bench.one.soc for bench in benches}) == 4
    assert len({bench.one.read().voltages for bench in benches}) == 4


@given(st.floats(0, 7200), st.booleans())
@settings(deadline=None, max_examples=50)
async def test_after_a_kill_the_register_is_at_most_a_minute_ahead(seconds: float, smart: bool) -> None:
    bench = HardwareBench()
    bench.hardware.plug(1, 1, ElectricVehicle(soc=10))
    bench.one.energize(True)
    bench.one.offer(Offer(watts=22_080, amps=16, phases=3))
    await bench.clock.advance(seconds / 2)
    if smart:
        bench.one.offer(Offer(watts=22_080, amps=6, phases=3))
    await bench.clock.advance(seconds / 2)
    before, soc = bench.one.read(), bench.one.soc or 0
    bench.store.discard()
    after = bench.again()
    ahead = after.one.read().energy_import - before.energy_import
    assert 0 <= ahead <= 11_200 * 60 / 3600
    assert (after.one.soc or 0) - soc == pytest.approx(ahead * 0.92 / 60_000 * 100, abs=1e-6)
    assert after.told.hear()[0] == ("plugged", 1, 1)


async def test_a_charging_hour_writes_twice_a_minute_at_most() -> None:
    bench = HardwareBench()
    commits = 0

    def counted() -> None:
        nonlocal commits
        commits += 1

    bench.store.failing = counted
    bench.hardware.plug(1, 1, ElectricVehicle(soc=10))
    bench.one.energize(True)
    bench.one.offer(Offer(watts=22_080, amps=16, phases=3))
    for _ in range(3600):
        await bench.clock.advance(1)
        bench.one.read()
    assert commits <= 122


def _after_a_kill(bench: HardwareBench) -> KeptEvse:
    """What a new process would begin with, if this one were killed now."""
    return bench.store.load("hardware", KeptEvse)["1"]


@pytest.mark.parametrize("deed", ["lock", "unlock", "unlock lock", "fault", "clear", "pause", "energize again"])
@pytest.mark.parametrize("after", [0.0, 0.6, 10.0, 29.0, 31.0, 500.0])
async def test_what_is_done_while_energy_flows_does_not_let_the_store_fall_behind(deed: str, after: float) -> None:
    bench = HardwareBench(EvseConfig(connectors=(ConnectorConfig(type="sType2"),)))
    bench.hardware.plug(1, 1, ElectricVehicle(soc=10))
    assert await bench.one.lock(1)
    bench.one.energize(True)
    bench.one.offer(Offer(watts=22_080, amps=16, phases=3))
    await bench.clock.advance(after)
    for each in deed.split(" ") if "again" not in deed else ("energize",):
        match each:
            case "lock":
                await bench.one.lock(1)
            case "unlock":
                await bench.one.unlock(1)
            case "fault":
                bench.hardware.fault(1, "OtherError")
            case "clear":
                bench.hardware.fault(1, "OtherError")
                bench.hardware.clear(1)
            case "pause":
                bench.hardware.pause(1)
            case "energize":
                bench.one.energize(True)
    for _ in range(40):
        assert _after_a_kill(bench).energy_import >= bench.one.read().energy_import
        await bench.clock.advance(1.7)


async def test_an_ev_that_is_to_give_back_what_it_draws_still_counts_in_both_registers_after_a_kill() -> None:
    bench = HardwareBench(EvseConfig(current="DC", max_amps=200, voltage=920, max_watts=60_000))
    bench.hardware.plug(1, 1, ElectricVehicle(soc=50, reaction=60.0, feeds_back=50_000, max_watts=50_000))
    bench.one.energize(True)
    bench.one.offer(Offer(watts=20_000, amps=200, phases=1))
    await bench.clock.advance(100)
    bench.one.offer(Offer(watts=-40_000, amps=200, phases=1))
    for _ in range(90):
        kept, reading = _after_a_kill(bench), bench.one.read()
        assert kept.energy_import >= reading.energy_import
        assert kept.energy_export >= reading.energy_export
        await bench.clock.advance(1)


class _LateClock:
    """Its time goes on while its timers wait: a process that stood still."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.ahead = 0.0

    def now(self) -> float:
        return self._clock.now() + self.ahead

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        return self._clock.call_at(when, callback)


async def test_what_is_read_after_a_standstill_is_kept_with_what_is_told_of_it() -> None:
    bench = HardwareBench()
    bench.hardware.plug(1, 1, ElectricVehicle(soc=10))
    bench.one.energize(True)
    bench.one.offer(Offer(watts=22_080, amps=16, phases=3))
    await bench.clock.advance(5)
    late = _LateClock(bench.clock)
    bench.hardware.clock = late
    late.ahead = 3600.0
    told = bench.one.read().energy_import
    bench.store.commit()  # what is told of it
    assert _after_a_kill(bench).energy_import >= told
