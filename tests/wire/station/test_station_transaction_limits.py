"""2.1 E16: limits of energy, time, cost and state of charge; E05: tokens that the CSMS does not accept."""

from __future__ import annotations

from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import v21

QUIET = ("SampledDataCtrlr.TxUpdatedInterval=0", "AlignedDataCtrlr.Interval=0")
POWER = 3 * 230 * 32


async def charge(world: ChargingWorld, limit: dict[str, Any] | None = None) -> None:
    """Charge, with a limit that the CSMS gives in its first answer."""
    limits = [limit] if limit else []
    world.answers["TransactionEvent"] = lambda call: {"transactionLimit": limits.pop()} if limits else {}
    await world.online()
    world.hardware.plug()
    world.hardware.swipe()
    await world.settle()


async def test_E16FR03_the_station_confirms_the_limits_that_it_supports() -> None:
    async with ChargingWorld(*QUIET) as world:
        await charge(world, {"maxEnergy": 1000, "maxTime": 3600})
        (confirmed,) = [each for each in world.events if each["triggerReason"] == "LimitSet"]
        assert confirmed["transactionInfo"]["transactionLimit"] == {"maxEnergy": 1000, "maxTime": 3600}
        await world.settle(100)
        assert len([each for each in world.events if "transactionLimit" in each["transactionInfo"]]) == 1


@pytest.mark.parametrize(
    ("limit", "trigger", "seconds"),
    [
        ({"maxEnergy": 1000}, "EnergyLimitReached", 1000 / POWER * 3600),
        ({"maxTime": 120}, "TimeLimitReached", 120),
        ({"maxSoC": 40}, "SoCLimitReached", 0),
    ],
)
async def test_E16FR05_energy_stops_at_the_limit(limit: dict[str, Any], trigger: str, seconds: float) -> None:
    async with ChargingWorld(*QUIET) as world:
        world.hardware.evses[0].soc = 50
        await charge(world, limit)
        await world.settle(seconds + 1)
        assert world.told()[-1] == ("Updated", trigger, "SuspendedEVSE")
        assert world.hardware.evses[0].power == 0
        drawn = world.hardware.evses[0].read().energy_import - 1000
        assert drawn <= limit.get("maxEnergy", 10_000) + 1
        assert drawn == pytest.approx(POWER * seconds / 3600, abs=2)
        await world.settle(500)
        assert world.told()[-1] == ("Updated", trigger, "SuspendedEVSE")


async def test_E16FR06_with_EnergyTransfer_as_stop_point_the_transaction_ends() -> None:
    async with ChargingWorld(*QUIET, "TxCtrlr.TxStopPoint=EnergyTransfer") as world:
        await charge(world, {"maxTime": 60})
        await world.settle(61)
        assert world.told()[-1] == ("Ended", "TimeLimitReached", "EVConnected")
        assert world.events[-1]["transactionInfo"]["stoppedReason"] == "TimeLimitReached"


async def test_E16FR14_a_higher_limit_lets_energy_flow_again() -> None:
    async with ChargingWorld(*QUIET) as world:
        await charge(world, {"maxEnergy": 100})
        await world.settle(60)
        (transaction,) = world.station.transactions.running.values()
        world.answers["TransactionEvent"] = {"transactionLimit": {"maxEnergy": 10_000}}
        world.station.transactions.touch(transaction, "Trigger")
        await world.settle(5)
        assert ("Updated", "ChargingStateChanged", "Charging") in world.told()[-3:]
        assert [each["triggerReason"] for each in world.events].count("LimitSet") == 2
        assert world.hardware.evses[0].power == POWER


async def test_E16FR04_the_driver_cannot_go_beyond_what_the_CSMS_allows() -> None:
    async with ChargingWorld(*QUIET) as world:
        await charge(world, {"maxEnergy": 1000})
        (transaction,) = world.station.transactions.running.values()
        world.station.transactions.limit(transaction, v21.TransactionLimitType(max_energy=5000, max_time=60))
        await world.settle()
        assert world.events[-1]["transactionInfo"]["transactionLimit"] == {"maxTime": 60}
        assert transaction.limit is not None
        assert transaction.limit.max_energy == 1000


async def test_E16FR15_the_cost_that_the_CSMS_tells_counts() -> None:
    async with ChargingWorld(*QUIET) as world:
        await charge(world, {"maxCost": 5})
        (transaction,) = world.station.transactions.running.values()
        world.answers["TransactionEvent"] = {"totalCost": 5.5}
        world.station.transactions.touch(transaction, "Trigger")
        await world.settle()
        assert world.told()[-1] == ("Updated", "CostLimitReached", "SuspendedEVSE")


async def test_a_limit_holds_over_a_power_cut() -> None:
    async with ChargingWorld(*QUIET) as world:
        await charge(world, {"maxEnergy": 1000})
        await world.settle(60)
        await world.station.stop()
        world.station.power_down()
        await world.online()
        await world.settle(1000 / POWER * 3600)
        assert world.told()[-1] == ("Updated", "EnergyLimitReached", "SuspendedEVSE")
        assert world.hardware.evses[0].read().energy_import == pytest.approx(2000, abs=2)
        world.check_books()


async def refused(world: ChargingWorld) -> None:
    """Charge with a token that the CSMS accepts at first and not in the transaction."""
    world.answers["TransactionEvent"] = lambda call: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in call.data else {}
    )
    await world.online()
    world.hardware.plug()
    world.hardware.swipe()
    await world.settle()


async def test_E05FR10_a_refused_token_ends_the_transaction_and_the_cable_waits_for_its_owner() -> None:
    async with ChargingWorld(*QUIET) as world:
        await refused(world)
        assert world.told()[-1][:2] == ("Ended", "Deauthorized")
        assert world.events[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"
        assert not world.hardware.evses[0].closed
        assert world.hardware.evses[0].locked  # E05.FR.11
        world.hardware.swipe()
        await world.settle()
        assert not world.hardware.evses[0].locked
        assert world.told()[-1][:2] == ("Ended", "Deauthorized")


async def test_E05FR09_or_only_its_authorization() -> None:
    async with ChargingWorld(*QUIET, "TxCtrlr.TxStopPoint=EVConnected") as world:
        await refused(world)
        assert [each[1:] for each in world.told()[-2:]] in (
            [("Deauthorized", "Charging"), ("ChargingStateChanged", "EVConnected")],
            [("Deauthorized", "SuspendedEVSE"), ("ChargingStateChanged", "EVConnected")],
        )
        world.hardware.unplug()
        await world.settle()
        assert world.told()[-1] == ("Ended", "EVCommunicationLost", "Idle")
        assert world.events[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"


async def test_E05FR02_without_StopTxOnInvalidId_energy_stops_and_the_transaction_goes_on() -> None:
    async with ChargingWorld(*QUIET, "TxCtrlr.StopTxOnInvalidId=false") as world:
        await refused(world)
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")
        assert world.hardware.evses[0].power == 0


async def test_E05FR03_a_last_amount_of_energy_is_allowed() -> None:
    async with ChargingWorld(*QUIET, "TxCtrlr.StopTxOnInvalidId=false", "TxCtrlr.MaxEnergyOnInvalidId=500") as world:
        await refused(world)
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")
        await world.settle(200)
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "SuspendedEVSE")
        assert world.hardware.evses[0].read().energy_import == pytest.approx(1500, abs=2)
