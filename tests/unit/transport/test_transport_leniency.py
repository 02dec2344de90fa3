"""What a handshake may lack, if the operator says so; the cases of real stations are in tests/wire/field."""

from __future__ import annotations

import pytest

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport.handshake import Accept, Handshake, Refuse
from ocppflow.transport.leniency import EXACT, Leniency
from ocppflow.transport.route import Route
from ocppflow.transport.server import Server


async def _let_in(handshake: Handshake) -> Accept | Refuse:
    return Accept()


def test_by_default_nothing_is_forgiven() -> None:
    assert Leniency() == EXACT
    assert (EXACT.version, EXACT.identity, EXACT.any_username, EXACT.any_connection_header) == (
        None,
        None,
        False,
        False,
    )


def test_a_version_may_be_given_as_text() -> None:
    assert Leniency(version="1.6").version is Version.V16
    assert Leniency(version="ocpp1.6") == Leniency(version=Version.V16)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"version": "1.5"}, "unknown OCPP version"),
        ({"identity": ""}, "leniency: the identity is empty"),
        ({"identity": "a\nb"}, "leniency: .* cannot be a station's identity"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Leniency(**settings)  # type: ignore[arg-type]


async def test_a_route_cannot_assume_a_version_that_it_does_not_speak() -> None:
    route = Route(_let_in, print, (Version.V201,), leniency=Leniency(version="1.6"))
    with pytest.raises(ConfigurationError, match=r"leniency assumes OCPP 1.6, but only 2.0.1 is spoken"):
        Server({"/ocpp": route})
