"""E: a session from plug to unplug, and what the CSMS hears of it."""

from __future__ import annotations

from charging_world import ChargingWorld


async def test_E02_a_session_that_begins_with_the_cable() -> None:
    async with ChargingWorld("TxCtrlr.TxStartPoint=EVConnected", "TxCtrlr.TxStopPoint=EVConnected,Authorized") as world:
        await world.online()
        world.hardware.plug()
        await world.settle()
        world.hardware.swipe()
        await world.settle(30)
        world.hardware.swipe()
        await world.settle()
        assert world.told() == [
            ("Started", "CablePluggedIn", "EVConnected"),
            ("Updated", "Authorized", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
            ("Ended", "StopAuthorized", "EVConnected"),
        ]
        started, authorized, charging, ended = world.events
        assert started["evse"] == {"id": 1, "connectorId": 1}
        assert "idToken" not in started
        assert authorized["idToken"] == {"idToken": "TOKEN", "type": "ISO14443"}
        assert "idToken" not in charging
        assert charging["numberOfPhasesUsed"] == 3
        assert ended["transactionInfo"]["stoppedReason"] == "Local"
        assert ended["meterValue"][-1]["sampledValue"][0]["context"] == "Transaction.End"
        world.check_books()
        assert world.station.message_queue.length == 0
        assert not world.hardware.evses[0].closed
        assert not world.hardware.evses[0].locked


async def test_E03_a_session_that_begins_with_the_token() -> None:
    async with ChargingWorld("TxCtrlr.TxStartPoint=Authorized") as world:
        await world.online()
        world.hardware.swipe()
        await world.settle(10)
        world.hardware.plug()
        await world.settle(10)
        world.hardware.unplug()
        await world.settle()
        assert world.told() == [
            ("Started", "Authorized", "Idle"),
            ("Updated", "CablePluggedIn", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
            ("Ended", "EVCommunicationLost", "Idle"),
        ]
        started, plugged, *_ = world.events
        assert "evse" not in started
        assert "meterValue" not in started
        assert plugged["evse"] == {"id": 1, "connectorId": 1}
        assert plugged["meterValue"][0]["sampledValue"][0]["context"] == "Transaction.Begin"  # TC_J_08
        world.check_books()


async def test_E04_what_arises_offline_is_queued_and_marked() -> None:
    async with ChargingWorld("AuthCtrlr.OfflineTxForUnknownIdEnabled=true") as world:
        await world.online()
        await world.offline()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(1)
        assert not world.events
        await world.back()
        assert world.told()[:2] == [
            ("Started", "ChargingStateChanged", "SuspendedEVSE"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]
        assert all(each["offline"] for each in world.events[:2])
        world.check_books()


async def test_a_transaction_goes_on_after_a_power_cut_with_the_next_seq_no() -> None:
    async with ChargingWorld("TxCtrlr.TxStartPoint=EVConnected") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(5)
        await world.station.stop()
        world.station.power_down()
        await world.settle(10)
        await world.online()
        await world.settle(5)
        world.hardware.swipe()
        await world.settle(5)
        assert world.told()[-2:] == [
            ("Updated", "TxResumed", "Charging"),
            ("Ended", "StopAuthorized", "EVConnected"),
        ]
        world.check_books()
