"""The address of the client: the peer, or what a trusted proxy forwards."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"


def client_address(scope: Scope, proxies: Sequence[Network]) -> str:
    """The address of the client.

    Args:
        scope: The request.
        proxies: Whose ``X-Forwarded-For`` is believed; it is read from its end, as far as it is theirs.
    """
    peer = scope.get("client")
    address = _parse(peer[0]) if peer else None
    if address is None:
        return UNKNOWN
    forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    while forwarded and _trusted(address, proxies):
        before = _parse(forwarded.pop())
        if before is None:
            break
        address = before
    return str(address)


def group(address: str) -> str:
    """What failed authentications are counted by: an IPv6 network is one client, because it has 2**64 addresses."""
    parsed = _parse(address)
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def share_of(peer: str | None, proxies: Sequence[Network]) -> str | None:
    """Whose share a connection counts against: an address, or an IPv6 network; None for a trusted proxy."""
    address = _parse(peer) if peer else None
    if address is None:
        return UNKNOWN
    return None if _trusted(address, proxies) else group(str(address))


def _trusted(address: IPv4Address | IPv6Address, proxies: Sequence[Network]) -> bool:
    return any(address in proxy for proxy in proxies)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
