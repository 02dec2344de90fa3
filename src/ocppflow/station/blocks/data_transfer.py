"""P, Data Transfer: what vendors have agreed on among themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocppflow.endpoint import Router
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.reasons import because

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

data_transfer: Router[CompleteStation] = Router(Role.CS, "data_transfer")


@data_transfer.on(v21.DataTransferRequest)
def _data_transfer(station: CompleteStation, request: v21.DataTransferRequest) -> v21.DataTransferResponse:
    """What no handler of the user's has taken. A vendor is known if the config declares
    CustomizationCtrlr.CustomImplementationEnabled for it: then just the message is unknown."""
    declared = station.device_model.find(
        "CustomizationCtrlr", "CustomImplementationEnabled", variable_instance=request.vendor_id
    )
    if declared is None:
        return v21.DataTransferResponse(status="UnknownVendorId")  # P01.FR.05, P02.FR.06
    enabled = station.device_model.flag(
        "CustomizationCtrlr", "CustomImplementationEnabled", variable_instance=request.vendor_id
    )
    if not enabled:
        return v21.DataTransferResponse(status="Rejected", status_info=because("NotEnabled"))
    return v21.DataTransferResponse(status="UnknownMessageId")  # P01.FR.06, P02.FR.07
