"""OCPP 1.6-J, 2.0.1 and 2.1 in either role.

The public names. The message modules ``v16``, ``v201`` and ``v21`` are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocppflow import errors
    from ocppflow.csms import CSMS, Station
    from ocppflow.handlers import LATER, IncomingCall
    from ocppflow.messages import Role, Version, v16, v21, v201
    from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy, Rule, Rules, Violation
    from ocppflow.rpc.limits import Limits
    from ocppflow.station import ChargingStation
    from ocppflow.trace import TraceFile, TraceRecord
    from ocppflow.transport.backoff import Backoff
    from ocppflow.transport.passwords import hash_password
    from ocppflow.transport.settings import LinkLimits, ServerLimits
    from ocppflow.transport.tls import KeyPair, ServerTLS, client_context

_HOMES = {
    "CSMS": "csms",
    "Station": "csms",
    "ChargingStation": "station",
    "LATER": "handlers",
    "IncomingCall": "handlers",
    "Role": "messages",
    "Version": "messages",
    "STRICT": "messages.tolerance",
    "TOLERANT": "messages.tolerance",
    "Policy": "messages.tolerance",
    "Rule": "messages.tolerance",
    "Rules": "messages.tolerance",
    "Violation": "messages.tolerance",
    "Limits": "rpc.limits",
    "TraceFile": "trace",
    "TraceRecord": "trace",
    "Backoff": "transport.backoff",
    "hash_password": "transport.passwords",
    "LinkLimits": "transport.settings",
    "ServerLimits": "transport.settings",
    "KeyPair": "transport.tls",
    "ServerTLS": "transport.tls",
    "client_context": "transport.tls",
}
_MODULES = {"v16": "messages.v16", "v201": "messages.v201", "v21": "messages.v21", "errors": "errors"}

__all__ = [  # noqa: RUF022 - the roles first
    "CSMS",
    "ChargingStation",
    "Station",
    "v16",
    "v201",
    "v21",
    "errors",
    "Version",
    "Role",
    "IncomingCall",
    "LATER",
    "Limits",
    "LinkLimits",
    "ServerLimits",
    "Backoff",
    "Policy",
    "STRICT",
    "TOLERANT",
    "Rule",
    "Rules",
    "Violation",
    "TraceFile",
    "TraceRecord",
    "KeyPair",
    "ServerTLS",
    "client_context",
    "hash_password",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # costs 40 ms, which few who import this package want to pay

        return version("ocppflow")
    if name in _MODULES:
        value: Any = import_module(f"ocppflow.{_MODULES[name]}")
    elif name in _HOMES:
        value = getattr(import_module(f"ocppflow.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'ocppflow' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
