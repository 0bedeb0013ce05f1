"""Looks for secrets wherever something could leak out: answers, logs, files, processes."""

import base64
import html
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, quote_plus

from markupsafe import escape

_LOOK_S = 0.002


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret where none may be."""

    secret: str
    form: str
    where: str


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """How a secret may look, wherever it got to."""
    raw = secret.encode()
    yield "plain", raw
    yield "url-quoted", quote(secret, safe="").encode()
    yield "url-quoted as a form", quote_plus(secret).encode()
    yield "url-quoted in a path", quote(secret).encode()
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "JSON as our API writes it", json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield "HTML", html.escape(secret).encode()
    yield "HTML as our pages write it", str(escape(secret)).encode()
    yield "repr", repr(secret)[1:-1].encode()
    yield "hex", raw.hex().encode()
    for shift in range(3):
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            # what stands around it in the encoded bytes changes its first and its last characters
            encoded = alphabet(bytes(shift) + raw).rstrip(b"=")
            yield f"base64 at {shift}", encoded[(0, 2, 3)[shift] : -1]


@dataclass(slots=True)
class Search:
    """What it was told to look for, and what it found.

    Attributes:
        secrets: What they are → their values.
        looked_at: How many bytes were searched, by kind of place.
    """

    secrets: Mapping[str, str]
    leaks: list[Leak] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)
    _forms: list[tuple[str, str, bytes]] = field(init=False)

    def __post_init__(self) -> None:
        self._forms = [(name, form, value) for name, secret in self.secrets.items() for form, value in forms(secret)]

    def add(self, name: str, secret: str) -> None:
        """Look for one more from now on: it was made only now."""
        self.secrets = {**self.secrets, name: secret}
        self.__post_init__()

    def look(self, kind: str, where: str, content: bytes, *, except_for: Iterable[str] = ()) -> None:
        """Search some bytes for every secret in every form."""
        self.looked_at[kind] = self.looked_at.get(kind, 0) + len(content)
        allowed = set(except_for)
        for name, form, value in self._forms:
            if name not in allowed and value in content:
                self.leaks.append(Leak(name, form, f"{kind} {where}"))

    def folder(self, kind: str, folder: Path) -> None:
        """Search every file below a folder, and its name."""
        for path in sorted(folder.rglob("*")):
            self.look(kind, str(path), os.fsencode(path.relative_to(folder)))
            if path.is_file():
                self.look(kind, str(path), path.read_bytes())


@dataclass(slots=True)
class Onlooker:
    """Watches a process and all that it starts, as anybody on the machine can; a context manager.

    Attributes:
        search: Where command lines and the environments of git's processes are looked at.
        root: The process whose children are watched, at any depth.
        allowed: Secrets that git's own environment may hold: its password, which it is asked by.
    """

    search: Search
    root: int
    allowed: frozenset[str] = frozenset()
    seen: set[str] = field(default_factory=set)
    _known: set[tuple[int, str]] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            for pid in _below(self.root):
                with suppress(OSError):
                    self._look(pid)

    def _look(self, pid: int) -> None:
        folder = Path("/proc") / str(pid)
        name = (folder / "comm").read_text().strip()
        command = (folder / "cmdline").read_bytes()
        if (pid, name) in self._known or not command:
            return
        self._known.add((pid, name))
        self.search.look("command line", name, command)
        if name.startswith("git"):
            self.seen.add(name)
            self.search.look("environment", name, (folder / "environ").read_bytes(), except_for=self.allowed)


def _below(root: int) -> list[int]:
    """A process and its children at any depth."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found)
        found |= more
