"""The fields of a message are typed, their names checked, and a call is answered by its own response."""

from __future__ import annotations

from ocppflow import ChargingStation, Station, v201


async def asks_a_station(station: Station) -> v201.ResetResponse:
    answer = await station.call(v201.ResetRequest(type="Immediate"))
    wrong: v201.ClearCacheResponse = answer  # error: Incompatible types in assignment
    print(wrong)
    return answer


async def asks_a_csms(cs: ChargingStation) -> v201.HeartbeatResponse:
    await cs.call(v201.HeartbeatResponse)  # error: incompatible type
    return await cs.call(v201.HeartbeatRequest())


v201.ResetRequest()  # error: Missing named argument "type"
v201.ResetRequest(type="Immediate", evseId=1)  # error: Unexpected keyword argument "evseId"
v201.ResetRequest(type="Immediate", evse_id="1")  # error: incompatible type
