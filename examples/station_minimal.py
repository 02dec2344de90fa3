"""A station that boots, charges once and answers what the CSMS asks meanwhile.

Run it against a CSMS, such as ``csms_minimal.py``::

    python examples/station_minimal.py ws://127.0.0.1:9000/ocpp CS1
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from uuid import uuid4

from ocppflow import ChargingStation, errors, v201


def sample(wh: float, context: v201.ReadingContextEnumType) -> list[v201.MeterValueType]:
    value = v201.SampledValueType(value=wh, context=context, measurand="Energy.Active.Import.Register")
    return [v201.MeterValueType(timestamp=datetime.now(UTC), sampled_value=[value])]


async def charge(cs: ChargingStation, id_token: str, seconds: float) -> str:
    """One transaction, with a meter value at each of its three events. Returns its id."""
    transaction_id = str(uuid4())
    token = v201.IdTokenType(id_token=id_token, type="ISO14443")
    steps: list[tuple[v201.TransactionEventEnumType, v201.TriggerReasonEnumType, v201.ReadingContextEnumType]] = [
        ("Started", "Authorized", "Transaction.Begin"),
        ("Updated", "MeterValuePeriodic", "Sample.Periodic"),
        ("Ended", "StopAuthorized", "Transaction.End"),
    ]
    for number, (event, reason, context) in enumerate(steps):
        answer = await cs.call(
            v201.TransactionEventRequest(
                event_type=event,
                timestamp=datetime.now(UTC),
                trigger_reason=reason,
                seq_no=number,
                transaction_info=v201.TransactionType(transaction_id=transaction_id),
                evse=v201.EVSEType(id=1, connector_id=1),
                id_token=token,
                meter_value=sample(1000.0 + number * 250, context),
            )
        )
        if answer.id_token_info:
            print(f"{event}: the token is {answer.id_token_info.status}")
        await asyncio.sleep(seconds)
    return transaction_id


async def main(url: str, identity: str, *, password: str | None = None, seconds: float = 1.0) -> None:
    cs = ChargingStation(identity, url, password=password, versions=["2.0.1"])

    @cs.on(v201.GetVariablesRequest)
    async def get_variables(cs: ChargingStation, request: v201.GetVariablesRequest) -> v201.GetVariablesResponse:
        results = [
            v201.GetVariableResultType(
                attribute_status="UnknownComponent", component=each.component, variable=each.variable
            )
            for each in request.get_variable_data
        ]
        return v201.GetVariablesResponse(get_variable_result=results)

    async with cs:
        box = v201.ChargingStationType(model="Minimal", vendor_name="ocppflow")
        answer = await cs.call(v201.BootNotificationRequest(charging_station=box, reason="PowerUp"))
        print(f"boot: {answer.status}, heartbeat every {answer.interval} s")
        await cs.call(
            v201.StatusNotificationRequest(
                timestamp=datetime.now(UTC), connector_status="Occupied", evse_id=1, connector_id=1
            )
        )
        print(f"transaction {await charge(cs, '04A2B3C4', seconds)} is over")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/station_minimal.py URL IDENTITY")
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2]))
    except errors.ConnectionRefused as refusal:
        sys.exit(f"not connected: {refusal}")
