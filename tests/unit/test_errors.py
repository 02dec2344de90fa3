"""The error tree: what comes from a peer is the standard's, whatever a user derives from it."""

from __future__ import annotations

import json

import pytest

from ocppflow import errors
from ocppflow.errors import CallError, RemoteCallError, SecurityError
from ocppflow.messages import Role, Version
from ocppflow.rpc.codes import CODES
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import CallFailed
from ocppflow.rpc.session import Session


class NotToday(SecurityError):
    """A user's own refusal, which needs more than a description."""

    def __init__(self, day: str, until: str) -> None:
        super().__init__(f"not on {day}, but after {until}")


class OwnCode(CallError):
    """A user's error with a code that the standard does not have."""

    code = "OutOfCoffee"


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_of_the_standard_is_the_standards_error(code: str) -> None:
    error = CallError.of(code, "why", {"a": 1})
    assert type(error).__module__ == errors.__name__
    assert type(error) is not CallError
    assert (error.code, error.description, error.details) == (code, "why", {"a": 1})


def test_a_subclass_of_a_users_takes_the_place_of_none() -> None:
    assert type(CallError.of("SecurityError", "no")) is SecurityError
    assert type(CallError.of("OutOfCoffee", "no")) is CallError
    session = Session(Version.V201, Role.CSMS)
    session.call(RawMessage("ClearCache", b"{}"), 0.0, message_id="1")
    [event] = session.receive(json.dumps([4, "1", "SecurityError", "no", {}]).encode(), 1.0)
    assert isinstance(event, CallFailed)
    assert isinstance(event.error, RemoteCallError)
    assert type(event.error.error) is SecurityError


def test_a_subclass_of_a_users_goes_over_the_wire_with_its_code() -> None:
    session = Session(Version.V201, Role.CSMS)
    for number, error in enumerate((NotToday("Sunday", "noon"), OwnCode("empty"))):
        session.receive(json.dumps([2, str(number), "DataTransfer", {"vendorId": str(number)}]).encode(), 1.0)
        session.fail(str(number), error)
    assert [json.loads(data)[2:4] for data, _ in session.data_to_send()] == [
        ["SecurityError", "not on Sunday, but after noon"],
        ["OutOfCoffee", "empty"],
    ]
