"""B, Provisioning: network connection profiles, and which of them the station connects with (B09, B10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router, station_address
from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.reasons import because
from ocppflow.station.device_model import Refusal, VariableKey, checked, on_change, told
from ocppflow.station.device_model.standard.communication_variables import VERSIONS
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

network_profiles: Router[CompleteStation] = Router(Role.CS, "network connection profiles")

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

COMPONENT: Final = "NetworkConfiguration"

_WORDS: Final = {
    "OcppCsmsUrl": "ocppCsmsUrl",
    "OcppInterface": "ocppInterface",
    "OcppTransport": "ocppTransport",
    "OcppVersion": "ocppVersion",
    "MessageTimeout": "messageTimeout",
    "SecurityProfile": "securityProfile",
    "Identity": "identity",
    "BasicAuthPassword": "basicAuthPassword",
}
"""Variable of a slot's NetworkConfiguration -> field of the profile. The profile is kept there (B09.FR.09)."""

_NUMBERS: Final = ("MessageTimeout", "SecurityProfile")


class Network(Block):
    """The profiles of one station. What is set counts from the next boot on (B09, remarks)."""

    __slots__ = ("_attempts", "_falls_back", "_in_use", "_last", "_order", "_place", "slot")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        found = {int(slot): self.profile(int(slot)) for slot in self.slots}
        self._in_use = {slot: each for slot, each in found.items() if each is not None}
        self._last = station.store.load(_LAST, int).get("slot", 0)
        self._order = [slot for slot in self._priority() if slot == HOME or slot in self._in_use] or [HOME]
        self._place = self._attempts = 0
        self._falls_back = False
        self.slot = self._order[0]  # B10.FR.04
        """The profile of the connection, or of the next attempt."""

    def free_slot(self) -> int | None:
        """A slot that no connection is made with, now or later."""
        taken = {self.slot, HOME, *self._priority()}
        return next((int(slot) for slot in self.slots if int(slot) not in taken), None)

    def _priority(self) -> list[int]:
        return [
            int(slot) for slot in self.station.device_model.members("OCPPCommCtrlr", "NetworkConfigurationPriority")
        ]

    def profile(self, slot: int) -> Profile | None:
        """What a CSMS has put into a slot."""
        model, given = self.station.device_model, {}
        for name, field in _WORDS.items():
            if value := model.given(COMPONENT, name, component_instance=str(slot)):
                given[field] = int(value) if name in _NUMBERS else value
        if "ocppCsmsUrl" not in given:
            return None
        default = {"ocppInterface": "Any", "ocppTransport": "JSON", "messageTimeout": 30, "securityProfile": 0}
        return msgspec.convert(default | given, Profile)

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
        if profile is not None:
            station.home_url = station.home_url or station.url
            station.url = profile.ocpp_csms_url
        elif station.home_url:
            station.url, station.home_url = station.home_url, ""
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
        floor = profile.security_profile
        lower = {slot for slot, each in self._in_use.items() if each.security_profile < floor}
        if HOME not in self._in_use and self.station.security.is_below_home(floor):
            lower.add(HOME)
        if not lower:
            return
        for slot in lower & self._in_use.keys():
            self._put(slot, dict.fromkeys(_WORDS, ""))
        self._order = [slot for slot in self._order if slot not in lower]
        left = [str(slot) for slot in self._priority() if slot not in lower] or [str(self.slot)]
        self.station.device_model.set("OCPPCommCtrlr", "NetworkConfigurationPriority", ",".join(left))

    # --- what the CSMS sets --------------------------------------------------------------------------------------

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
            "securityProfile must be 0 to 3": not 0 <= profile.security_profile <= 3,
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
        fields = msgspec.to_builtins(profile)
        fields["ocppVersion"] = {"OCPP20": "OCPP201"}.get(fields.get("ocppVersion", ""), fields.get("ocppVersion", ""))
        if fields["ocppVersion"] not in VERSIONS:
            fields["ocppVersion"] = ""
        model = self.station.device_model
        before = {name: model.given(COMPONENT, name, component_instance=str(slot)) for name in _WORDS}
        self._put(slot, {name: str(fields.get(field, "")) for name, field in _WORDS.items()})
        try:
            await self.station.store.commit()
        except StoreFailed:
            for name, value in before.items():
                declared = model.find(COMPONENT, name, component_instance=str(slot))
                if declared is not None:
                    model.take_back(declared.key, "Actual", value)
            raise

    def _put(self, slot: int, values: dict[str, str]) -> None:
        for name, value in values.items():
            self.station.device_model.set(COMPONENT, name, value, component_instance=str(slot))

    def go_over(self, slot: int) -> None:
        """Connect anew with a profile that has been set, and if that is in vain, with those of before again: what 1.6
        wants of a new security profile, which does not wait for a boot (A05 of its security whitepaper)."""
        profile = self.profile(slot)
        if profile is not None:
            self._in_use = {**self._in_use, slot: profile}
        self._order = [slot, *(each for each in self._order if each != slot)]
        self._place = self._attempts = 0
        self._falls_back = False
        self.slot = slot
        self.station.work(self.station.reconnect_now("another network profile"), "reconnecting")

    def obstacle(self, slot: int) -> tuple[str, str] | None:
        """Why the station cannot be told to connect with this slot (B10.FR.02, A05.FR.02, A05.FR.03, A05.FR.10)."""
        profile, security = self.profile(slot), self.station.security
        if profile is None and slot != HOME:
            return "InvalidNetworkConf", f"slot {slot} has no profile"
        if profile is None:
            lower = security.is_downgrade(security.dialler.profile_of_home())
            return ("NoSecurityDowngrade", f"security profile {security.profile} is in use") if lower else None
        refused = self.refusal(slot, profile)
        if refused is None and (why := security.obstacle(profile.security_profile)):
            return "InvalidNetworkConf", why
        return refused

    def forget_password(self, value: str) -> None:
        """The CSMS has set SecurityCtrlr.BasicAuthPassword, which counts from now on (B09.FR.27)."""
        profile = self._in_use.get(self.slot)
        if profile is not None and profile.basic_auth_password not in (UNSET, value):
            self._in_use = {**self._in_use, self.slot: msgspec.structs.replace(profile, basic_auth_password=UNSET)}
            self._put(self.slot, {"BasicAuthPassword": ""})


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
    slots = [slot.strip() for slot in value.split(",") if slot.strip()]
    if not slots:
        return Refusal("InvalidValue", "a station without a profile could never be reached again")
    if len(set(slots)) < len(slots):
        return Refusal("InvalidValue", "each slot once")
    now = station.device_model.members("OCPPCommCtrlr", "NetworkConfigurationPriority")
    if slots == [slot for slot in now if slot in slots]:  # B09.FR.20
        return None
    for slot in slots:
        if (why := station.network.obstacle(int(slot))) is not None:
            return Refusal(*why)
    return None


def _settable(station: CompleteStation, key: VariableKey, value: str) -> Refusal | None:
    """What a slot that may be dialled has must not change bit by bit (2.1 B09.FR.22, B09.FR.35)."""
    if key.component_instance in station.device_model.members("OCPPCommCtrlr", "NetworkConfigurationPriority"):
        return Refusal("PriorityNetworkConf", f"slot {key.component_instance} is in NetworkConfigurationPriority")
    if key.variable == "SecurityProfile" and station.security.is_downgrade(int(value)):
        return Refusal("NoSecurityDowngrade", f"security profile {station.security.profile} is in use")
    return None


for _variable in _WORDS:
    checked(COMPONENT, _variable)(_settable)


def _new_backoff(station: CompleteStation, key: VariableKey, value: str) -> None:
    station.network.set_backoff()


for _variable in BACKOFF:
    on_change("OCPPCommCtrlr", _variable)(_new_backoff)


@on_change("SecurityCtrlr", "BasicAuthPassword")
def _other_password(station: CompleteStation, key: VariableKey, value: str) -> None:
    station.network.forget_password(value)


def _shown(station: CompleteStation, key: VariableKey) -> str | None:
    """The connection that the station was made with, where nothing else was set (B09.FR.08)."""
    if int(key.component_instance) != HOME:
        return None
    model = station.device_model
    home = {
        "OcppCsmsUrl": station.home_url or station.url,
        "OcppInterface": "Any",
        "OcppTransport": "JSON",
        "MessageTimeout": model.text("OCPPCommCtrlr", "MessageTimeout", "30", variable_instance="Default"),
        "SecurityProfile": str(station.security.profile),
    }
    return home.get(key.variable)


for _variable in _WORDS:
    told(COMPONENT, _variable)(_shown)
