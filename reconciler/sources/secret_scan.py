"""Keys that were committed by mistake: each is a fault at its place, and no message repeats one.

What is searched is what a document says, so that no way of writing hides a key, and then the file's text, because a
key in a comment is out in the open too.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from reconciler.domain.secrets import FoundSecret, find_secrets
from reconciler.sources.builder import LIMITS, RawDocument
from reconciler.sources.positions import Finding, Location, Pointer, Position
from reconciler.sources.text_decoding import position

_LONG: Final = 100
"""From here on it is worth knowing that a text was searched already."""
_BETWEEN: Final = "\0"
"""No text that is sent holds it, and no key goes across it."""


def wording(kind: str) -> str:
    """What to do about a key of some kind."""
    return f"this looks like {kind}: take it out, and revoke it, because git and its copies keep it"


def with_leaks(text: str, documents: Sequence[RawDocument]) -> tuple[RawDocument, ...]:
    """The documents of a file, each with the keys in it among its findings.

    Args:
        text: The file's text.
        documents: What a reader made of it.
    """
    inside = [list(islice(_in_value(text, raw), LIMITS.findings)) for raw in documents]
    known = {(leak.line, leak.message) for leaks in inside for leak in leaks}
    starts = [raw.place.line for raw in documents]
    for leak in _in_text(text):
        if inside and (leak.line, leak.message) not in known:
            leaks = inside[max(0, bisect_right(starts, leak.line) - 1)]
            if len(leaks) < LIMITS.findings:
                leaks.append(leak)
    pairs = zip(documents, inside, strict=True)
    return tuple(replace(raw, findings=(*raw.findings, *leaks)) if leaks else raw for raw, leaks in pairs)


def leaks_beside(text: str) -> RawDocument | None:
    """What a file without any document is refused for, when a key is in it all the same."""
    found = tuple(islice(_in_text(text), LIMITS.findings))
    return RawDocument(None, Location(found[0].line, found[0].column), found, complete=False) if found else None


def _in_text(text: str) -> Iterator[Finding]:
    # counted on from the last one: a file may be full of keys
    line, start = 1, 0
    for secret in find_secrets(text):
        line += text.count("\n", start, secret.start)
        start = secret.start
        yield Finding(wording(secret.kind), line, start - text.rfind("\n", 0, start), is_leak=True)


@dataclass(frozen=True, slots=True)
class _Part:
    """A scalar of a document, with the key before it."""

    text: str
    pointer: Pointer
    place: Position
    key_place: Position
    key_length: int


def _in_value(text: str, raw: RawDocument) -> Iterator[Finding]:
    parts = list(_parts(raw.value, raw.place))
    joined = _BETWEEN.join(part.text for part in parts)
    starts, at = [], 0
    for part in parts:
        starts.append(at)
        at += len(part.text) + len(_BETWEEN)
    for secret in find_secrets(joined):
        index = bisect_right(starts, secret.start) - 1
        part = parts[index]
        in_key = secret.end - starts[index] <= part.key_length
        place = part.key_place if in_key else _exact(text, joined, secret, part)
        yield Finding(wording(secret.kind), *place, part.pointer, is_leak=True)


def _exact(text: str, joined: str, secret: FoundSecret, part: _Part) -> Position:
    """Where the key itself stands, when it is written as it reads; else where its value begins."""
    start = _offset(text, part.key_place)
    found = text.find(joined[secret.start : secret.end], start)
    return position(text, found) if found >= 0 else part.place


def _offset(text: str, place: Position) -> int:
    at = 0
    for _ in range(place[0] - 1):
        at = text.find("\n", at) + 1
    return at + place[1] - 1


def _parts(value: Any, place: Location) -> Iterator[_Part]:
    """Every scalar with the key before it. What aliases repeat is searched once."""
    stack: list[tuple[Any, Location, Pointer, str, Position]] = [(value, place, (), "", (place.line, place.column))]
    seen: set[int] = set()
    while stack:
        inner, here, pointer, name, key_place = stack.pop()
        if isinstance(inner, dict | list):
            if id(inner) in seen:
                continue
            seen.add(id(inner))
            if name:
                yield _Part(name, pointer, key_place, key_place, len(name))
            stack += reversed(list(_children(inner, here, pointer)))
            continue
        if isinstance(inner, str) and len(inner) > _LONG:
            if id(inner) in seen:
                continue
            seen.add(id(inner))
        if name or isinstance(inner, str):
            prefix = f"{name}: " if name else ""
            shown = inner if isinstance(inner, str) else ""
            yield _Part(prefix + shown, pointer, (here.line, here.column), key_place, len(name))


def _children(
    value: dict[str, Any] | list[Any], place: Location, pointer: Pointer
) -> Iterator[tuple[Any, Location, Pointer, str, Position]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in pairs:
        here = place.children.get(name, place)
        key_place = (
            place.keys.get(name, (here.line, here.column)) if isinstance(name, str) else (here.line, here.column)
        )
        yield inner, here, (*pointer, name), name if isinstance(name, str) else "", key_place
