"""F, Remote Control: the CSMS starts and stops charging, and unlocks connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.id_tokens import shown_token
from ocppflow.station.blocks.reasons import because
from ocppflow.station.station_store import unkeepable

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

log = budgeted("ocppflow.station")

remote_control: Router[CompleteStation] = Router(Role.CS, "remote_control")


class RemoteControl(Block):
    """What a remote start needs until its transaction has begun."""

    __slots__ = ("_profiles",)

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._profiles: dict[int, tuple[int, v21.ChargingProfileType]] = {}  # by EVSE; the remoteStartId

    def choose(self, token: v21.IdTokenType, group: v21.IdTokenType | None) -> int:
        """The EVSE for a start that names none (F01.FR.20): the one that is reserved for this driver, one where an EV
        waits, one that is free. 0 if none may be used."""
        numbers = range(1, len(self.station.config.evses) + 1)
        usable = [evse for evse in numbers if self.obstacle(evse, token, group) is None]
        reserved = self.station.reservations.place_for(token, group)
        waiting = [evse for evse in usable if self.station.transactions.sessions[evse].ev]
        return next(iter([each for each in usable if each == reserved] + waiting + usable), 0)

    def obstacle(self, evse: int, token: v21.IdTokenType, group: v21.IdTokenType | None) -> v21.StatusInfoType | None:
        """Why this driver cannot start at an EVSE now; None if that is possible."""
        station = self.station
        session = station.transactions.sessions[evse]
        if not station.availability.operative(evse, session.connector) or not station.availability.usable(evse):
            return because("Unspecified", f"EVSE {evse} is unavailable or faulted")  # F01.FR.23
        if station.message_queue.is_full:
            return because("OutOfStorage", "too many messages wait for the CSMS to take them")
        if session.authorized or (session.transaction is not None and session.transaction.token is not None):
            return because("TxInProgress", f"EVSE {evse} is in use")  # F01.FR.24
        if not station.reservations.admits(evse, token, group):  # F01.FR.21, F01.FR.22
            return because("Unspecified", f"EVSE {evse} is reserved")
        if station.authorization.is_master_pass(token, group):  # C16.FR.03
            return because("InvalidIdToken", "a master pass starts nothing")
        return None

    async def start(self, evse: int, request: v21.RequestStartTransactionRequest) -> None:
        """Begin charging, after authorization if AuthorizeRemoteStart is set (F01.FR.01, F01.FR.02)."""
        station, transactions = self.station, self.station.transactions
        session, token = transactions.sessions[evse], request.id_token
        group = self.group_of(request)
        if station.device_model.flag("AuthCtrlr", "AuthorizeRemoteStart"):
            session.asking = True  # no other token until this one is decided on
            try:
                verdict = await station.authorization.authorize(token, evse)
            finally:
                session.asking = False
            if transactions.is_down or not verdict.accepted:
                return
            group = verdict.group or group
        why = self.obstacle(evse, token, group)  # it may have come while the CSMS was asked
        if why is not None:
            log.info("%s: %s is not started: %s", station.identity, shown_token(token), why.additional_info)
            return
        if request.charging_profile is not UNSET:
            self._profiles[evse] = request.remote_start_id, request.charging_profile
        else:
            self._profiles.pop(evse, None)
        transaction = await transactions.start(evse, token, group=group, remote_start_id=request.remote_start_id)
        if transaction is not None:
            self.transaction_started(transaction)

    def group_of(self, request: v21.RequestStartTransactionRequest) -> v21.IdTokenType | None:
        """The driver's group: as the request has it, or as it is known locally (H03.FR.07)."""
        if request.group_id_token is not UNSET:
            return request.group_id_token
        known = self.station.authorization.local(request.id_token)
        return None if known is None else known.group

    def transaction_started(self, transaction: Transaction) -> None:
        """Hand the profile that came with the start to smart charging (F01.FR.10)."""
        remote_start_id, profile = self._profiles.get(transaction.evse, (None, None))
        if profile is not None and remote_start_id == transaction.remote_start_id:
            del self._profiles[transaction.evse]
            self.station.smart_charging.attach(transaction, profile)
            self.station.store.commit()


def _profile_refusal(
    station: CompleteStation, request: v21.RequestStartTransactionRequest, evse: int
) -> v21.StatusInfoType | None:
    """Why the profile of a remote start cannot be taken; None also if it is to be ignored (F01.FR.12)."""
    profile, smart = request.charging_profile, station.smart_charging
    if profile is UNSET or not smart.enabled:
        return None
    if profile.charging_profile_purpose != "TxProfile":  # F01.FR.09
        return because("InvalidProfile", "a profile that comes with a remote start is a TxProfile")
    if profile.transaction_id is not UNSET:  # F01.FR.11
        return because("InvalidProfile", "there is no transaction yet that transactionId could name")
    refusal = smart.check_start_profile(profile, evse)  # F01.FR.26
    return None if refusal is None else because(refusal.code, refusal.text)


@remote_control.on(v21.RequestStartTransactionRequest)
def _start(
    station: CompleteStation, request: v21.RequestStartTransactionRequest
) -> v21.RequestStartTransactionResponse:
    def rejected(why: v21.StatusInfoType) -> v21.RequestStartTransactionResponse:
        return v21.RequestStartTransactionResponse(status="Rejected", status_info=why)

    if not station.provisioning.may_send:  # B02.FR.05
        return rejected(because("CSNotAccepted"))
    control, token = station.remote_control, request.id_token
    evse, group = 0 if request.evse_id is UNSET else request.evse_id, control.group_of(request)
    if not station.config.has_evse(evse):
        return rejected(because("UnknownEvse", f"there is no EVSE {evse}"))
    if fault := unkeepable([token, group]):
        return rejected(because("TooLargeElement", fault))
    if not evse:
        evse = control.choose(token, group)
        if not evse:
            return rejected(because("Unspecified", "no EVSE can be used for this token now"))
    why = control.obstacle(evse, token, group) or _profile_refusal(station, request, evse)
    if why is not None:
        return rejected(why)
    station.respond_then(lambda: control.start(evse, request))
    transaction = station.transactions.on_evse(evse)
    if transaction is None:
        return v21.RequestStartTransactionResponse(status="Accepted")
    return v21.RequestStartTransactionResponse(status="Accepted", transaction_id=transaction.id)  # F01.FR.13


@remote_control.on(v21.RequestStopTransactionRequest)
def _stop(station: CompleteStation, request: v21.RequestStopTransactionRequest) -> v21.RequestStopTransactionResponse:
    if not station.provisioning.may_send:  # B02.FR.05
        return v21.RequestStopTransactionResponse(status="Rejected", status_info=because("CSNotAccepted"))
    wanted = request.transaction_id.casefold()
    running = station.transactions.running.values()
    transaction = next((each for each in running if each.id.casefold() == wanted), None)
    if transaction is None:  # F03.FR.08
        return v21.RequestStopTransactionResponse(status="Rejected", status_info=because("TxNotFound"))
    station.respond_then(lambda: station.transactions.stop(transaction, "Remote", "RemoteStop"))
    return v21.RequestStopTransactionResponse(status="Accepted")


@remote_control.on(v21.UnlockConnectorRequest)
async def _unlock(station: CompleteStation, request: v21.UnlockConnectorRequest) -> v21.UnlockConnectorResponse:
    evse, connector, evses = request.evse_id, request.connector_id, station.config.evses
    if not 0 < evse <= len(evses) or not 0 < connector <= len(evses[evse - 1].connectors):  # F05.FR.03
        return v21.UnlockConnectorResponse(status="UnknownConnector")
    session = station.transactions.sessions[evse]
    if session.authorized and session.connector in (0, connector):  # F05.FR.02
        return v21.UnlockConnectorResponse(status="OngoingAuthorizedTransaction")
    if evses[evse - 1].connectors[connector - 1].type.startswith("c"):
        why = because("FixedCable", "the cable belongs to the station")
        return v21.UnlockConnectorResponse(status="UnlockFailed", status_info=why)
    if station.hardware is None:
        return v21.UnlockConnectorResponse(status="UnlockFailed", status_info=because("InternalError", "no hardware"))
    if not await station.hardware.evses[evse - 1].unlock(connector):  # F05.FR.05
        return v21.UnlockConnectorResponse(status="UnlockFailed")
    if session.connector == connector:
        session.locked, session.keeper = False, None
    return v21.UnlockConnectorResponse(status="Unlocked")  # F05.FR.04, F05.FR.06
