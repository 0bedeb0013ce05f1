"""What never leaves this machine: where plain http may carry a key, and which Host names are always right."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
