"""Audit entries and chain heads as lines of JSON: how they leave the database, and are checked without it."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.domain.records import AuditEntry

HEAD_EVENT: Final = "audit head"
"""What the log line that exports a head says."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = frozenset(AuditEntry.__dataclass_fields__)
_TEXTS: Final = ("actor", "action", "subject", "prev_hash", "hash")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at some moment: whoever kept it elsewhere can tell whether the log still holds it."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read ``SEQ:HASH``.

        Raises:
            ValueError: When it is none.
        """
        seq, _, value = text.strip().partition(":")
        if not (seq.isascii() and seq.isdecimal()) or not _HASH.fullmatch(value):
            raise ValueError(f"{text!r} is not a head: write it as SEQ:HASH, with the 64 hex digits of the hash")
        return cls(int(seq), value)


def entry_line(entry: AuditEntry) -> str:
    """An entry as one line of JSON, without the line's end."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps({**asdict(entry), "at": at}, ensure_ascii=False)


def entry_of(line: str) -> AuditEntry:
    """Read an entry.

    Raises:
        ValueError: When the line is not exactly an entry: cut off, with a name twice, or one too many.
    """
    try:
        value = json.loads(line, object_pairs_hook=_each_name_once)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise ValueError(f"an entry has exactly these names: {', '.join(AuditEntry.__dataclass_fields__)}")
    if type(value["seq"]) is not int or not isinstance(value["detail"], dict):
        raise ValueError("seq must be a number and detail an object")
    if not all(isinstance(value[name], str) for name in _TEXTS) or not isinstance(value["fingerprint"], str | None):
        raise ValueError(f"{', '.join(_TEXTS)} and fingerprint must be texts")
    return AuditEntry(**{**value, "at": _moment(value["at"])})


def head_line(head: Head, at: datetime) -> str:
    """A head as one line of JSON, without the line's end."""
    return json.dumps({"event": HEAD_EVENT, "at": at.isoformat(timespec="seconds"), **asdict(head)})


def heads_in(lines: Iterable[str]) -> Iterator[Head]:
    """The heads among lines of any log: lines of JSON with a ``seq`` and a ``hash``; an exported entry is one too."""
    for line in lines:
        begin = line.find("{")  # some collectors put a time or a name before the line
        try:
            value = json.loads(line[begin:]) if begin >= 0 else None
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, dict) or value.get("event", HEAD_EVENT) != HEAD_EVENT:
            continue
        seq, hash_ = value.get("seq"), value.get("hash")
        if type(seq) is int and isinstance(hash_, str) and _HASH.fullmatch(hash_):
            yield Head(seq, hash_)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


def _moment(text: Any) -> datetime:
    if not isinstance(text, str):
        raise ValueError("at must be a text")  # noqa: TRY004  the caller is promised a ValueError
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("at must name its zone")
    return moment
