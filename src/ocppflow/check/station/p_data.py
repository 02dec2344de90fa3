"""P: data of a vendor's own."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.trial import Trial
from ocppflow.check.variables import component_type, get_variable, variable_type
from ocppflow.messages import v21
from ocppflow.messages.base import CustomDataType

_VENDOR = "org.openchargealliance.octt"
_THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")


@station_case("P01.FR.05", "P01.FR.06")
async def TC_P_01_CS(trial: Trial) -> None:
    """DataTransfer of a vendor that the station does not know."""
    answer = await trial.call(v21.DataTransferRequest(vendor_id=_VENDOR, message_id="unused"))
    answer.must("status", "UnknownVendorId", "UnknownMessageId", "Rejected", by="P01.FR.05 P01.FR.06")


@station_case()
async def TC_P_03_CS(trial: Trial) -> None:
    """A request with customData is carried out."""
    trial.changed.setdefault((*_THRESHOLD, "", 0), await get_variable(trial, *_THRESHOLD))
    custom = CustomDataType({"vendorId": _VENDOR, "color": "blue"})
    data = v21.SetVariableDataType(
        component=component_type(_THRESHOLD[0]),
        variable=variable_type(_THRESHOLD[1]),
        attribute_type="Actual",
        attribute_value="200",
        custom_data=custom,
    )
    answer = await trial.call(v21.SetVariablesRequest(set_variable_data=[data], custom_data=custom))
    answer.must("setVariableResult[0].attributeStatus", "Accepted")
    value = await get_variable(trial, *_THRESHOLD)
    trial.check(value == "200", f"{'.'.join(_THRESHOLD)} is {value}, not 200")
