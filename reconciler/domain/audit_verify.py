"""Verifies an audit log entry by entry, in constant memory, and names every finding."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from reconciler.domain.audit import GENESIS, AuditEntry, hash_of
from reconciler.domain.audit_lines import PRUNE, AuditHead, PruneNote, entry_of, prune_of

MAX_FINDINGS: Final = 100
"""How many findings are kept; the others are counted."""

_NO_ARCHIVE: Final = "no archive is here that ends with the entry before"


class AuditFindingKind(StrEnum):
    """What can be wrong."""

    ALTERED = "altered"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    OUT_OF_ORDER = "out_of_order"
    UNLINKED = "unlinked"
    UNEXPLAINED_START = "unexplained_start"
    BAD_PRUNE = "bad_prune"
    UNNOTED_PRUNE = "unnoted_prune"
    UNSET_RETENTION = "unset_retention"
    UNCHECKED_HEADS = "unchecked_heads"
    CUT_OFF = "cut_off"
    HEAD_DIFFERS = "head_differs"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong, and at which ``seq``."""

    seq: int
    kind: AuditFindingKind
    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row or line that is no entry."""

    seq: int
    cause: str


@dataclass(frozen=True, slots=True)
class ChainPoint:
    """The state of the chain at an entry, as far as that can be read.

    Attributes:
        seq: The entry.
        hash: Its hash; None where what names it cannot be read. An empty text is no hash that anybody computed.
    """

    seq: int
    hash: str | None

    @classmethod
    def at(cls, entry: "AuditEntry | Unreadable") -> Self:
        """The point that an entry itself makes."""
        return cls(entry.seq, entry.hash if isinstance(entry, AuditEntry) else None)

    @classmethod
    def before(cls, entry: "AuditEntry | Unreadable") -> Self:
        """The point that an entry names as the one before it."""
        return cls(entry.seq - 1, entry.prev_hash if isinstance(entry, AuditEntry) else None)

    def agrees(self, other: "AuditHead | ChainPoint") -> bool:
        """Whether both can be the same point; what cannot be read has a finding of its own."""
        return self.seq == other.seq and (self.hash is None or other.hash is None or self.hash == other.hash)


_NOTHING: Final = ChainPoint(0, GENESIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What a verification found.

    Attributes:
        entries: How many entries were looked at.
        first: The first entry's ``seq``; None for an empty log.
        head: The last entry.
        heads_held: How many known heads the log still holds.
        heads_unchecked: How many lie before its first entry.
        findings: The first of what is wrong.
        found: How much is wrong altogether.
    """

    entries: int
    first: int | None
    head: AuditHead | None
    heads_held: int
    heads_unchecked: int
    findings: tuple[AuditFinding, ...]
    found: int

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0


@dataclass(frozen=True, slots=True)
class KnownPrunes:
    """What is known outside the database of the entries that were removed from it.

    Whoever can write the database can append a `PRUNE` entry that fits the chain: none is believed by itself.

    Attributes:
        noted: What is noted beside the archive.
        handed: What somebody brought along, such as lines of the service's log: good only together with the archive.
        for_ever: Whether the settings say that nothing is ever removed.
    """

    noted: frozenset[PruneNote] = frozenset()
    handed: frozenset[PruneNote] = frozenset()
    for_ever: bool = False

    def know(self, note: PruneNote, archived: str | None) -> bool:
        """Whether a removal is known.

        Args:
            note: What its entry says.
            archived: The hash of the last removed entry, as the archive has it.
        """
        return note in self.noted or (note in self.handed and archived == note.hash)

    def explain(self, start: ChainPoint) -> bool:
        """Whether a log may begin after this entry: with nothing before it, or where a noted removal ended."""
        return start.agrees(_NOTHING) or any(start.agrees(note.head) for note in self.noted)


@dataclass(slots=True)
class Verifier:
    """Looks at the entries of a log one after the other.

    Attributes:
        heads: Heads that were kept elsewhere. The same ``seq`` may be known by several hashes: then at most one holds.
        whole: Whether the log must begin with its first entry, or where the newest `PRUNE` entry says.
        prunes: What is known of removed entries; None when nobody can know, as of an export.
    """

    heads: frozenset[AuditHead] = frozenset()
    whole: bool = True
    prunes: KnownPrunes | None = None
    _expected_hashes: Mapping[int, set[str]] = field(init=False)
    _kept: dict[int, str] = field(default_factory=dict)
    _entries: int = 0
    _start: ChainPoint | None = None
    _first: ChainPoint | None = None
    _last: AuditHead | None = None
    _linkable: bool = True
    _removed: AuditHead | None = None
    _archived: ChainPoint | None = None
    _findings: list[AuditFinding] = field(default_factory=list)
    _found: int = 0

    def __post_init__(self) -> None:
        expected: dict[int, set[str]] = {}
        notes: frozenset[PruneNote] = self.prunes.noted | self.prunes.handed if self.prunes else frozenset()
        for head in self.heads | {note.head for note in notes}:
            expected.setdefault(head.seq, set()).add(head.hash)
        self._expected_hashes = expected

    def feed_archived(self, entry: AuditEntry | Unreadable) -> None:
        """Look at the next entry that was removed from the log, and is kept beside it."""
        self._feed(entry)
        self._archived = ChainPoint.at(entry)

    def feed(self, entry: AuditEntry | Unreadable) -> None:
        """Look at the next entry of the log itself."""
        if self._start is None:
            self._start = ChainPoint.before(entry)
        self._feed(entry)

    def hold(self, heads: Iterable[AuditHead], hashes: Mapping[int, str], *, begins: int | None) -> None:
        """Hold heads of entries before the first one that is looked at against what is kept of them.

        Args:
            heads: The heads.
            hashes: ``seq`` → hash, of those of their entries that there are.
            begins: Where the log begins.
        """
        for head in sorted(heads, key=lambda head: head.seq):
            kept = hashes.get(head.seq)
            if kept is None and begins is not None and head.seq >= begins:
                self._find(head.seq, AuditFindingKind.MISSING, f"entry {head.seq} is missing, of which a head was kept")
            elif kept not in (None, head.hash):
                self._find(head.seq, AuditFindingKind.HEAD_DIFFERS, _differs(kept, head.hash))

    def hold_start(self, first: AuditEntry | Unreadable, heads: Iterable[AuditHead], *, archived: str | None) -> None:
        """Hold the first entry of a log, of which only the newest are looked at, against what is known of removed ones.

        Args:
            first: The entry.
            heads: Every kept head.
            archived: The hash of the entry before it, as the archive has it.
        """
        start = ChainPoint.before(first)
        if self.prunes is None or start.agrees(_NOTHING):
            return
        if not self.prunes.explain(start):
            self._find(
                first.seq,
                AuditFindingKind.UNEXPLAINED_START,
                f"{_begins(start)}, and no removal is noted that ends there",
            )
        elif archived is None or not start.agrees(AuditHead(start.seq, archived)):
            self._check_unarchived(start, self.prunes, heads)

    def finish(self) -> AuditReport:
        """Say what was found, once every entry was looked at."""
        self._check_start()
        matching, unchecked = self._check_heads()
        return AuditReport(
            entries=self._entries,
            first=self._first.seq + 1 if self._first else None,
            head=self._last,
            heads_held=matching,
            heads_unchecked=unchecked,
            findings=tuple(self._findings),
            found=self._found,
        )

    def _feed(self, entry: AuditEntry | Unreadable) -> None:
        self._entries += 1
        self._first = self._first or ChainPoint.before(entry)
        self._check_order(entry.seq)
        if isinstance(entry, Unreadable):
            self._find(entry.seq, AuditFindingKind.UNREADABLE, f"this is no entry: {entry.cause}")
            self._last, self._linkable = AuditHead(entry.seq, ""), False
            return
        self._check_link(entry)
        self._check_content(entry)
        self._last, self._linkable = AuditHead(entry.seq, entry.hash), True
        if entry.seq in self._expected_hashes:
            self._kept[entry.seq] = entry.hash
        if entry.action == PRUNE:
            self._check_prune(entry)

    def _check_order(self, seq: int) -> None:
        last = self._last.seq if self._last else None
        if last is None or seq == last + 1:
            return
        self._linkable = False
        if seq <= last:
            self._find(seq, AuditFindingKind.OUT_OF_ORDER, f"it stands after entry {last}")
        else:
            gap = f"entry {last + 1} is" if seq == last + 2 else f"entries {last + 1} to {seq - 1} are"
            self._find(last + 1, AuditFindingKind.MISSING, f"{gap} missing")

    def _check_link(self, entry: AuditEntry) -> None:
        if self._linkable and self._last is not None and entry.prev_hash != self._last.hash:
            self._find(entry.seq, AuditFindingKind.UNLINKED, "it names another hash as the one before it")

    def _check_content(self, entry: AuditEntry) -> None:
        try:
            fits = hash_of(entry) == entry.hash
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            self._find(entry.seq, AuditFindingKind.ALTERED, "what it says does not fit its hash")

    def _check_prune(self, entry: AuditEntry) -> None:
        note = prune_of(entry)
        if note is None:
            self._find(
                entry.seq, AuditFindingKind.BAD_PRUNE, "it does not say which entries were removed, and where they are"
            )
            return
        self._removed = note.head
        if self.prunes is not None and not self.prunes.know(note, self._kept.get(note.through)):
            message = f"it says that entries up to {note.through} were removed, which is noted nowhere else"
            self._find(entry.seq, AuditFindingKind.UNNOTED_PRUNE, message)

    def _check_start(self) -> None:
        """A log begins with its first entry, or right after what its newest `PRUNE` entry says was removed."""
        start, removed = self._start, self._removed
        if start is None:
            if self._last is not None:
                self._find(
                    self._last.seq + 1, AuditFindingKind.MISSING, "the log is empty, but entries were archived from it"
                )
            return
        expected = ChainPoint(removed.seq, removed.hash) if removed else _NOTHING
        if not self.whole and (self.prunes is not None or start.seq not in (0, expected.seq)):
            return  # a part of a log begins anywhere; the beginning of the whole log is checked by `hold_start`
        if not self.whole and start.seq == 0:
            expected = _NOTHING
        if not start.agrees(expected):
            self._find(start.seq + 1, AuditFindingKind.UNEXPLAINED_START, _unexplained(start, expected))
        if self.prunes is not None and start.seq > 0 and not (self._archived and self._archived.agrees(start)):
            self._check_unarchived(start, self.prunes, self.heads)

    def _check_unarchived(self, start: ChainPoint, prunes: KnownPrunes, heads: Iterable[AuditHead]) -> None:
        """Object to a removal that no archive shows, where the settings or the kept heads speak against it."""
        if prunes.for_ever:
            message = f"{_begins(start)}, {_NO_ARCHIVE}, and audit.retention is unset"
            self._find(start.seq + 1, AuditFindingKind.UNSET_RETENTION, message)
        unchecked = [head.seq for head in heads if head.seq < start.seq]
        if unchecked:
            kept = f"heads were kept of {len(unchecked)} entries from {min(unchecked)} on that were removed"
            self._find(min(unchecked), AuditFindingKind.UNCHECKED_HEADS, f"{kept}, {_NO_ARCHIVE}")

    def _check_heads(self) -> tuple[int, int]:
        matching = unchecked = 0
        first, last = self._first, self._last
        for seq in sorted(self._expected_hashes):
            if last is None or seq > last.seq:
                self._find(seq, AuditFindingKind.CUT_OFF, f"a head was kept of entry {seq}, but {_ends(last)}")
                continue
            before = first.hash if first is not None and first.seq == seq else None
            kept = self._kept.get(seq, before)
            if kept is not None:
                differing = self._expected_hashes[seq] - {kept}
                matching += AuditHead(seq, kept) in self.heads
                for value in sorted(differing):
                    self._find(seq, AuditFindingKind.HEAD_DIFFERS, _differs(kept, value))
            elif first is not None and seq < first.seq:
                unchecked += any(head.seq == seq for head in self.heads)
        return matching, unchecked

    def _find(self, seq: int, kind: AuditFindingKind, message: str) -> None:
        self._found += 1
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(AuditFinding(seq, kind, message))


def verify_lines(lines: Iterable[str], heads: frozenset[AuditHead] = frozenset()) -> AuditReport:
    """Verify an exported log, or a part of one, without the database.

    Args:
        lines: Entries as lines of JSON, in order.
        heads: Heads that were kept elsewhere.
    """
    verifier = Verifier(heads, whole=False)
    for entry in _entries(lines):
        verifier.feed(entry)
    return verifier.finish()


def _entries(lines: Iterable[str]) -> Iterator[AuditEntry | Unreadable]:
    """What the lines hold. A part of a log begins anywhere: lines before its first entry are numbered from that one."""
    seq = 0
    unreadable: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = entry_of(line)
        except ValueError as error:
            unreadable.append(f"line {number}: {error}")
            if len(unreadable) < MAX_FINDINGS:
                continue
            yield from _numbered(unreadable, seq + 1)
            seq += len(unreadable)
        else:
            yield from _numbered(unreadable, seq + 1 if seq else max(1, entry.seq - len(unreadable)))
            yield entry
            seq = entry.seq
        unreadable.clear()
    yield from _numbered(unreadable, seq + 1)


def _numbered(unreadable: Sequence[str], first: int) -> Iterator[Unreadable]:
    return (Unreadable(seq, cause) for seq, cause in enumerate(unreadable, start=first))


def _differs(actual: str | None, expected: str) -> str:
    return f"its hash is {actual}, but a head was kept that says {expected}"


def _ends(last: AuditHead | None) -> str:
    return "the log is empty" if last is None else f"the log ends with entry {last.seq}"


def _begins(start: ChainPoint) -> str:
    return f"the log begins with entry {start.seq + 1}"


def _unexplained(start: ChainPoint, expected: ChainPoint) -> str:
    if start.seq == expected.seq:
        return f"the log begins here, but names {start.hash} as the hash before it, not {expected.hash}"
    begins = _begins(start)
    if expected.seq == 0:
        return f"{begins}, and no {PRUNE} entry says why"
    return f"{begins}, but its newest {PRUNE} entry names {expected.seq} as the last that was removed"
