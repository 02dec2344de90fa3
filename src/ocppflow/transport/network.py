"""Whose share a connection takes: what one customer of a network provider is given counts as one."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network

# RFC 6052 2.1: so a host without IPv4 sees the IPv4 peers behind a translator; as one network, they would be one peer.
_TRANSLATED = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """The network whose share a connection from ``host`` takes: an IPv4 address, or the /64 network of an IPv6
    address, because a single customer has at least one of them to choose addresses from (RFC 6177 2).

    ``host`` may stand in brackets and have a zone. An IPv4 address in IPv6 notation is the IPv4 address. What cannot
    be read is a network by itself.

    ::

        192.0.2.7           ->  192.0.2.7
        ::ffff:192.0.2.7    ->  192.0.2.7
        [2001:db8:1:2::7]   ->  2001:db8:1:2::/64
        fe80::7%eth0        ->  fe80::/64%eth0
    """
    host = host.removeprefix("[").removesuffix("]")
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    number = int(address)
    if IPv6Address(number) in _TRANSLATED:
        return str(IPv4Address(number & 0xFFFFFFFF))
    zone = f"%{address.scope_id}" if address.scope_id else ""
    return f"{IPv6Address(number >> 64 << 64)}/64{zone}"
