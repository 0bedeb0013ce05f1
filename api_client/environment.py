"""Reads the proxies and certificates that httpx takes from the environment, and explains what is wrong with them."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.request import proxy_bypass

import httpx

PROXY_VARIABLES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
"""In upper case or lower case, as curl has them."""
TLS_VARIABLES: Final = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"})


@contextmanager
def usable_environment() -> Iterator[None]:
    """Make an HTTP client within the block, and say which variable keeps it from being made.

    Raises:
        ValueError: It names the variables and never quotes a value, because a proxy's address may hold a password.
    """
    try:
        yield
    except ImportError:
        names = _names(PROXY_VARIABLES, starting="socks")
        raise ValueError(
            f"{names} names a SOCKS proxy, which needs one more package: pip install 'httpx[socks]', or unset {names}"
        ) from None
    except (OSError, ssl.SSLError) as error:
        names = _names(TLS_VARIABLES) or "the machine's certificates"
        raise ValueError(
            f"{names} cannot be used ({error.strerror or error}): name a readable file, or unset it"
        ) from None
    except (ValueError, httpx.InvalidURL):
        names = _names(PROXY_VARIABLES)
        raise ValueError(
            f"{names} of the environment cannot be read: a proxy is http://host:port or https://host:port, and "
            "NO_PROXY a list of hosts, in which IPv6 addresses stand without brackets"
        ) from None


def proxy_variables(url: str) -> str:
    """The variables that send a request through a proxy, joined for a message; empty when none does.

    Args:
        url: Where the request goes.
    """
    address = httpx.URL(url)
    if proxy_bypass(address.host):
        return ""
    return _names(frozenset({f"{address.scheme}_proxy".upper()})) or _names(frozenset({"ALL_PROXY"}))


def _names(variables: frozenset[str], *, starting: str = "") -> str:
    """The variables that are set, joined for a message."""
    return " or ".join(
        name
        for name, value in sorted(os.environ.items())
        if name.upper() in variables and value and value.lower().startswith(starting)
    )
