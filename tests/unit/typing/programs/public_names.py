"""What the package exports is typed, and what it does not export is an error, not ``Any``."""

from __future__ import annotations

import ocppflow
from ocppflow import CSMS, ChargingStation, NoSuchName, v16, v21, v201  # error: has no attribute "NoSuchName"

csms: CSMS = CSMS()
station: ChargingStation = ChargingStation("CS1", "ws://127.0.0.1:9000/ocpp")
requests: tuple[v16.HeartbeatRequest, v201.HeartbeatRequest, v21.HeartbeatRequest] = (
    v16.HeartbeatRequest(),
    v201.HeartbeatRequest(),
    v21.HeartbeatRequest(),
)
ocppflow.no_such_function()  # error: has no attribute "no_such_function"
CSMS(no_such_setting=True)  # error: Unexpected keyword argument "no_such_setting"
v201.NoSuchRequest()  # error: has no attribute "NoSuchRequest"
print(NoSuchName)
