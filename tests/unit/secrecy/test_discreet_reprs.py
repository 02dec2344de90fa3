"""Whatever class of ours holds a message, a password or a setting shows itself without secrets."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import ocppflow
from ocppflow import v16, v21, v201
from ocppflow.messages import Version
from ocppflow.nodes.auth_memory import ChangedList
from ocppflow.nodes.contract import CommandMsg, RequestMsg
from ocppflow.nodes.engine.hosted_nodes import Wanted
from ocppflow.nodes.properties import TLSFiles
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.own_calls import OwnCall
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.secrecy.secret_names import is_secret
from ocppflow.transport.handshake import Credentials

MARK = "918273645546372819"

HOLDS_ANYTHING = re.compile(r"\b(bytes|Any|dict|Raw)\b")

HARMLESS = {
    "CostMeter": "sums of money",
    "FoundHandler": "handlers, not messages",
    "Handshake": "credentials_problem says what is wrong; the password itself is left out",
    "PeerRequest": "objects that show themselves",
    "Pics": "names of features",
    "ReplayResult": "counts of actions; differences name paths, and show themselves",
    "SecurityPolicy": "passwords is a store, which shows itself",
    "ServerLimits": "password_wait is a number of seconds",
    "TheirError": "an error, which shows itself",
}
"""Classes whose fields may be anything and are not secrets, and why."""


def _classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(ocppflow.__path__, "ocppflow."):
        if not module.name.endswith("__main__"):
            loaded = importlib.import_module(module.name)
            yield from (each for each in vars(loaded).values() if getattr(each, "__module__", "") == module.name)


def _fields(kind: Any) -> dict[str, str]:
    """The fields that its ``repr`` shows, and their types."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        try:
            return {each.name: str(each.type) for each in msgspec.structs.fields(kind)}
        except NameError:  # a type that only a type checker imports is no name at run time
            spelled = {k: str(of) for each in reversed(kind.__mro__) for k, of in inspect.get_annotations(each).items()}
            return {name: spelled[name] for name in kind.__struct_fields__}
    if dataclasses.is_dataclass(kind):
        return {each.name: str(each.type) for each in dataclasses.fields(kind) if each.repr}
    return {}


def test_a_class_that_may_hold_a_secret_shows_itself_without_it() -> None:
    found = [each for each in _classes() if _fields(each)]
    assert len(found) > 300
    bare = [
        each.__name__
        for each in found
        if each.__repr__ is not discreet_repr
        and any(HOLDS_ANYTHING.search(kind) or is_secret(name) for name, kind in _fields(each).items())
    ]
    assert set(bare) - set(HARMLESS) == set()


V = {Version.V201: v201, Version.V21: v21}


def _variable(version: Version, name: str) -> dict[str, Any]:
    module: Any = V[version]
    return {"component": module.ComponentType(name="C"), "variable": module.VariableType(name=name)}


@pytest.mark.parametrize("version", V)
def test_messages_hide_what_a_name_beside_it_makes_a_secret(version: Version) -> None:
    module: Any = V[version]
    shown = [
        module.SetVariableDataType(attribute_value=MARK, **_variable(version, "SharedSecret")),
        module.ReportDataType(
            variable_attribute=[module.VariableAttributeType(value=MARK)], **_variable(version, "VpnKey")
        ),
        module.VPNType(server="s", user="u", password=MARK, key=MARK, type="IPSec"),
        module.APNType(apn="a", apn_authentication="PAP", sim_pin=int(MARK), apn_password=MARK),
        module.IdTokenType(id_token=MARK, type="KeyCode"),
        module.HeartbeatRequest(custom_data={"vendorId": "V", "passphrase": MARK}),
        module.DataTransferRequest(vendor_id="V", data={"wifi": [{"name": "psk", "value": MARK}]}),
    ]
    assert [each for each in shown if MARK in repr(each)] == []
    usual = module.SetVariableDataType(attribute_value="30", **_variable(version, "HeartbeatInterval"))
    assert "attribute_value='30'" in repr(usual)


def test_others_that_hold_messages_or_passwords_hide_them() -> None:
    frame = f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{MARK}"}}]'.encode()
    shown = [
        v16.ChangeConfigurationRequest(key="AuthorizationKey", value=MARK),
        v16.KeyValue(key="wifi-psk", readonly=False, value=MARK),
        RawMessage("ChangeConfiguration", frame[27:-1]),
        OwnCall("1", "ChangeConfiguration", frame, 30.0),
        RequestMsg("CS1", "ChangeConfiguration", frame[27:-1], None, None, True),
        CommandMsg("set_auth_cs", {"name": "CS1", "password": MARK}),
        ChangedList("n", MARK, {"CS1": MARK}),
        TLSFiles("cert.pem", f"-----BEGIN PRIVATE KEY-----\n{MARK}", "", MARK, True),
        Credentials("CS1", MARK.encode()),
        Wanted("n", "CSMS", {}, {"basic_auths": {"CS1": MARK}}),
    ]
    assert [each for each in map(repr, shown) if MARK in each] == []
