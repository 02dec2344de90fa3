"""URLs: kept as given, the identity where it belongs, and no credentials in any error (OCPP-J 2.0.1 Part 4, 3.1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.transport.address import (
    ListenAddress,
    identity_fault,
    listen_address,
    shown_url,
    split_identity,
    station_address,
)

identities = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(
    lambda text: not identity_fault(text)
)


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("ws://h/ocpp", "ws://h/ocpp/CS%201"),
        ("ws://h/ocpp/", "ws://h/ocpp/CS%201"),
        ("ws://h", "ws://h/CS%201"),
        ("ws://h:9000/", "ws://h:9000/CS%201"),
        ("wss://h/a//b//", "wss://h/a//b//CS%201"),
        ("ws://h/ocpp?token=x&y=/", "ws://h/ocpp/CS%201?token=x&y=/"),
        ("ws://h?x=1", "ws://h/CS%201?x=1"),
        ("ws://h/ws/ocpp/{identity}/", "ws://h/ws/ocpp/CS%201/"),
        ("ws://h/{identity}/ocpp?v=2", "ws://h/CS%201/ocpp?v=2"),
        ("ws://h/ocpp?station={identity}", "ws://h/ocpp?station=CS%201"),
        ("ws://[::1]:9000/ocpp", "ws://[::1]:9000/ocpp/CS%201"),
    ],
)
def test_a_url_is_kept_as_given_and_the_identity_goes_where_it_says(url: str, whole: str) -> None:
    assert station_address(url, "CS 1").url == whole


@pytest.mark.parametrize(
    ("url", "host", "port", "secure", "route"),
    [
        ("ws://h/ocpp", "h", 80, False, "/ocpp"),
        ("wss://h", "h", 443, True, "/"),
        ("ws://[::1]:9000/a/{identity}/", "::1", 9000, False, "/a"),
        ("ws://h//a//?x=1", "h", 80, False, "/a"),
    ],
)
def test_an_address_knows_its_parts(url: str, host: str, port: int, secure: bool, route: str) -> None:
    address = station_address(url, "CS1")
    assert (address.host, address.port, address.secure, address.route) == (host, port, secure, route)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://h/ocpp", "must begin with ws:// or wss://"),
        ("h:9000/ocpp", "must begin with ws:// or wss://"),
        ("", "must begin with ws:// or wss://"),
        ("ws:h/ocpp", "lacks a host"),
        ("ws:///ocpp", "lacks a host"),
        ("ws://h:0/ocpp", "lacks a host"),
        ("ws://h:99999/ocpp", "host and port cannot be read"),
        ("ws://[::1/ocpp", "host and port cannot be read"),
        ("ws://h/ocpp#x", "no fragment"),
        ("ws://h/ocpp#", "no fragment"),
        ("ws://h/oc pp", "blanks"),
        ("ws://h/ocpp\n", "blanks or control characters"),
        ("ws://{identity}.h/ocpp", "belongs into the path or the query"),
        ("ws://u:p@h/ocpp", "must not hold credentials"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused_with_the_reason(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        station_address(url, "CS1")


@pytest.mark.parametrize("identity", ["", " ", ".", "..", "a\nb", "\x00", "\ud800"])
def test_an_identity_that_no_station_can_have_is_refused(identity: str) -> None:
    with pytest.raises(ConfigurationError, match="identity"):
        station_address("ws://h/ocpp", identity)


@pytest.mark.parametrize(
    "url",
    [
        "ws://user:geheim@h/ocpp",
        "ws://geheim@h/ocpp",
        "ws://user:geheim@h:99999/ocpp",
        "ws://user:ge/heim@h/ocpp",
        "ws://user:ge?heim@h/ocpp",
        "ws://user:ge#heim@h/ocpp",
        "ws://user:ge heim@h/ocpp",
        "ws://user:ge@heim@h/ocpp#x",
        "user:geheim@h/ocpp",
        "http://user:geheim@h/ocpp",
        "ws://h/ocpp?token=geheim#x",
        "wss://h:x/ocpp?token=geheim",
    ],
)
def test_no_error_shows_credentials(url: str) -> None:
    for ask in (
        lambda: station_address(url, "CS1"),
        lambda: split_identity(url),
        lambda: listen_address(url, tls=False),
    ):
        with pytest.raises(ConfigurationError) as caught:
            ask()
        assert "heim" not in str(caught.value)
        assert ":ge" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_query_is_not_shown_and_a_long_url_is_cut() -> None:
    assert shown_url("ws://h/ocpp?token=geheim") == "'ws://h/ocpp?***'"
    assert shown_url("ws://h/a@b") == "'ws://h/a@b'"
    assert len(shown_url("ws://h/" + "x" * 5000)) < 250
    assert "\n" not in shown_url("ws://h/\n")


@given(identities)
def test_a_whole_url_gives_its_identity_back(identity: str) -> None:
    whole = station_address("ws://h:1/a//b?x=1", identity).url
    url, found = split_identity(whole)
    assert (url, found) == ("ws://h:1/a//b/{identity}?x=1", identity)
    assert station_address(url, found).url == whole


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ws://h", "append the station's identity"),
        ("ws://h/", "append the station's identity"),
        ("ws://h/a//", "append the station's identity"),
        ("ws://h/%zz", "percent-encoded"),
        ("ws://h/%ff", "percent-encoded"),
        ("ws://h/..", "cannot be a station's identity"),
    ],
)
def test_a_whole_url_without_an_identity_is_refused(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        split_identity(url)


def test_a_slash_after_the_identity_stays() -> None:
    assert split_identity("wss://h/ws/ocpp/CS1/?v=2") == ("wss://h/ws/ocpp/{identity}/?v=2", "CS1")


@pytest.mark.parametrize(
    ("url", "tls", "address", "shown"),
    [
        (
            "ws://127.0.0.1:9000/ocpp",
            False,
            ListenAddress("ws", "127.0.0.1", 9000, "/ocpp"),
            "ws://127.0.0.1:9000/ocpp",
        ),
        ("ws://0.0.0.0:0//ocpp/", False, ListenAddress("ws", "0.0.0.0", 0, "/ocpp"), "ws://0.0.0.0:7/ocpp"),
        ("ws://:9000", False, ListenAddress("ws", "", 9000, "/"), "ws://*:9000"),
        ("ws://*:9000", False, ListenAddress("ws", "", 9000, "/"), "ws://*:9000"),
        ("wss://[::]/x", True, ListenAddress("wss", "::", 443, "/x"), "wss://[::]:443/x"),
    ],
)
def test_a_listen_url_names_host_port_and_route(url: str, tls: bool, address: ListenAddress, shown: str) -> None:
    assert listen_address(url, tls=tls) == address
    assert address.url(address.port or 7) == shown


@pytest.mark.parametrize(
    ("url", "tls", "says"),
    [
        ("wss://h/ocpp", False, "needs a certificate"),
        ("ws://h/ocpp", True, "write wss://"),
        ("ws://h/ocpp?x=1", False, "ends with the route"),
        ("ws://h/{identity}", False, "ends with the route"),
        ("ws://u:p@h/ocpp", False, "must not hold credentials"),
        ("tcp://h", False, "must begin with"),
    ],
)
def test_a_listen_url_that_makes_no_sense_is_refused(url: str, tls: bool, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        listen_address(url, tls=tls)
