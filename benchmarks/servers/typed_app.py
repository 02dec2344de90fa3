"""A CSMS for ``ocppflow csms --app``: one typed handler, no output of its own."""

from __future__ import annotations

from ocppflow import CSMS, Station, v201

csms = CSMS()


@csms.on(v201.TransactionEventRequest)
async def transaction_event(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
    return v201.TransactionEventResponse()
