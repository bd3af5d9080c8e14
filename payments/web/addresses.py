"""Where a request comes from: its peer, or what `TRUSTED_PROXIES` proxies say of it.

No other header is believed; werkzeug's ProxyFix has put the address in its place.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

UNKNOWN = "unknown"


def client_address() -> str:
    """Whom to count: an address, or the /64 that a client with IPv6 has for itself.

    Those without one (on a UNIX socket) count as one.
    """
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def comes_from_loopback() -> bool:
    """Whether the peer is on this machine."""
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
