"""Which hosts never leave this machine."""

import pytest

from reconciler.domain.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "::", "::2"])  # noqa: S104
def test_another_machine(host: str) -> None:
    assert is_loopback(host) is False
