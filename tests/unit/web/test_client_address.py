from ipaddress import ip_network
from typing import Any

import pytest

from reconciler.web.http.client_address import UNKNOWN, client_address, group, share_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def _scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.9",), "192.0.2.1"),
        ("10.0.0.1", ("198.51.100.9",), "198.51.100.9"),
        ("10.0.0.1", ("203.0.113.5, 198.51.100.9, 10.0.0.7",), "198.51.100.9"),
        ("10.0.0.1", ("203.0.113.5", "10.0.0.7"), "203.0.113.5"),
        ("10.0.0.1", ("198.51.100.9, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.2",), "10.0.0.2"),
        ("::ffff:10.0.0.1", ("198.51.100.9",), "198.51.100.9"),
    ],
)
def test_only_what_trusted_proxies_say_is_believed(peer: str, forwarded: tuple[str, ...], address: str) -> None:
    assert client_address(_scope(peer, *forwarded), PROXIES) == address


def test_a_request_without_a_peer_is_unknown() -> None:
    assert client_address(_scope(None, "198.51.100.9"), PROXIES) == UNKNOWN


def test_an_ipv6_network_counts_as_one_client() -> None:
    assert group("2001:db8::1") == group("2001:db8::ffff:1")
    assert group("2001:db8::1") != group("2001:db8:0:1::1")
    assert group("192.0.2.1") == "192.0.2.1"
    assert group(UNKNOWN) == UNKNOWN


@pytest.mark.parametrize(
    ("peer", "share"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("10.0.0.9", None),
        ("::ffff:10.0.0.9", None),
        (None, UNKNOWN),
        ("no address", UNKNOWN),
    ],
)
def test_a_connection_counts_against_its_address_its_network_or_nothing_behind_a_proxy(
    peer: str | None, share: str | None
) -> None:
    assert share_of(peer, [ip_network("10.0.0.0/8")]) == share
