"""F: starts, stops, unlocking and triggers."""

from __future__ import annotations

import secrets

from msgspec import UNSET, Struct

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.errors import ConfigurationError
from ocppflow.messages import v21
from ocppflow.secrecy.discreet_repr import discreet_repr

_IDS = 2**31 - 1
"""remoteStartIds are drawn from these, so that none is used twice, over restarts as well (F01.FR.25)."""


class StartRequested(Struct, frozen=True, kw_only=True):
    """What a station made of a remote start."""

    __repr__ = discreet_repr

    status: str
    """Accepted: the station will try, and the transaction that comes has this ``remote_start_id``. Rejected."""
    remote_start_id: int
    transaction_id: str | None = None
    """Of a transaction that went on already, as after a cable that was plugged in first (F02.FR.01)."""
    reason: str = ""
    """Why not, if the station has said so."""


class RemoteControlService(CSMSBlock):
    """F: starts, stops, unlocking and triggers. What the station is asked it may refuse; what came of it is told by
    transaction events and statuses. All raise what ``csms.call`` raises."""

    title = "remote_control"

    async def start_transaction(
        self,
        identity: str,
        token: v21.IdTokenType,
        *,
        evse: int | None = None,
        group: v21.IdTokenType | None = None,
        profile: v21.ChargingProfileType | None = None,
    ) -> StartRequested:
        """F01, F02: start a transaction with ``token``; without ``evse`` the station chooses where. ``profile`` is a
        TxProfile without a transactionId (F01.FR.08, F01.FR.11); raises ConfigurationError for another one."""
        if profile is not None and profile.charging_profile_purpose != "TxProfile":
            purpose = profile.charging_profile_purpose
            raise ConfigurationError(f"a start takes a TxProfile with it, not a {purpose} (F01.FR.08)")
        if profile is not None and profile.transaction_id is not UNSET:
            raise ConfigurationError("the transaction has no id yet that its profile could name (F01.FR.11)")
        number = secrets.randbelow(_IDS) + 1
        request = v21.RequestStartTransactionRequest(
            id_token=token,
            remote_start_id=number,
            evse_id=UNSET if evse is None else evse,
            group_id_token=UNSET if group is None else group,
            charging_profile=UNSET if profile is None else profile,
        )
        answer = await self.csms.call(identity, request)
        return StartRequested(
            status=answer.status,
            remote_start_id=number,
            transaction_id=None if answer.transaction_id is UNSET else answer.transaction_id,
            reason=reason_of(answer.status_info),
        )

    async def stop_transaction(self, identity: str, transaction_id: str) -> v21.RequestStopTransactionResponse:
        """F03: end a transaction."""
        return await self.csms.call(identity, v21.RequestStopTransactionRequest(transaction_id=transaction_id))

    async def unlock(self, identity: str, evse: int, connector: int = 1) -> v21.UnlockConnectorResponse:
        """F05: let go of a cable; whether a transaction forbids that is for the station to say (F05.FR.02)."""
        return await self.csms.call(identity, v21.UnlockConnectorRequest(evse_id=evse, connector_id=connector))

    async def trigger(
        self, identity: str, message: v21.MessageTriggerEnumType, *, evse: int = 0, connector: int = 0, custom: str = ""
    ) -> v21.TriggerMessageResponse:
        """F06: have a station say something now, of itself (EVSE 0), an EVSE (connector 0) or a connector. ``custom``
        names what a CustomTrigger of 2.1 is to bring. Raises ConfigurationError for one without the other."""
        if (message == "CustomTrigger") is not bool(custom):
            raise ConfigurationError("a CustomTrigger has a name, and nothing else has")
        where = v21.EVSEType(id=evse, connector_id=connector or UNSET) if evse else UNSET
        request = v21.TriggerMessageRequest(requested_message=message, evse=where, custom_trigger=custom or UNSET)
        return await self.csms.call(identity, request)


def reason_of(info: v21.StatusInfoType | object) -> str:
    """What a station adds to a refusal, for people; empty if it adds nothing."""
    if not isinstance(info, v21.StatusInfoType):
        return ""
    return info.reason_code if info.additional_info is UNSET else f"{info.reason_code}: {info.additional_info}"
