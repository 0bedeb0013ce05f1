"""A gate before the git server: passes bytes on, resets, cuts the answer, or holds it back."""

import socket
import struct
import threading
import time
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_LIMIT: Final = 30.0


class Mode(StrEnum):
    """What happens to connections."""

    PASS = "pass"
    RESET = "git remote down"
    CUT = "git answer cut"
    HANG = "git remote hangs"


@dataclass(slots=True)
class Gate:
    """Stands before one address, as a context manager.

    Attributes:
        target: The base URL behind it.
        mode: What happens to connections that come from now on.
        after: How many bytes of the answer go through before a cut.
        seconds: How long a hanging connection is held before it is reset.
        met: How many connections were broken.
        login: User and password that every connection must present, with a colon between.
    """

    target: str
    login: str | None = None
    mode: Mode = Mode.PASS
    after: int = 0
    seconds: float = 1.0
    met: int = 0
    url: str = ""
    _listener: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client, self.mode), daemon=True).start()

    def _serve(self, client: socket.socket, mode: Mode) -> None:
        self.met += mode is not Mode.PASS
        if mode is Mode.HANG:
            time.sleep(self.seconds)
        if mode in (Mode.RESET, Mode.HANG):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        host = urlsplit(self.target)
        client.settimeout(_LIMIT)
        with client, suppress(OSError), socket.create_connection((host.hostname, host.port), timeout=_LIMIT) as server:
            renamed = urlsplit(self.url).netloc.encode(), host.netloc.encode()
            if self.login is not None and not _let_in(client, server, self.login, renamed):
                return
            back = threading.Thread(target=_pump, args=(server, client, self.after if mode is Mode.CUT else None))
            back.daemon = True
            back.start()
            _pump(client, server, None, renamed)
            back.join(_LIMIT)


_Renamed = tuple[bytes, bytes]
"""The gate's own address, which clients write into their requests, and the one that what is behind it answers to."""


def _pump(source: socket.socket, sink: socket.socket, most: int | None, renamed: _Renamed = (b"", b"")) -> None:
    """Pass bytes on until the source ends, or so many have passed; a head comes in one piece."""
    with suppress(OSError):
        while most is None or most > 0:
            piece = source.recv(65536)
            if not piece:
                break
            piece = piece.replace(b"Host: " + renamed[0], b"Host: " + renamed[1])
            piece = piece if most is None else piece[:most]
            sink.sendall(piece)
            most = most if most is None else most - len(piece)
        for end in (source, sink) if most is not None else (sink,):
            end.shutdown(socket.SHUT_RDWR if most is not None else socket.SHUT_WR)


def _let_in(client: socket.socket, server: socket.socket, login: str, renamed: _Renamed) -> bool:
    """Look at a connection's first request, and pass it on when it carries the login."""
    head = bytearray()
    while b"\r\n\r\n" not in head:
        piece = client.recv(65536)
        if not piece:
            return False
        head += piece
    if b"Authorization: Basic " + b64encode(login.encode()) in head:
        server.sendall(head.replace(*renamed, 1))
        return True
    refusal = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="git"\r\n'
    client.sendall(refusal + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    return False
