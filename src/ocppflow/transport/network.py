"""What counts as one address where shares are counted per address."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address, IPv6Network


def network_of(host: str) -> str:
    """The IPv4 address, or the /64 network of the IPv6 address: one customer is given a whole /64 (RFC 6177; BCOP 690),
    so counting single IPv6 addresses would give one peer 2**64 shares.

    ``host`` may have the brackets of a URL, a zone (``fe80::1%eth0``), or be an IPv4 address written as IPv6
    (``::ffff:192.0.2.1``), as a socket that listens for both shows it. What is not an IP address stays as it is.
    """
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host.strip("[]").partition("%")[0])
    except AddressValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 64), strict=False))
