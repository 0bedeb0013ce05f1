"""Content negotiation: the representation that a client prefers (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence

from reconciler.web.http.problems import Code, Problem


def negotiate(accept: str | None, offered: Sequence[str]) -> str:
    """The offered media type that suits the reader best; the first one when all suit alike.

    Args:
        accept: The Accept header.
        offered: What there is, the usual one first.

    Raises:
        Problem: When none of them is accepted.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")]
    best = max(offered, key=lambda media: _quality(media, ranges))
    if _quality(best, ranges) <= 0:
        raise Problem(Code.NOT_ACCEPTABLE, f"accept one of {', '.join(offered)}")
    return best


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        return media, float(quality)
    except ValueError:
        return media, 0.0


def _quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """What the most specific matching range says."""
    for pattern in (media, f"{media.partition('/')[0]}/*", "*/*"):
        found = [quality for name, quality in ranges if name == pattern]
        if found:
            return max(found)
    return 0.0
