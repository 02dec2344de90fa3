"""What counts as one address."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.transport.network import network_of


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::1]", "2001:db8:1:2::/64"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64%eth0"),
        ("fe80::1%eth1", "fe80::/64%eth1"),
        ("::1", "::/64"),
        ("?", "?"),
        ("", ""),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_address_is_an_ipv4_address_or_an_ipv6_network(host: str, network: str) -> None:
    assert network_of(host) == network


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_64_is_one_address_and_its_neighbour_another(network: int, one: int, other: int) -> None:
    network |= 1 << 63  # no IPv4 address in disguise
    hosts = [str(IPv6Address((network << 64) | interface)) for interface in (one, other)]
    assert network_of(hosts[0]) == network_of(f"[{hosts[1]}]")
    assert network_of(hosts[0]) != network_of(str(IPv6Address(((network ^ 1) << 64) | one)))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_one_network_however_it_is_written(address) -> None:
    assert network_of(str(address)) == network_of(f"::ffff:{address}") == network_of(f"[64:ff9b::{address}]")
