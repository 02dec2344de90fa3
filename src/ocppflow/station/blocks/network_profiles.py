"""B, Provisioning: network connection profiles, and which of them the station connects with (B09, B10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from ocppflow.endpoint import Router, station_address
from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.reasons import because
from ocppflow.station.device_model import Refusal, VariableKey, checked, on_change, told
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

network_profiles: Router[CompleteStation] = Router(Role.CS, "network connection profiles")

AREA: Final = "network_profiles"
"""Of the store: the profiles by slot."""

_LAST: Final = "network_last"
"""Area of the store: the slot of the last connection that stood."""

HOME: Final = 1
"""The slot of the connection that the station was made with, as long as no other profile is put there."""

_FALL_BACK: Final = 10
"""Attempts with the profile that worked last (B10.FR.07), before all are tried anew (B10.FR.08): the CSMS may have
moved for good."""

BACKOFF: Final = ("RetryBackOffWaitMinimum", "RetryBackOffRandomRange", "RetryBackOffRepeatTimes")

_SHORTEST_PASSWORD: Final = 16

_SPOKEN: Final = {"OCPP16": Version.V16, "OCPP20": Version.V201, "OCPP201": Version.V201, "OCPP21": Version.V21}

Profile = v21.NetworkConnectionProfileType


class Network(Block):
    """The profiles of one station. What is set counts from the next boot on (B09, remarks)."""

    __slots__ = ("_attempts", "_falls_back", "_in_use", "_last", "_order", "_place", "profiles", "slot")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.profiles = {int(slot): each for slot, each in station.store.load(AREA, Profile).items()}
        """What is set, by slot."""
        self._in_use = self.profiles  # replaced, never changed
        self._last = station.store.load(_LAST, int).get("slot", 0)
        priority = station.device_model.members("OCPPCommCtrlr", "NetworkConfigurationPriority")
        self._order = [int(slot) for slot in priority if self._is_set(int(slot))] or [HOME]
        self._place = self._attempts = 0
        self._falls_back = False
        self.slot = self._order[0]  # B10.FR.04
        """The profile of the connection, or of the next attempt."""

    def power_up(self) -> None:
        model = self.station.device_model
        declared = [model.find("OCPPCommCtrlr", name) for name in BACKOFF]
        own = any(
            each is not None and model.value("OCPPCommCtrlr", each.key.variable) != each.value for each in declared
        )
        if own or not self.station.backoff_is_given:
            self.set_backoff()

    def set_backoff(self) -> None:
        """Wait between attempts as the RetryBackOff variables say. The program's own back-off counts until a CSMS has
        set one of them."""
        model = self.station.device_model
        minimum, spread, repeats = (model.integer("OCPPCommCtrlr", name) for name in BACKOFF)
        self.station.backoff.configure(wait_minimum=minimum, random_range=spread, repeat_times=repeats)

    # --- attempts ------------------------------------------------------------------------------------------------

    @property
    def has_others(self) -> bool:
        """Whether there is more than one profile to try."""
        return len({*self._order, self._last or HOME}) > 1

    @property
    def security_profile(self) -> int | None:
        """What the profile of the next attempt asks for; None: what the station was made with."""
        profile = self._in_use.get(self.slot)
        return profile.security_profile if profile is not None else None

    def prepare(self) -> None:
        """Before an attempt: let the station connect as the profile says."""
        station, profile = self.station, self._in_use.get(self.slot)
        station.url = station.home_url if profile is None else profile.ocpp_csms_url
        default = station.device_model.find("OCPPCommCtrlr", "MessageTimeout", variable_instance="Default")
        if default is not None:
            timeout = default.value or "30" if profile is None else profile.message_timeout
            station.device_model.set("OCPPCommCtrlr", "MessageTimeout", timeout, variable_instance="Default")
        if profile is not None and isinstance(profile.basic_auth_password, str):  # B09.FR.28
            station.device_model.set("SecurityCtrlr", "BasicAuthPassword", profile.basic_auth_password)

    def failed(self) -> bool:
        """An attempt was in vain. Whether the next one is another profile's, and need not wait (B10.FR.03)."""
        self._attempts += 1
        limit = self.station.device_model.integer("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", 3)
        if self._attempts < (_FALL_BACK if self._falls_back else max(1, limit)):
            return False
        self._attempts = 0
        before, self._place = self.slot, self._place + 1
        switches = not self._falls_back and self._place < len(self._order)
        if switches:
            self.slot = self._order[self._place]
        elif self._falls_back or not self._last:
            self._falls_back, self._place, self.slot = False, 0, self._order[0]  # B10.FR.08
        else:
            self._falls_back, self.slot = True, self._last  # B10.FR.07
        if self.slot != before:
            log.warning("%s: network profile %d is tried instead of %d", self.station.identity, self.slot, before)
            self.station.backoff.reset()
        return switches

    def connected(self) -> None:
        """After a loss, the profile that works is tried first (B10.FR.03)."""
        self._attempts = self._place = 0
        self._falls_back = False
        self._order = [self.slot, *(each for each in self._order if each != self.slot)]
        model, store = self.station.device_model, self.station.store
        model.set("OCPPCommCtrlr", "ActiveNetworkProfile", self.slot)
        if self._last != self.slot:
            self._last = self.slot
            store.put(_LAST, "slot", self.slot)
            self._drop_lower()
            store.commit()

    def _drop_lower(self) -> None:
        """A05.FR.06: with a higher security profile, those with a lower one are forgotten."""
        profile = self._in_use.get(self.slot)
        if profile is None:
            return
        lower = {slot for slot, each in self.profiles.items() if each.security_profile < profile.security_profile}
        if HOME not in self.profiles and self.station.security.is_below_home(profile.security_profile):
            lower.add(HOME)
        if not lower:
            return
        for slot in lower:
            self.station.store.remove(AREA, str(slot))
        self.profiles = {slot: each for slot, each in self.profiles.items() if slot not in lower}
        self._order = [slot for slot in self._order if slot not in lower]
        model = self.station.device_model
        priority = model.members("OCPPCommCtrlr", "NetworkConfigurationPriority")
        left = [slot for slot in priority if int(slot) not in lower] or [str(self.slot)]
        model.set("OCPPCommCtrlr", "NetworkConfigurationPriority", ",".join(left))

    # --- what the CSMS sets --------------------------------------------------------------------------------------

    def _is_set(self, slot: int) -> bool:
        return slot in self.profiles or slot == HOME

    def refusal(self, slot: int, profile: Profile) -> tuple[str, str] | None:
        """Why this profile cannot be put there: reason code and text."""
        if str(slot) not in self.slots:
            return "InvalidConfSlot", f"the slots are {', '.join(self.slots)}"  # B09.FR.05
        if self.station.security.is_downgrade(profile.security_profile):  # B09.FR.04, B09.FR.31
            return "NoSecurityDowngrade", f"security profile {self.station.security.profile} is in use"
        fault = self._fault(profile)
        return ("InvalidNetworkConf", fault) if fault else None  # B09.FR.02

    @property
    def slots(self) -> tuple[str, ...]:
        """All there are, set or not (B09.FR.06)."""
        declared = self.station.device_model.find("OCPPCommCtrlr", "NetworkConfigurationPriority")
        return declared.values_list if declared is not None else (str(HOME),)

    def _fault(self, profile: Profile) -> str:
        scheme = profile.ocpp_csms_url.partition(":")[0].lower()
        spoken = profile.ocpp_version is UNSET or _SPOKEN.get(profile.ocpp_version) in self.station.versions
        password = profile.basic_auth_password
        try:
            station_address(profile.ocpp_csms_url, self.station.identity)
        except ConfigurationError as exc:
            return str(exc)
        faults = {
            "ocppTransport must be JSON": profile.ocpp_transport != "JSON",
            "securityProfile must be 0 to 3": profile.security_profile > 3,
            "security profiles 2 and 3 need wss://": profile.security_profile >= 2 and scheme != "wss",
            "security profiles 0 and 1 need ws://": profile.security_profile < 2 and scheme != "ws",
            "messageTimeout must be more than 0": profile.message_timeout <= 0,
            f"{profile.ocpp_version} is not spoken here": not spoken,
            "there is no mobile network to take an APN for": profile.apn is not UNSET,
            "VPNs are not supported": profile.vpn is not UNSET,
            "the identity cannot be changed": profile.identity not in (UNSET, self.station.identity),
            "basicAuthPassword is too short": isinstance(password, str) and len(password) < _SHORTEST_PASSWORD,
        }
        return next((text for text, is_so in faults.items() if is_so), "")

    async def set(self, slot: int, profile: Profile) -> None:
        """Put a profile into a slot, for the next boot. Raises StoreFailed; nothing is changed then."""
        store, before = self.station.store, self.profiles
        store.put(AREA, str(slot), profile)
        self.profiles = {**before, slot: profile}
        try:
            await store.commit()
        except StoreFailed:
            self.profiles = before
            if slot in before:
                store.put(AREA, str(slot), before[slot])
            else:
                store.remove(AREA, str(slot))
            raise

    def obstacle(self, slot: int) -> tuple[str, str] | None:
        """Why the station cannot be told to connect with this slot (B10.FR.02, A05.FR.02, A05.FR.03, A05.FR.10)."""
        profile = self.profiles.get(slot)
        if profile is None:
            return None if slot == HOME else ("InvalidNetworkConf", f"slot {slot} has no profile")
        refused = self.refusal(slot, profile)
        if refused is None and (why := self.station.security.obstacle(profile.security_profile)):
            return "InvalidNetworkConf", why
        return refused

    def forget_password(self, value: str) -> None:
        """The CSMS has set SecurityCtrlr.BasicAuthPassword, which counts from now on (B09.FR.27)."""
        profile = self.profiles.get(self.slot)
        if profile is not None and profile.basic_auth_password not in (UNSET, value):
            told = v21.NetworkConnectionProfileType(
                **{**{name: getattr(profile, name) for name in profile.__struct_fields__}, "basic_auth_password": UNSET}
            )
            self._in_use = self.profiles = {**self.profiles, self.slot: told}
            self.station.store.put(AREA, str(self.slot), told)


# --- handlers, checks, values ----------------------------------------------------------------------------------------


@network_profiles.on(v21.SetNetworkProfileRequest)
async def _set_profile(
    station: CompleteStation, request: v21.SetNetworkProfileRequest
) -> v21.SetNetworkProfileResponse:
    slot, profile = request.configuration_slot, request.connection_data
    refused = station.network.refusal(slot, profile)
    if refused is not None:
        return v21.SetNetworkProfileResponse(status="Rejected", status_info=because(*refused))
    try:
        await station.network.set(slot, profile)
    except StoreFailed as exc:  # B09.FR.03
        log.error("%s: a network profile cannot be kept: %s", station.identity, exc)
        return v21.SetNetworkProfileResponse(status="Failed", status_info=because("OutOfStorage"))
    return v21.SetNetworkProfileResponse(status="Accepted")  # B09.FR.01


@checked("OCPPCommCtrlr", "NetworkConfigurationPriority")
def _usable(station: CompleteStation, key: VariableKey, value: str) -> Refusal | None:
    slots = [slot.strip() for slot in value.split(",")]
    if len(set(slots)) < len(slots):
        return Refusal("InvalidValue", "each slot once")
    for slot in slots:
        if slot and (why := station.network.obstacle(int(slot))) is not None:
            return Refusal(*why)
    return None


def _new_backoff(station: CompleteStation, key: VariableKey, value: str) -> None:
    station.network.set_backoff()


for _variable in BACKOFF:
    on_change("OCPPCommCtrlr", _variable)(_new_backoff)


@on_change("SecurityCtrlr", "BasicAuthPassword")
def _other_password(station: CompleteStation, key: VariableKey, value: str) -> None:
    station.network.forget_password(value)


_FIELDS: Final = {
    "OcppCsmsUrl": "ocpp_csms_url",
    "OcppInterface": "ocpp_interface",
    "OcppTransport": "ocpp_transport",
    "MessageTimeout": "message_timeout",
    "SecurityProfile": "security_profile",
}


def _shown(station: CompleteStation, key: VariableKey) -> str | None:
    """B09.FR.08, B09.FR.09."""
    profile = station.network.profiles.get(int(key.component_instance))
    if profile is not None:
        return str(getattr(profile, _FIELDS[key.variable]))
    if int(key.component_instance) != HOME:
        return None
    model = station.device_model
    home = {
        "OcppCsmsUrl": station.home_url,
        "OcppInterface": "Any",
        "OcppTransport": "JSON",
        "MessageTimeout": model.text("OCPPCommCtrlr", "MessageTimeout", "30", variable_instance="Default"),
        "SecurityProfile": str(station.security.profile),
    }
    return home[key.variable]


for _variable in _FIELDS:
    told("NetworkConfiguration", _variable)(_shown)
