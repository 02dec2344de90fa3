"""OCPP 1.6-J, 2.0.1 and 2.1 in either role.

The public names. The message modules ``v16``, ``v201`` and ``v21`` are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msgspec import UNSET

    from ocppflow import errors
    from ocppflow.csms import CSMS, KnownStation, Listener, Station, StationFile, StationMemory, StationRecord
    from ocppflow.endpoint import (
        LATER,
        Accept,
        Acceptor,
        Backoff,
        CallAnswered,
        ClientCertificate,
        Clock,
        Connection,
        ConnectionState,
        FetchedPasswords,
        Handshake,
        HashedPasswords,
        IncomingCall,
        KeyPair,
        Leniency,
        Limits,
        LinkLimits,
        Middleware,
        PasswordStore,
        Peer,
        PlainPasswords,
        Proceed,
        Refuse,
        RefusedInfo,
        Router,
        SecurityPolicy,
        ServerLimits,
        ServerTLS,
        client_context,
        hash_password,
        unauthorized,
        verify_password,
    )
    from ocppflow.messages import Message, Role, Version, actions, v16, v21, v201
    from ocppflow.messages.rules_file import read_rules
    from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy, Rule, Rules, Violation
    from ocppflow.station import ChargingStation, StationState
    from ocppflow.trace import TraceHook, TraceRecord, read_trace
    from ocppflow.trace_file import TraceFile

_HOMES = {
    "Accept": "ocppflow.endpoint",
    "Acceptor": "ocppflow.endpoint",
    "Backoff": "ocppflow.endpoint",
    "CSMS": "ocppflow.csms",
    "CallAnswered": "ocppflow.endpoint",
    "ChargingStation": "ocppflow.station",
    "ClientCertificate": "ocppflow.endpoint",
    "Clock": "ocppflow.endpoint",
    "Connection": "ocppflow.endpoint",
    "ConnectionState": "ocppflow.endpoint",
    "FetchedPasswords": "ocppflow.endpoint",
    "Handshake": "ocppflow.endpoint",
    "HashedPasswords": "ocppflow.endpoint",
    "IncomingCall": "ocppflow.endpoint",
    "KeyPair": "ocppflow.endpoint",
    "KnownStation": "ocppflow.csms",
    "LATER": "ocppflow.endpoint",
    "Leniency": "ocppflow.endpoint",
    "Limits": "ocppflow.endpoint",
    "LinkLimits": "ocppflow.endpoint",
    "Listener": "ocppflow.csms",
    "Message": "ocppflow.messages",
    "Middleware": "ocppflow.endpoint",
    "PasswordStore": "ocppflow.endpoint",
    "Peer": "ocppflow.endpoint",
    "PlainPasswords": "ocppflow.endpoint",
    "Policy": "ocppflow.messages.tolerance",
    "Proceed": "ocppflow.endpoint",
    "Refuse": "ocppflow.endpoint",
    "RefusedInfo": "ocppflow.endpoint",
    "Role": "ocppflow.messages",
    "Router": "ocppflow.endpoint",
    "Rule": "ocppflow.messages.tolerance",
    "Rules": "ocppflow.messages.tolerance",
    "STRICT": "ocppflow.messages.tolerance",
    "SecurityPolicy": "ocppflow.endpoint",
    "ServerLimits": "ocppflow.endpoint",
    "ServerTLS": "ocppflow.endpoint",
    "Station": "ocppflow.csms",
    "StationFile": "ocppflow.csms",
    "StationMemory": "ocppflow.csms",
    "StationRecord": "ocppflow.csms",
    "StationState": "ocppflow.station",
    "TOLERANT": "ocppflow.messages.tolerance",
    "TraceFile": "ocppflow.trace_file",
    "TraceHook": "ocppflow.trace",
    "TraceRecord": "ocppflow.trace",
    "Version": "ocppflow.messages",
    "Violation": "ocppflow.messages.tolerance",
    "actions": "ocppflow.messages",
    "client_context": "ocppflow.endpoint",
    "hash_password": "ocppflow.endpoint",
    "read_rules": "ocppflow.messages.rules_file",
    "read_trace": "ocppflow.trace",
    "unauthorized": "ocppflow.endpoint",
    "verify_password": "ocppflow.endpoint",
    "UNSET": "msgspec",
}
_MODULES = {
    "v16": "ocppflow.messages.v16",
    "v201": "ocppflow.messages.v201",
    "v21": "ocppflow.messages.v21",
    "errors": "ocppflow.errors",
}

__all__ = [  # noqa: RUF022 - the roles first
    "CSMS",
    "ChargingStation",
    "v16",
    "v201",
    "v21",
    "errors",
    "UNSET",
    "Accept",
    "Acceptor",
    "Backoff",
    "CallAnswered",
    "ClientCertificate",
    "Clock",
    "Connection",
    "ConnectionState",
    "FetchedPasswords",
    "Handshake",
    "HashedPasswords",
    "IncomingCall",
    "KeyPair",
    "KnownStation",
    "LATER",
    "Leniency",
    "Limits",
    "LinkLimits",
    "Listener",
    "Message",
    "Middleware",
    "PasswordStore",
    "Peer",
    "PlainPasswords",
    "Policy",
    "Proceed",
    "Refuse",
    "RefusedInfo",
    "Role",
    "Router",
    "Rule",
    "Rules",
    "STRICT",
    "SecurityPolicy",
    "ServerLimits",
    "ServerTLS",
    "Station",
    "StationFile",
    "StationMemory",
    "StationRecord",
    "StationState",
    "TOLERANT",
    "TraceFile",
    "TraceHook",
    "TraceRecord",
    "Version",
    "Violation",
    "actions",
    "client_context",
    "hash_password",
    "read_rules",
    "read_trace",
    "unauthorized",
    "verify_password",
]

if not TYPE_CHECKING:  # a type checker is to see that a name is not there

    def __getattr__(name: str):
        if name == "__version__":
            from importlib.metadata import version  # costs 40 ms, which few who import this package want to pay

            return version("ocppflow")
        if name in _MODULES:
            value = import_module(_MODULES[name])
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module 'ocppflow' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
