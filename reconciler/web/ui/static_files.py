"""Serves style sheets and scripts under the digest of their contents, which browsers may cache for ever."""

from functools import cache
from hashlib import blake2s
from mimetypes import guess_type
from os import PathLike, stat_result
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from reconciler.web.auth.gate import Public
from reconciler.web.http.prebuilt import Prebuilt

FOLDER = Path(__file__).parent / "static"
_KEPT = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "no-cache"


@cache
def digest(name: str) -> str:
    """The digest of a file's contents."""
    return blake2s((FOLDER / name).read_bytes(), digest_size=6).hexdigest()


@cache
def ready_made(name: str) -> Prebuilt:
    """A file as it travels: read and compressed once."""
    return Prebuilt.of((FOLDER / name).read_bytes(), guess_type(name)[0] or "application/octet-stream")


def address(name: str) -> str:
    """The URL of a file, such that a browser may keep what it got there."""
    return f"/static/{name}?v={digest(name)}"


class PublicFiles(StaticFiles):
    """Style sheets and the like, which anybody may read."""

    rule = Public("style sheets and pictures tell nothing")

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,  # noqa: ARG002  starlette's signature
        scope: Scope,
        status_code: int = 200,  # noqa: ARG002  the same
    ) -> Response:
        """A file, with how long it may be kept: only under the digest of what it holds now."""
        name = Path(full_path).relative_to(FOLDER.resolve()).as_posix()
        requested = parse_qs(scope["query_string"].decode("latin-1")).get("v", [])
        return ready_made(name).answer(scope, _KEPT if requested == [digest(name)] else _ASKED_AGAIN)
