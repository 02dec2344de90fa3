"""What charging stations and other programs in the field send, from public reports: the verdict of strict, and what an
ordinary handler gets when it is forgiven."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from msgspec import UNSET

from ocppflow.errors import InvalidMessage
from ocppflow.messages import action_info, v16, v201
from ocppflow.messages.base import Message
from ocppflow.messages.codec import violations
from ocppflow.messages.repair import repaired
from ocppflow.messages.tolerance import STRICT, TOLERANT, Rule, Rules, check


class Case(NamedTuple):
    name: str
    kind: type[Message]
    payload: str | bytes
    faults: tuple[str, ...]
    """What strict refuses the message for; empty if it is valid."""
    got: dict[str, Any]
    """Expressions on the message ``m``, and what a handler that reads them gets under the tolerant policy."""


NOON = "2026-03-01T10:00:00Z"


def metered(*values: str) -> str:
    return f'{{"connectorId":1,"meterValue":[{{"timestamp":"{NOON}","sampledValue":[{",".join(values)}]}}]}}'


SAMPLE = "m.meter_value[0].sampled_value[0]"
VALUE = "$.meterValue[0].sampledValue[0].value"

CASES = [
    Case("FC18 serial numbers that are too long", v16.BootNotificationRequest,
         '{"chargeBoxSerialNumber":"XYZ1A22P2KI3N12345678901234567","chargePointModel":"Link Wallbox",'
         '"chargePointSerialNumber":"3N123456789F2S1B1234567890","chargePointVendor":"Fritz Electric"}',
         ("$.chargePointSerialNumber", "$.chargeBoxSerialNumber"),
         {"m.charge_point_serial_number": "3N123456789F2S1B1234567890"}),
    Case("FC20 an empty vendor", v16.BootNotificationRequest,
         '{"chargePointModel":"ACBox","chargePointSerialNumber":"unit1","chargePointVendor":""}', (),
         {"m.charge_point_vendor": ""}),
    Case("FC21 empty optional texts", v16.BootNotificationRequest,
         '{"chargePointVendor":"WB","chargePointModel":"P2","meterSerialNumber":"","iccid":"","imsi":""}', (),
         {"m.iccid": ""}),
    Case("FC22 null for an optional field", v16.StatusNotificationRequest,
         '{"connectorId":1,"errorCode":"NoError","info":null,"status":"Unavailable",'
         '"timestamp":"2026-01-27T14:42:15.1240977Z"}', ("$.info",),
         {"m.info": UNSET, "m.timestamp": datetime(2026, 1, 27, 14, 42, 15, 124097, UTC)}),
    Case("FC23 an unknown error code", v16.StatusNotificationRequest,
         '{"connectorId":0,"errorCode":"Error","status":"Faulted"}', ("$.errorCode",), {"m.error_code": "Error"}),
    Case("FC23 no connectorId", v16.StatusNotificationRequest,
         '{"errorCode":"NoError","status":"Available","info":"Pilot and Charger:10h","vendorId":"UC"}',
         ("$.connectorId",), {"m.connector_id": UNSET, "m.missing_fields()": ("$.connectorId",)}),
    Case("FC24 a number as a meter value", v16.MeterValuesRequest, metered('{"value":604.213,"unit":"Wh"}'), (VALUE,),
         {f"{SAMPLE}.value": "604.213", f"float({SAMPLE}.value)": 604.213}),
    Case("FC25 an empty value, a value that begins with a blank", v16.MeterValuesRequest,
         metered('{"value":""}', '{"value":" 0.0","unit":"A"}'), (), {f"{SAMPLE}.value": ""}),
    Case("FC26 no sampled value", v16.StopTransactionRequest,
         '{"meterStop":7929,"timestamp":"2026-11-30T13:14:01Z","transactionId":17645,'
         '"transactionData":[{"sampledValue":[],"timestamp":"2026-11-30T13:14:01Z"}]}', (),
         {"m.transaction_data[0].sampled_value": []}),
    Case("FC27 an object instead of a list of one", v16.MeterValuesRequest,
         '{"connectorId":1,"transactionId":1,"meterValue":{"timestamp":"2026-04-16T17:28:55Z",'
         '"sampledValue":[{"value":"0.00","unit":"kWh"}]}}', ("$.meterValue",),
         {"len(m.meter_value)": 1, f"{SAMPLE}.value": "0.00"}),
    Case("FC28 units and a measurand of their own", v16.MeterValuesRequest,
         metered('{"value":"49.97","measurand":"Frequency","unit":"Hz"}', '{"value":"31","unit":"C"}',
                 '{"value":"12","measurand":"Current.import"}'),
         ("$.meterValue[0].sampledValue[0].unit", "$.meterValue[0].sampledValue[1].unit",
          "$.meterValue[0].sampledValue[2].measurand"), {f"{SAMPLE}.unit": "Hz"}),
    Case("FC29 Celcius and Celsius", v16.MeterValuesRequest,
         metered('{"value":"31","unit":"Celcius"}', '{"value":"31","unit":"Celsius"}'), (), {f"{SAMPLE}.value": "31"}),
    Case("FC30 a time without a zone", v16.StartTransactionRequest,
         '{"connectorId":1,"idTag":"tag1","meterStart":0,"timestamp":"2026-10-19T15:28:07"}', ("$.timestamp",),
         {"m.timestamp": datetime(2026, 10, 19, 15, 28, 7, tzinfo=UTC)}),
    Case("FC31 an offset of hours alone is ISO 8601 (1.6 edition 2, 3.15)", v16.StartTransactionRequest,
         '{"connectorId":1,"idTag":"tag1","meterStart":0,"timestamp":"2026-10-19T15:28:07+02"}', (),
         {"m.timestamp": datetime(2026, 10, 19, 13, 28, 7, tzinfo=UTC)}),
    Case("FC31 an offset of hours alone is not RFC 3339", v201.HeartbeatResponse,
         '{"currentTime":"2026-10-19T15:28:07+02"}', ("$.currentTime",),
         {"m.current_time": datetime(2026, 10, 19, 13, 28, 7, tzinfo=UTC)}),
    Case("FC32 the year 1", v16.StatusNotificationRequest,
         '{"connectorId":0,"errorCode":"NoError","status":"Available","timestamp":"0001-01-01T00:00:00Z"}', (),
         {"m.timestamp.year": 1}),
    Case("FC32 1970", v16.StatusNotificationRequest,
         '{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"1970-01-01T00:00:00.740Z"}', (),
         {"m.timestamp.year": 1970}),
    Case("FC33 the largest transactionId", v16.MeterValuesRequest,
         metered('{"value":"0.505"}')[:-1] + ',"transactionId":9223372036854775807}', (),
         {"m.transaction_id": 2**63 - 1}),
    Case("FC34 an idTag that is too long", v16.StopTransactionRequest,
         '{"meterStop":250390,"timestamp":"2026-11-10T10:23:58Z","transactionId":17627,'
         '"idTag":"X16WG99J2QIEGCC0MCJ5-"}', ("$.idTag",), {"m.id_tag": "X16WG99J2QIEGCC0MCJ5-"}),
    Case("FC35 a field too many", v16.AuthorizeRequest, '{"connectorId":2,"idTag":"043768E29A7000"}',
         ("$.connectorId",), {"m.id_tag": "043768E29A7000"}),
    Case("FC36 an object as data", v16.DataTransferRequest,
         '{"vendorId":"btc","messageId":"stationMode","data":{"StationMode":"paymentMode"}}', ("$.data",),
         {"m.data": {"StationMode": "paymentMode"}}),
    Case("FC37 connectorId as text", v16.StatusNotificationRequest,
         '{"connectorId":"1","errorCode":"NoError","status":"Available"}', ("$.connectorId",),
         {"m.connector_id + 1": 2}),
    Case("FC39 NULs at the end of a text", v16.GetConfigurationResponse,
         b'{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"60\0\0"}]}', ("$",),
         {"m.configuration_key[0].value": "60"}),
    Case("FC60 junk in a refusal", v16.GetCompositeScheduleResponse,
         '{"status":"Rejected","connectorId":0,"chargingSchedule":{"duration":0,"chargingSchedulePeriod":[],'
         '"startSchedule":"0","chargingRateUnit":""},"scheduleStart":"0"}',
         ("$.scheduleStart", "$.chargingSchedule.chargingRateUnit", "$.chargingSchedule.startSchedule"),
         {"m.status": "Rejected", "m.schedule_start": "0"}),
    Case("FC61 a configuration value of 551 characters", v16.GetConfigurationResponse,
         json.dumps({"configurationKey": [{"key": "Levels", "readonly": True, "value": "x" * 551}]}),
         ("$.configurationKey[0].value",), {"len(m.configuration_key[0].value)": 551}),
    Case("FC62 a response that echoes the request", v16.StatusNotificationResponse,
         '{"connectorId":1,"status":"Available","errorCode":"NoError"}',
         ("$.connectorId", "$.status", "$.errorCode"), {"m": v16.StatusNotificationResponse()}),
    Case("FC63 currentTime without a zone", v16.BootNotificationResponse,
         '{"currentTime":"2026-06-13T12:16:34.207573","interval":10,"status":"Accepted"}', ("$.currentTime",),
         {"m.current_time": datetime(2026, 6, 13, 12, 16, 34, 207573, UTC)}),
    Case("FC64 a number as a configuration value", v16.ChangeConfigurationRequest,
         '{"key":"HeartbeatInterval","value":60}', ("$.value",), {"m.value": "60"}),
    Case("FC64 connectorId 0", v16.RemoteStartTransactionRequest, '{"connectorId":0,"idTag":"A"}', (),
         {"m.connector_id": 0}),
    Case("FC64 an empty list of keys", v16.GetConfigurationRequest, '{"key":[]}', (), {"m.key": []}),
    Case("FC65 an empty idToken", v201.TransactionEventRequest,
         '{"eventType":"Started","idToken":{"idToken":"","type":"NoAuthorization"},"seqNo":0,'
         '"timestamp":"2026-09-11T02:55:05.407Z","transactionInfo":{"transactionId":"318a"},'
         '"triggerReason":"CablePluggedIn"}', (), {"m.id_token.id_token": ""}),
    Case("FC66 no triggerReason", v201.TransactionEventRequest,
         '{"eventType":"Ended","seqNo":3,"timestamp":"2026-09-11T02:55:05Z","transactionInfo":{"transactionId":"t1"}}',
         ("$.triggerReason",), {"m.trigger_reason": UNSET, "m.missing_fields()": ("$.triggerReason",)}),
    Case("FC66 transactionData of OCPP 2.0", v201.TransactionEventRequest,
         '{"eventType":"Started","triggerReason":"Authorized","seqNo":0,"timestamp":"2026-09-11T02:55:05Z",'
         '"transactionData":{"id":"t6","chargingState":"EVDetected"}}', ("$.transactionInfo", "$.transactionData"),
         {"m.missing_fields()": ("$.transactionInfo",)}),
    Case("FC67 evseId 0", v201.MeterValuesRequest,
         '{"evseId":0,"meterValue":[{"timestamp":"2026-09-11T02:55:05Z","sampledValue":[{"value":230.1}]}]}', (),
         {f"{SAMPLE}.value": 230.1}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_strict_names_all_that_is_wrong(case: Case) -> None:
    assert {v.path for v in violations(case.kind, case.payload)} == set(case.faults)
    if not case.faults:
        assert check(case.kind, case.payload, STRICT).violations == ()
        return
    with pytest.raises(InvalidMessage) as caught:
        check(case.kind, case.payload, STRICT)
    assert {v.path for v in caught.value.violations} == set(case.faults)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tolerant_hands_over_what_an_ordinary_handler_can_use(case: Case) -> None:
    checked = check(case.kind, case.payload, TOLERANT)
    assert isinstance(checked.message, case.kind)
    assert {v.path for v in checked.violations} == set(case.faults)
    for expression, value in case.got.items():
        got = eval(expression, {"m": checked.message})
        assert (got, type(got)) == (value, type(value)), expression


def test_fc19_a_rule_for_a_vendor_holds_as_soon_as_the_vendor_is_known() -> None:
    rules = Rules([Rule(vendor="Fritz*", action="MeterValues", path=VALUE.replace("0", "*"), forgive=["type"])])
    raw = metered('{"value":12.5}')
    assert check(v16.MeterValuesRequest, raw, rules, vendor="Fritz Electric").message.meter_value
    with pytest.raises(InvalidMessage, match="a rule may forgive this once the station's vendor and model are known"):
        check(v16.MeterValuesRequest, raw, rules)
    with pytest.raises(InvalidMessage) as caught:
        check(v16.MeterValuesRequest, raw, rules, vendor="Other", model="Box")
    assert "a rule may" not in str(caught.value)


@pytest.mark.parametrize(
    "frame",
    [b'[3,"7",{"configurationKey":[{"key":"K","readonly":false,"value":"60\0\0"}]}]',
     b'[3,"7",{"configurationKey":[{"key":"K","readonly":false,"value":"60"}]}]\0'],
)  # fmt: skip
def test_fc39_a_message_with_nuls_is_readable_after_its_repair(frame: bytes) -> None:
    fixed, found = repaired(frame)
    assert json.loads(fixed) == [3, "7", {"configurationKey": [{"key": "K", "readonly": False, "value": "60"}]}]
    payload = fixed[len('[3,"7",') : -1]
    kind = action_info("1.6", "GetConfiguration").response
    assert kind is not None
    assert check(kind, payload, TOLERANT, repairs=found).violations == found
    with pytest.raises(InvalidMessage, match=r"GetConfigurationResponse: \$: expected .* at byte \d+"):
        check(kind, payload, STRICT, repairs=found)


def test_fc40_a_message_that_was_cut_off_is_not_repaired() -> None:
    assert repaired(b'[3,"7",{"configurationKey":[]') == (b'[3,"7",{"configurationKey":[]', ())
