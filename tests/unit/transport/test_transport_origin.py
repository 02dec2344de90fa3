"""A web page must not pose as a station, and a station must not be taken for a web page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.transport.leniency import EXACT, Leniency
from ocppflow.transport.origin import check_origin, plain_origin

ADDRESS, NAME = "192.0.2.1:9000", "csms.example:9000"


@pytest.mark.parametrize(
    ("origin", "host", "tls"),
    [
        ("https://evil.example", ADDRESS, False),
        ("https://evil.example", ADDRESS, True),
        ("HTTPS://EVIL.EXAMPLE", ADDRESS, False),
        ("http://evil.example/", ADDRESS, False),
        ("null", ADDRESS, False),
        ("null", NAME, True),
        ("file://", ADDRESS, False),
        ("chrome-extension://abcdefghijklmnop", ADDRESS, False),
        ("http://csms.example:9000", NAME, False),  # DNS rebinding: the page's own name now points here
        ("http://csms.example:9000", NAME, True),  # and so may a page without TLS
        ("http://192.0.2.1", ADDRESS, False),  # a page of another port of the same machine
        ("http://192.0.2.1:9001", ADDRESS, False),
        ("http://127.0.0.1.evil.example:9000", "127.0.0.1.evil.example:9000", False),
        ("http://localhost.evil.example", "localhost.evil.example", False),
        ("http://2130706433", "127.0.0.1", False),
        ("https://192.0.2.1:9000", ADDRESS, False),
        ("http://a.example, https://b.example", ADDRESS, False),
        ("https://github.com/path, https://evil.example", ADDRESS, False),
        ("http://", "", False),
        ("http://192.0.2.1:9000, null", ADDRESS, False),
    ],
)
def test_what_a_web_page_sends_is_refused_and_the_reason_says_what_to_do(origin: str, host: str, tls: bool) -> None:
    refusal = check_origin(origin, host, tls=tls, allowed=())
    assert refusal is not None
    assert refusal.status == 403
    assert "web page" in refusal.reason
    assert "origins" in refusal.reason
    assert "--allow-origin" in refusal.whole_reason
    assert "allowOrigins" in refusal.whole_reason
    assert check_origin(origin, host, tls=tls, allowed={"*"}) is None


@pytest.mark.parametrize(
    ("origin", "host", "tls"),
    [
        ("", ADDRESS, False),
        ("https://github.com/gilmaimon/TinyWebsockets", ADDRESS, False),  # what TinyWebsockets makes up
        ("ws://192.0.2.1:9000", ADDRESS, False),
        ("wss://csms.example", NAME, True),
        ("192.0.2.1", ADDRESS, False),
        ("csms.example", NAME, False),
        ("http://192.0.2.1:9000", ADDRESS, False),  # what websocket-client sends
        ("http://192.0.2.1", "192.0.2.1:80", False),
        ("http://192.0.2.1:80", "192.0.2.1", False),
        ("http://[2001:db8::1]:9000", "[2001:db8::1]:9000", False),
        ("http://localhost:9000", "LOCALHOST:9000", False),
        ("https://csms.example:9000", NAME, True),
        ("https://csms.example", "csms.example:443", True),
        ("https://192.0.2.1", "192.0.2.1", True),
    ],
)
def test_what_no_page_of_strangers_can_have_sent_is_let_in(origin: str, host: str, tls: bool) -> None:
    assert check_origin(origin, host, tls=tls, allowed=()) is None


@pytest.mark.parametrize(
    ("allowed", "origin", "fine"),
    [
        ("https://panel.example", "https://panel.example", True),
        ("https://Panel.example:443/", "https://panel.example", True),
        ("https://panel.example", "https://panel.example:8443", False),
        ("https://panel.example", "http://panel.example", False),
        ("https://panel.example", "https://panel.example.evil.example", False),
        ("file://", "file://", True),
        ("null", "null", True),
        ("https://panel.example", "null", False),
        ("*", "https://anybody.example", True),
    ],
)
def test_an_allowed_origin_is_compared_as_a_whole(allowed: str, origin: str, fine: bool) -> None:
    origins = Leniency(origins=[allowed]).origins
    assert (check_origin(origin, ADDRESS, tls=False, allowed=origins) is None) is fine
    assert Leniency(origins=allowed) == Leniency(origins=[allowed])


def test_an_origin_is_compared_in_one_spelling() -> None:
    spellings = ("file://", "FILE:///", "HTTPS://A.example:443/", "http://a.example:80", "http://a:443", " NULL ", "*")
    plain = ["file://", "file://", "https://a.example", "http://a.example", "http://a:443", "null", "*"]
    assert [plain_origin(each) for each in spellings] == plain
    assert [plain_origin(each) for each in plain] == plain


def test_nothing_is_allowed_by_default_and_nothing_empty_can_be() -> None:
    assert not EXACT.origins
    with pytest.raises(ConfigurationError, match="an allowed origin is empty"):
        Leniency(origins=["https://panel.example", " "])


@given(st.text(max_size=80), st.text(max_size=80), st.booleans())
def test_whatever_the_headers_hold_there_is_a_verdict(origin: str, host: str, tls: bool) -> None:
    refusal = check_origin(origin, host, tls=tls, allowed=())
    assert refusal is None or len(refusal.reason) < 400


@given(
    st.sampled_from(["http", "https", "app", "moz-extension"]),
    st.from_regex(r"[a-z0-9-]{1,20}\.[a-z]{2,8}(:[1-9][0-9]{0,4})?", fullmatch=True),
    st.booleans(),
)
def test_no_name_makes_a_page_a_station_without_tls(scheme: str, authority: str, secure: bool) -> None:
    assert check_origin(f"{scheme}://{authority}", authority, tls=False, allowed=()) is not None
    refused = check_origin(f"{scheme}://{authority}", authority, tls=True, allowed=()) is not None
    assert refused is (scheme != "https")
