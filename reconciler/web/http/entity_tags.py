"""ETags (RFC 9110, section 8.8.3): writes them, and matches them with If-None-Match."""

import hashlib
from collections.abc import Iterable, Sequence

from starlette.types import Scope

Header = tuple[bytes, bytes]
CACHING_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Authorization, Cookie, Accept"),
)


def weak(parts: Iterable[bytes]) -> bytes:
    """A weak tag of these parts."""
    return b'W/"' + hashlib.blake2s(b"\0".join(parts), digest_size=16).hexdigest().encode() + b'"'


def presents(scope: Scope, tag: bytes) -> bool:
    """Whether a request presents the tag (weak comparison)."""
    bare = tag.removeprefix(b"W/")
    for name, value in scope["headers"]:
        if name == b"if-none-match" and (
            value == tag or any(part.strip().removeprefix(b"W/") == bare for part in value.split(b","))
        ):
            return True
    return False


def with_tag(headers: Iterable[Header], tag: bytes, caching: Sequence[Header] = CACHING_HEADERS) -> list[Header]:
    """The headers of an answer that may be asked for again with its tag."""
    return [*(header for header in headers if header[0] != b"cache-control"), (b"etag", tag), *caching]
