"""How much of an answer is read."""

from collections.abc import Iterable, Sequence

from api_client.errors import WizChatResponseError


class Collector:
    """Gathers an answer up to the largest size that is read.

    Args:
        limit: The size, in bytes after decoding.
        codings: How the answer is packed; more than once would fill the memory before its size is known, as each
            packing may be a thousandth of what it holds.

    Raises:
        WizChatResponseError: It is packed more than once.
    """

    def __init__(self, limit: int, codings: Sequence[str]) -> None:
        if len(codings) > 1:
            raise WizChatResponseError("the answer cannot be decoded: it is packed more than once")
        self._limit = limit
        self._content = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take what came in.

        Raises:
            WizChatResponseError: The answer is too large.
        """
        if len(self._content) + len(chunk) > self._limit:
            raise WizChatResponseError(f"the answer is larger than {self._limit} bytes")
        self._content += chunk

    def content(self) -> bytes:
        """All of it."""
        return bytes(self._content)


def codings_of(headers: Iterable[bytes]) -> list[str]:
    """How an answer is packed, by its Content-Encoding headers."""
    named = (coding.strip().lower() for value in headers for coding in value.decode("latin-1").split(","))
    return [coding for coding in named if coding not in {"", "identity"}]
