"""Audit entries and chain heads as lines of JSON, for exports and archives."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from reconciler.domain.audit import AuditEntry

HEAD_EVENT: Final = "audit head"
"""What the log line that exports a head says."""
PRUNE_EVENT: Final = "audit log pruned"
"""What the log line says that notes which entries were removed."""
PRUNE: Final = "audit.prune"
"""The action of the entry that stands for removed ones."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = frozenset(AuditEntry.__dataclass_fields__)
_TEXTS: Final = ("actor", "action", "subject", "prev_hash", "hash")


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of the chain at some moment. A copy kept elsewhere shows whether the log still contains it."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "AuditHead":
        """Read ``SEQ:HASH``.

        Raises:
            ValueError: When it is none.
        """
        seq, _, value = text.strip().partition(":")
        if not (seq.isascii() and seq.isdecimal()) or not _HASH.fullmatch(value):
            raise ValueError(f"{text!r} is not a head: write it as SEQ:HASH, with the 64 hex digits of the hash")
        return cls(int(seq), value)


@dataclass(frozen=True, slots=True)
class PruneNote:
    """Which entries were removed, as the `PRUNE` entry says it, and as it is noted outside the database.

    Attributes:
        through: The last removed entry's ``seq``.
        hash: Its hash.
        archive: The file that holds them.
    """

    through: int
    hash: str
    archive: str

    @property
    def head(self) -> AuditHead:
        """The last removed entry."""
        return AuditHead(self.through, self.hash)


@dataclass(frozen=True, slots=True)
class AuditEvidence:
    """What is known of a log outside its database.

    Attributes:
        heads: Ends of the chain, at some moments.
        prunes: Which entries were removed.
    """

    heads: frozenset[AuditHead] = frozenset()
    prunes: frozenset[PruneNote] = frozenset()


def prune_of(entry: AuditEntry) -> PruneNote | None:
    """What a `PRUNE` entry says; None when it does not say which entries were removed, and where they are."""
    note = _note_of(entry.detail)
    return note if note is not None and note.through < entry.seq else None


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


def head_line(head: AuditHead, at: datetime) -> str:
    """A head as one line of JSON, without the line's end."""
    return json.dumps({"event": HEAD_EVENT, "at": at.isoformat(timespec="seconds"), **asdict(head)})


def prune_line(note: PruneNote, at: datetime) -> str:
    """The note of a removal as one line of JSON, without the line's end."""
    return json.dumps({"event": PRUNE_EVENT, "at": at.isoformat(timespec="seconds"), **asdict(note)})


def heads_in(lines: Iterable[str]) -> Iterator[AuditHead]:
    """The heads among lines of any log: lines of JSON with a ``seq`` and a ``hash``; an exported entry is one too."""
    return (head for value in _objects_in(lines) if (head := _head_in(value)) is not None)


def evidence_in(lines: Iterable[str]) -> AuditEvidence:
    """The heads and the notes of removals among lines of any log; an exported `PRUNE` entry is both."""
    heads: set[AuditHead] = set()
    prunes: set[PruneNote] = set()
    for value in _objects_in(lines):
        if (head := _head_in(value)) is not None:
            heads.add(head)
        if (note := _note_in(value)) is not None:
            prunes.add(note)
    return AuditEvidence(frozenset(heads), frozenset(prunes))


def _objects_in(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        begin = line.find("{")  # some collectors put a time or a name before the line
        try:
            value = json.loads(line[begin:]) if begin >= 0 else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _head_in(value: Mapping[str, Any]) -> AuditHead | None:
    seq, hash_ = value.get("seq"), value.get("hash")
    if value.get("event", HEAD_EVENT) != HEAD_EVENT or type(seq) is not int or not _is_hash(hash_):
        return None
    return AuditHead(seq, hash_)


def _note_in(value: Mapping[str, Any]) -> PruneNote | None:
    if value.get("event") == PRUNE_EVENT:
        return _note_of(value)
    detail = value.get("detail")
    if "event" in value or value.get("action") != PRUNE or not isinstance(detail, dict):
        return None
    return _note_of(detail)


def _note_of(value: Mapping[str, Any]) -> PruneNote | None:
    through, hash_, archive = value.get("through"), value.get("hash"), value.get("archive")
    if type(through) is not int or through < 1 or not _is_hash(hash_) or not isinstance(archive, str):
        return None
    return PruneNote(through, hash_, archive)


def _is_hash(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


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
