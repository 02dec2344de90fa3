"""The pure half of the handshake (2.1 Part 4, 3.1 to 3.3): paths, identities, subprotocols, credentials, policy."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport.admission import Admission
from ocppflow.transport.handshake import (
    Accept,
    Handshake,
    Refuse,
    Target,
    build_basic,
    check_identity,
    common_versions,
    no_common_version,
    normal_path,
    parse_basic,
    parse_subprotocols,
    parse_target,
)
from ocppflow.transport.link import ClientCertificate
from ocppflow.transport.passwords import PlainPasswords
from ocppflow.transport.security_policy import SecurityPolicy
from ocppflow.transport.settings import LinkLimits, ServerLimits

printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).filter(lambda s: s not in {".", ".."})


@given(printable, st.sampled_from(["", "/ocpp", "/a/b"]))
def test_J_3_1_1_any_identity_survives_the_url(identity: str, prefix: str) -> None:
    assert parse_target(f"{prefix}/{quote(identity, safe='')}") == Target(prefix or "/", identity)


@given(st.text())
def test_J_3_1_1_no_target_raises(target: str) -> None:
    assert isinstance(parse_target(target), Target | Refuse)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/CS1", Target("/", "CS1")),
        ("//CS1", Target("/", "CS1")),
        ("/ocpp//CS1", Target("/ocpp", "CS1")),
        ("/ocpp/CS1?token=x/y", Target("/ocpp", "CS1")),
        ("/a/b/CS%201", Target("/a/b", "CS 1")),
    ],
)
def test_J_3_1_1_targets(target: str, expected: Target) -> None:
    assert parse_target(target) == expected


@pytest.mark.parametrize("path", ["ocpp", "/ocpp", "/ocpp/", "ocpp/"])
def test_a_route_has_one_spelling(path: str) -> None:
    assert normal_path(path) == "/ocpp"


def test_J_3_1_1_identifier_string_of_48_in_2x() -> None:
    good = "aZ09*-_=+|@."
    for version in (Version.V201, Version.V21):
        assert check_identity(good + "x" * 36, version) is None
        assert check_identity("x" * 49, version) is not None
        for bad in ":/é\x00":
            assert check_identity("CS" + bad, version) is not None
    assert check_identity("Säule 1:" + "x" * 500, Version.V16) is None


def test_J_3_1_1_the_standards_own_example_is_let_in() -> None:
    """ "RDAM 123" stands in 1.6 and 2.0.1 Part 4, 3.1.1; 2.1 has "RDAM|123" in its place."""
    assert check_identity("RDAM 123", Version.V16) is None
    assert check_identity("RDAM 123", Version.V201) is None
    assert check_identity("RDAM 123", Version.V21) is not None
    assert check_identity("RDAM|123", Version.V21) is None


@given(
    st.lists(st.sampled_from([*(v.subprotocol for v in Version), "mqtt", "ocpp1.5"])), st.sets(st.sampled_from(Version))
)
def test_J_3_1_2_the_first_common_one_in_the_clients_order(offered: list[str], spoken: set[Version]) -> None:
    versions = common_versions(offered, spoken)
    expected = [name for name in offered if name in {version.subprotocol for version in spoken}]
    assert [version.subprotocol for version in versions] == list(dict.fromkeys(expected))


def test_J_3_1_2_the_header_is_read_leniently() -> None:
    assert parse_subprotocols(" ocpp1.6 ,,ocpp2.0.1,") == ("ocpp1.6", "ocpp2.0.1")
    assert parse_subprotocols("") == ()


def test_J_3_3_the_reason_is_bounded_and_clean() -> None:
    text = no_common_version("x\x1b[31m" * 100, ["\r\n" * 1000], [Version.V16])
    assert len(text) < 250
    assert text.isprintable()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.binary(max_size=40))
def test_A00_FR_205_raw_passwords_of_any_bytes(identity: str, password: bytes) -> None:
    credentials = parse_basic(build_basic(identity, password), identity)
    assert (credentials.username, credentials.password, credentials.problem) == (identity, password, "")


@given(st.text(), st.text())
def test_A00_FR_203_no_header_raises(header: str, identity: str) -> None:
    credentials = parse_basic("Basic " + header, identity.encode(errors="replace").decode())
    assert (credentials.password is None) == bool(credentials.problem)


def test_A00_FR_204_another_user_is_parted_at_the_first_colon() -> None:
    header = "basic " + base64.b64encode(b"CS2:a:b").decode()
    assert parse_basic(header, "CS1").username == "CS2"
    assert parse_basic(header, "CS1").password == b"a:b"
    assert parse_basic(header, "CS2:a").password == b"b"


def _certificate(cn: str, o: str = "CSO") -> ClientCertificate:
    return ClientCertificate(cn, o, "00")


def _shake(**given: object) -> Handshake:
    return Handshake("CS1", versions=(Version.V201,), **given)  # type: ignore[arg-type]


RIGHT = {"username": "CS1", "password": b"right"}
STORE = PlainPasswords({"CS1": "right"})


@pytest.mark.parametrize(
    ("policy", "shake", "outcome"),
    [
        (SecurityPolicy((0,)), _shake(), 0),
        (SecurityPolicy((0,)), _shake(**RIGHT), 0),
        (SecurityPolicy((0,), known={"CS2"}.__contains__), _shake(), 404),
        (SecurityPolicy((1,), STORE), _shake(**RIGHT), 1),
        (SecurityPolicy((1,), STORE), _shake(tls=True, **RIGHT), 403),
        (SecurityPolicy((2,), STORE), _shake(**RIGHT), 403),
        (SecurityPolicy((2,), STORE), _shake(tls=True, **RIGHT), 2),
        (SecurityPolicy((1,), STORE), _shake(), 401),
        (SecurityPolicy((0, 1), STORE), _shake(), 0),
        (SecurityPolicy((0, 1), STORE), _shake(username="CS1", password=b"wrong"), 401),
        (SecurityPolicy((1,), STORE, known=lambda _: False), _shake(**RIGHT), 404),
        (SecurityPolicy((3,)), _shake(tls=True), 401),
        (SecurityPolicy((3,)), _shake(), 403),
        (SecurityPolicy((3,)), _shake(tls=True, certificate=_certificate("CS1")), 3),
        (SecurityPolicy((3,)), _shake(tls=True, certificate=_certificate("CS11")), 403),
        (SecurityPolicy((3,)), _shake(tls=True, certificate=_certificate("")), 403),
        (SecurityPolicy((3,), organization="X"), _shake(tls=True, certificate=_certificate("CS1")), 403),
        (
            SecurityPolicy((3,), certificate_matches=lambda c, i: i in c.common_name),
            _shake(tls=True, certificate=_certificate("SN CS1 7")),
            3,
        ),
        (SecurityPolicy((2, 3), STORE), _shake(tls=True, certificate=_certificate("CS2"), **RIGHT), 403),
        (SecurityPolicy((2,), STORE), _shake(tls=True, certificate=_certificate("CS2"), **RIGHT), 2),
    ],
)
async def test_A00_the_policy_of_the_security_profiles(policy, shake, outcome) -> None:
    decision = await policy(shake)
    if outcome < 100:
        assert decision == Accept(outcome)
    else:
        assert isinstance(decision, Refuse)
        assert decision.status == outcome
        assert decision.reason


@pytest.mark.parametrize("settings", [{"profiles": ()}, {"profiles": (4,)}, {"profiles": (1, 2)}])
def test_a_policy_that_makes_no_sense_is_refused(settings) -> None:
    with pytest.raises(ConfigurationError):
        SecurityPolicy(**settings)


def test_limits_that_make_no_sense_are_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="ping_interval"):
        LinkLimits(ping_interval=-1)
    for value in (float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match=f"retry_after is {value}; it must be a number"):
            ServerLimits(retry_after=value)


def test_without_retry_after_a_refusal_asks_for_no_wait() -> None:
    admission = Admission(ServerLimits(max_connections=1, retry_after=0), 0.0)
    admission.entered("a")
    refused = admission.check("a", 0.0)
    assert refused is not None
    assert (refused.status, refused.headers) == (503, {})


def test_a_storm_is_let_in_at_the_given_rate_and_told_when_to_come_back() -> None:
    limits = ServerLimits(handshakes_per_second=10, handshake_burst=5, retry_after=5)
    admission = Admission(limits, 0.0, uniform=lambda a, b: b)
    answers = [admission.check("a", 0.0) for _ in range(7)]
    assert answers[:5] == [None] * 5
    assert [answer.status for answer in answers[5:] if answer] == [503, 503]
    assert answers[5] is not None
    assert answers[5].headers == {"Retry-After": "10"}
    assert [admission.check("a", 0.2) for _ in range(2)] == [None, None]
    assert admission.check("a", 0.2) is not None
    assert [admission.check("a", 100.0) is None for _ in range(6)] == [True] * 5 + [False]


def test_connections_are_bounded_in_all_and_per_address() -> None:
    admission = Admission(ServerLimits(max_connections=3, connections_per_address=2), 0.0)
    for address in ("a", "a", "b"):
        assert admission.check(address, 0.0) is None
        admission.entered(address)
    refusals = [admission.check(address, 0.0) for address in ("a", "b")]
    assert [refusal.status for refusal in refusals if refusal] == [429, 503]
    admission.left("a")
    assert admission.check("a", 0.0) is None
    for address in ("a", "b"):
        admission.left(address)
    assert (admission.connections, admission._by_network) == (0, {})
