"""Responses that never change, compressed and tagged once."""

from dataclasses import dataclass
from typing import Self

from starlette.responses import Response
from starlette.types import Scope

from reconciler.web.http.compression import SMALLEST_COMPRESSED, accepted_encodings, accepts_gzip, packed
from reconciler.web.http.entity_tags import presents, weak


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """A body as it travels.

    Attributes:
        plain: The body.
        compressed: The same by gzip; None where it is too short for that.
        media_type: What it is.
        tag: Stands for what it says; None where nobody keeps it.
    """

    plain: bytes
    compressed: bytes | None
    media_type: str
    tag: bytes | None

    @classmethod
    def of(cls, body: bytes, media_type: str, *, tagged: bool = True) -> Self:
        """Compress a body, and tag it unless it is another one the next time."""
        compressed = packed(body) if len(body) >= SMALLEST_COMPRESSED else None
        tag = weak([body]) if tagged else None
        return cls(body, compressed, media_type, tag)

    def answer(self, scope: Scope, cache_control: str = "no-cache") -> Response:
        """The answer to a request; 304 when the client has it already.

        Args:
            scope: The request.
            cache_control: How long it may be kept without asking again.
        """
        headers = {"cache-control": cache_control, "vary": "Accept-Encoding"}
        if self.tag is not None:
            headers["etag"] = self.tag.decode()
            if presents(scope, self.tag):
                return Response(status_code=304, headers=headers)
        if self.compressed is None or not accepts_gzip(accepted_encodings(scope)):
            return Response(self.plain, headers=headers, media_type=self.media_type)
        headers["content-encoding"] = "gzip"
        return Response(self.compressed, headers=headers, media_type=self.media_type)
