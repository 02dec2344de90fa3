"""What the dialogs know of stations and of rules is what the engine knows: identities, URLs, rules for violations."""

from __future__ import annotations

import itertools
import random
from typing import Any

import javascript
import pytest

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.messages.tolerance import FORGIVABLE, Rules
from ocppflow.nodes.configuration import CSMSSettings
from ocppflow.transport.address import identity_fault, station_address
from ocppflow.transport.handshake import check_identity

VERSIONS = [str(version) for version in Version]
SETS = [list(each) for size in (1, 2, 3) for each in itertools.combinations(VERSIONS, size)]
ALPHABET = "AZaz09*-_=+|@.:/%?# \t\n\x7f\x85\u2028äß漢😀'!()"


def identities() -> list[str]:
    chance = random.Random(17)
    made = ["".join(chance.choices(ALPHABET, k=chance.choice([1, 2, 3, 8]))) for _ in range(400)]
    return [*made, ".", "..", "...", "CS1", "RDAM 123", "x" * 48, "x" * 49, "x" * 47 + "😀", "a:b", "*", "-_=+|@."]


def test_an_identity_is_refused_where_the_engine_refuses_it_in_every_version():
    """OCPP-J 2.0.1 Part 4, 3.1.1."""
    cases = [(name, versions) for name in identities() if name.strip() for versions in SETS]
    found = javascript.run(
        "resources/station-rules.js", "return given.map(([name, versions]) => it.identityFault(name, versions))", cases
    )
    for (name, versions), fault in zip(cases, found, strict=True):
        wanted = identity_fault(name) or all(check_identity(name, Version(each)) for each in versions)
        assert bool(fault) == bool(wanted), (name, versions, fault)
    assert {"", "identityControl", "identity2"} == set(found)


@pytest.mark.parametrize(
    ("password", "versions", "fault"),
    [
        ("x" * 15, ["2.0.1"], "password2"),
        ("x" * 16, ["2.0.1"], ""),
        ("😀" * 16, ["2.1"], ""),
        ("x" * 64, ["2.1", "2.0.1"], ""),
        ("x" * 65, ["2.1", "2.0.1"], "password2"),
        ("0a" * 20, ["1.6"], ""),
        ("0A0b", ["1.6"], ""),
        ("0a0", ["1.6"], "password16"),
        ("0a" * 21, ["1.6"], "password16"),
        ("0a" * 21, ["1.6", "2.0.1"], ""),
        ("0a", ["1.6", "2.0.1"], ""),
        ("x", ["1.6", "2.0.1"], "passwordAny"),
    ],
)
def test_a_password_that_no_station_may_have_is_told(password: str, versions: list[str], fault: str):
    """OCPP 2.0.1 Part 2, A00.FR.205; OCPP-J 1.6, 6.2."""
    body = "return it.passwordFault(given.password, given.versions)"
    assert javascript.run("resources/station-rules.js", body, {"password": password, "versions": versions}) == fault


def test_the_url_that_the_dialog_shows_is_the_one_that_the_station_connects_to():
    urls = ["ws://h", "ws://h/", "ws://h:9000/ocpp", "wss://h/a//b/", "ws://h/ocpp?x=1&y=?", "ws://h/{identity}/?v=2",
            "ws://h/?id={identity}", "ws://h/{identity}/x/{identity}"]  # fmt: skip
    cases = [(url, name) for url in urls for name in identities() if not identity_fault(name)]
    shown = javascript.run("resources/station-rules.js", "return given.map(each => it.addressOf(...each))", cases)
    assert shown == [station_address(url, name).url for url, name in cases]
    template = javascript.run(
        "resources/station-rules.js", "return it.addressOf('ws://h/ocpp', '', '<identity>')", None
    )
    assert template == "ws://h/ocpp/<identity>"


def test_the_largest_message_has_the_bounds_of_the_engine():
    least, most = javascript.run("resources/station-rules.js", "return it.MESSAGE_SIZE", None)
    for size in (least, most):
        assert CSMSSettings.read({"port": 1, "maxMessageSize": str(size)}).max_message_size == size
    for size in (least - 1, most + 1):
        with pytest.raises(ConfigurationError, match="maxMessageSize"):
            CSMSSettings.read({"port": 1, "maxMessageSize": size})


def test_a_rule_that_the_dialog_finds_sound_is_one_to_the_engine():
    chance, kinds = random.Random(23), list(FORGIVABLE)
    fields: dict[str, list[str]] = {"vendor": ["", "ACME*"], "model": ["", "M?"], "identity": ["", " CS1 "],
                                    "action": ["", "Boot*"], "path": ["", "$.a", "**.b", "a.b", "*"]}  # fmt: skip
    rules: list[dict[str, Any]] = [
        {
            **{name: chance.choice(some) for name, some in fields.items()},
            "forgive": chance.sample(kinds, chance.randrange(4)),
        }
        for _ in range(200)
    ]
    tidied = javascript.run("resources/tolerance-rules.js", "return given.map(it.tidy)", rules)
    found = javascript.run("resources/tolerance-rules.js", "return given.map(rule => it.faultsOf([rule]))", tidied)
    for rule, faults in zip(tidied, found, strict=True):
        try:
            Rules.from_data([rule])
            assert not faults, rule
        except ConfigurationError:
            assert faults, rule
    assert 20 < sum(map(bool, found)) < 180
    assert javascript.run("resources/tolerance-rules.js", "return it.faultsOf([])", None) == [{"n": 0, "key": "none"}]
