"""What waits in the queue in 2.1's words, in those of 2.0.1."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ocppflow.messages import Version, v21
from ocppflow.station.blocks.monitoring.event_outlet import in_words as event_in_words

_ONLY_21: Final[dict[str, v21.TriggerReasonEnumType]] = {
    "CostLimitReached": "EnergyLimitReached",
    "SoCLimitReached": "EnergyLimitReached",
    "LimitSet": "ChargingStateChanged",
    "OperationModeChanged": "ChargingStateChanged",
    "RunningCost": "ChargingStateChanged",
    "TariffChanged": "ChargingStateChanged",
    "TariffNotAccepted": "Deauthorized",
    "TxResumed": "ChargingStateChanged",
}
"""Trigger reasons of 2.1, and what comes nearest to them in 2.0.1."""


def in_words_of(version: Version | None, request: Any) -> Any:
    """A request that 2.0.1 understands, if that is spoken: an event that arose offline may have words of 2.1."""
    if version is not Version.V201:
        return request
    if isinstance(request, v21.NotifyEventRequest):
        return event_in_words(request, version)
    if not isinstance(request, v21.TransactionEventRequest):
        return request
    info = msgspec.structs.replace(
        request.transaction_info, operation_mode=msgspec.UNSET, tariff_id=msgspec.UNSET, transaction_limit=msgspec.UNSET
    )
    if info.stopped_reason == "ReqEnergyTransferRejected":
        info.stopped_reason = "Other"
    return msgspec.structs.replace(
        request,
        transaction_info=info,
        trigger_reason=_ONLY_21.get(request.trigger_reason, request.trigger_reason),
        cost_details=msgspec.UNSET,
        preconditioning_status=msgspec.UNSET,
        evse_sleep=msgspec.UNSET,
    )
