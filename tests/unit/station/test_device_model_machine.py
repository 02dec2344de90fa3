"""The device model over boots, power cuts and a store that fails, against a model that is nothing but dicts."""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ocppflow.endpoint import ManualClock
from ocppflow.messages import Version
from ocppflow.station import MemoryStationStore, StationConfig, StoreFailed, VariableConfig
from ocppflow.station.device_model import DeviceModel, VariableKey, declarations
from ocppflow.station.wall_time import WallTime

VARIABLES = (
    VariableConfig(component="A", variable="Plain", data_type="integer", value="0", mutability="ReadWrite"),
    VariableConfig(
        component="A", variable="Later", data_type="integer", value="0", mutability="ReadWrite", reboot_required=True
    ),
    VariableConfig(component="A", variable="Own", data_type="integer", value="0"),
)
CONFIG = StationConfig(variables=VARIABLES)
KEYS = {each.variable: VariableKey("A", each.variable) for each in VARIABLES}
CLOCK = ManualClock()
LIVE = VariableKey("EVSE", "AvailabilityState", evse=1)
VALUES = st.integers(0, 3).map(str)


class _Owner:
    identity = "CS1"
    config = CONFIG
    hardware = None
    time = WallTime(lambda: CLOCK)


class Machine(RuleBasedStateMachine):
    """``now`` is what counts, ``shown`` what a CSMS sees, ``disk`` what a boot brings back."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = MemoryStationStore()
        self.model = self._boot()
        self.now = dict.fromkeys(KEYS, "0")
        self.shown = dict(self.now)
        self.disk = dict(self.now)
        self.state = "Available"

    def teardown(self) -> None:
        self.loop.close()

    def _boot(self) -> DeviceModel:
        return DeviceModel(_Owner(), declarations(CONFIG), self.store)

    def _commit(self, *, fails: bool = False) -> None:
        async def commit() -> None:
            self.store.failing = _full if fails else None
            try:
                await self.store.commit()
            except StoreFailed:
                assert fails
            finally:
                self.store.failing = None

        self.loop.run_until_complete(commit())

    @rule(name=st.sampled_from(["Plain", "Later"]), value=VALUES)
    def the_csms_sets(self, name: str, value: str) -> None:
        outcome = self.model.assign(KEYS[name], "Actual", value, Version.V21)
        if name == "Plain" or value == self.now[name]:
            assert outcome.status == "Accepted"
            self.now[name] = value
        else:
            assert outcome.status == "RebootRequired"
        self.shown[name] = value

    @rule(name=st.sampled_from(["Plain", "Later"]), value=VALUES)
    def the_csms_sets_what_cannot_be_kept(self, name: str, value: str) -> None:
        outcome = self.model.assign(KEYS[name], "Actual", value, Version.V21)
        self._commit(fails=True)
        self.model.take_back(KEYS[name], "Actual", outcome.before)

    @rule(name=st.sampled_from(["Own", "Later", "Plain"]), value=VALUES)
    def the_station_sets(self, name: str, value: str) -> None:
        self.model.set("A", name, value)
        self.now[name] = self.shown[name] = value

    @rule(state=st.sampled_from(["Occupied", "Faulted"]))
    def something_is_so_now(self, state: str) -> None:
        self.model.set("EVSE", "AvailabilityState", state, evse=1)
        self.state = state

    @rule(value=st.sampled_from(["", "x", "1.5", "99999999999"]))
    def nonsense_changes_nothing(self, value: str) -> None:
        assert self.model.assign(KEYS["Plain"], "Actual", value, Version.V21).status == "Rejected"

    @rule()
    def all_is_kept(self) -> None:
        self._commit()
        self.disk = dict(self.shown)

    @rule()
    def the_power_goes(self) -> None:
        self.store.discard()
        self.model = self._boot()
        self.now, self.shown, self.state = dict(self.disk), dict(self.disk), "Available"

    @invariant()
    def it_is_as_it_should_be(self) -> None:
        for name, key in KEYS.items():
            assert self.model.value("A", name) == self.now[name]
            assert self.model.shown(self.model.declared[key]) == self.shown[name]
        assert self.model.shown(self.model.declared[LIVE]) == self.state


def _full() -> None:
    raise StoreFailed("the disk is full")


TestDeviceModelMachine = Machine.TestCase
TestDeviceModelMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
