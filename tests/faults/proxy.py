"""A TCP proxy before WizChat that breaks chosen requests where the sandbox itself cannot: within bytes on the wire."""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

_LINE: Final = re.compile(rb"(?P<method>[A-Z]+) (?P<path>[^ ?]+)(?P<query>\?[^ ]*)? HTTP/1\.1")
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BOT: Final = re.compile(rb"/chatbots/([^/?]+)")
_LIMIT: Final = 30.0
_TRICKLE_S: Final = 0.02
_PIECE: Final = 1 << 20


class Cut(StrEnum):
    """Where and how a request is broken."""

    BEFORE = "cut before the request"
    INSIDE = "cut inside the request"
    AFTER = "cut after the request"
    IN_ANSWER = "cut inside the answer"
    TRICKLE = "slow trickle"
    OVERSIZED = "oversized answer"
    LIE = "answer without effect"
    REFUSED = "connection refused"


@dataclass(frozen=True, slots=True)
class Break:
    """One request to break.

    Attributes:
        bot: The chatbot it is about.
        dry_run: A dry run, or a real apply.
        cut: How.
        at: After how many bytes, or at which share of them when below 1.
        seconds: How long a trickle takes in all, and a refusal lasts.
        body: The answer of a lie.
        after_write: Only once a real apply of that chatbot has been seen: the dry run that verifies.
    """

    bot: str
    dry_run: bool
    cut: Cut
    at: float = 0.5
    seconds: float = 2.0
    body: str = ""
    after_write: bool = False


@dataclass(slots=True)
class Asking:
    """One request as it came."""

    raw: bytes
    bot: str | None
    dry_run: bool | None

    @classmethod
    def of(cls, raw: bytes) -> Self:
        line = _LINE.match(raw)
        bot = _BOT.search(line["path"]) if line else None
        applies = line is not None and line["method"] == b"POST" and line["path"].endswith(b"/apply")
        dry = b"dryRun=true" in (line["query"] or b"") if line and applies else None
        return cls(raw, bot.group(1).decode() if bot else None, dry)


@dataclass(slots=True)
class Proxy:
    """Passes requests on to a base URL, as a context manager, and breaks those that were ordered.

    Attributes:
        target: The base URL behind it.
        met: How many breaks really happened.
    """

    target: str
    url: str = ""
    met: int = 0
    _orders: list[Break] = field(default_factory=list)
    _cut: list[tuple[str, float]] = field(default_factory=list)
    _written: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None
    _port: int = 0
    _open: bool = True

    def __enter__(self) -> Self:
        self._listen()
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._stop_listening()

    def order(self, *breaks: Break) -> None:
        """Break the next requests that fit, each once."""
        with self._lock:
            self._orders += breaks

    def reset(self) -> None:
        """Forget orders and what was seen."""
        with self._lock:
            self._orders.clear()
            self._cut.clear()
            self._written.clear()
            self.met = 0

    def waiting(self) -> int:
        """How many orders still wait for their request."""
        with self._lock:
            return len(self._orders)

    def cuts(self) -> tuple[tuple[str, float], ...]:
        """The real applies that were seen here and did not reach what is behind: chatbot and time."""
        with self._lock:
            return tuple(self._cut)

    def _listen(self) -> None:
        self._listener = listener = socket.create_server(("127.0.0.1", self._port), backlog=128, reuse_port=True)
        self._port = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.settimeout(_LIMIT)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        host = urlsplit(self.target)
        with client, suppress(OSError):
            upstream = socket.create_connection((host.hostname, host.port), timeout=_LIMIT)
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with upstream:
                while raw := _message(client):
                    asking = Asking.of(raw)
                    order = self._take(asking)
                    if order is None:
                        upstream.sendall(raw)
                        answer = _message(upstream)
                        client.sendall(answer)
                        if not _is_whole(answer):
                            return
                    elif not self._break(order, asking, client, upstream):
                        return

    def _take(self, asking: Asking) -> Break | None:
        with self._lock:
            if asking.dry_run is False and asking.bot:
                self._written.add(asking.bot)
            for order in self._orders:
                fits = (order.bot, order.dry_run) == (asking.bot, asking.dry_run)
                if fits and (not order.after_write or order.bot in self._written):
                    self._orders.remove(order)
                    self.met += 1
                    if asking.dry_run is False and order.cut in (Cut.BEFORE, Cut.INSIDE, Cut.LIE):
                        self._cut.append((order.bot, time.time()))
                    return order
        return None

    def _break(self, order: Break, asking: Asking, client: socket.socket, upstream: socket.socket) -> bool:
        """Do one, and tell whether the connection lives on."""
        match order.cut:
            case Cut.BEFORE:
                _reset(client)
            case Cut.INSIDE:
                upstream.sendall(asking.raw[: _part(asking.raw, order.at)])
                _reset(upstream)
                _reset(client)
            case Cut.AFTER:
                upstream.sendall(asking.raw)
                _reset(client)
                _message(upstream)
            case Cut.IN_ANSWER:
                upstream.sendall(asking.raw)
                answer = _message(upstream)
                client.sendall(answer[: _part(answer, order.at)])
                time.sleep(0.01)
                _reset(client)
            case Cut.TRICKLE:
                upstream.sendall(asking.raw)
                _trickle(client, _message(upstream), order.seconds)
            case Cut.OVERSIZED:
                upstream.sendall(asking.raw)
                _message(upstream)
                _oversized(client)
            case Cut.LIE:
                client.sendall(_answer(order.body))
                return True
            case Cut.REFUSED:
                upstream.sendall(asking.raw)
                answer = _message(upstream)
                self._stop_listening()
                threading.Timer(order.seconds, self._again).start()
                client.sendall(answer)
                return True
        return False

    def _again(self) -> None:
        if self._open:
            self._listen()


def _message(source: socket.socket) -> bytes:
    """One whole request or answer; empty at the end."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        piece = source.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    wanted = int(length.group(1)) if length else 0
    while len(body) < wanted:
        piece = source.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def _is_whole(message: bytes) -> bool:
    head, separator, body = message.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(separator) and (length is None or len(body) >= int(length.group(1)))


def _part(data: bytes, at: float) -> int:
    return int(len(data) * at) if at < 1 else min(int(at), len(data) - 1)


def _reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def _trickle(client: socket.socket, answer: bytes, seconds: float) -> None:
    steps = max(1, int(seconds / _TRICKLE_S))
    size = max(1, len(answer) // steps)
    for start in range(0, len(answer), size):
        client.sendall(answer[start : start + size])
        time.sleep(_TRICKLE_S)


def _oversized(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n")
    for _ in range(64):
        client.sendall(b" " * _PIECE)


def _answer(body: str | Mapping[str, Any]) -> bytes:
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(content) + content
