"""What is wrong with an audit log: found entry by entry, in constant memory, and with every finding named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from reconciler.domain.audit import GENESIS, hash_of
from reconciler.domain.audit_lines import Head, entry_of
from reconciler.domain.records import AuditEntry

PRUNE: Final = "audit.prune"
"""The action of the entry that stands for removed ones."""
MOST_FINDINGS: Final = 100
"""How many findings are kept; the others are counted."""


class Kind(StrEnum):
    """What can be wrong."""

    ALTERED = "altered"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    OUT_OF_ORDER = "out_of_order"
    UNLINKED = "unlinked"
    UNEXPLAINED_START = "unexplained_start"
    BAD_PRUNE = "bad_prune"
    CUT_OFF = "cut_off"
    HEAD_DIFFERS = "head_differs"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and at which ``seq``."""

    seq: int
    kind: Kind
    message: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row or line that is no entry."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
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
    head: Head | None
    heads_held: int
    heads_unchecked: int
    findings: tuple[Finding, ...]
    found: int

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0


@dataclass(slots=True)
class Verifier:
    """Looks at the entries of a log one after the other.

    Attributes:
        heads: Heads that were kept elsewhere. The same ``seq`` may be known by several hashes: then at most one holds.
        whole: Whether the log must begin with its first entry, or where the newest `PRUNE` entry says.
    """

    heads: frozenset[Head] = frozenset()
    whole: bool = True
    _wanted: Mapping[int, set[str]] = field(init=False)
    _kept: dict[int, str] = field(default_factory=dict)
    _entries: int = 0
    _start: Head | None = None
    _first: Head | None = None
    _last: Head | None = None
    _linkable: bool = True
    _removed: Head | None = None
    _findings: list[Finding] = field(default_factory=list)
    _found: int = 0

    def __post_init__(self) -> None:
        wanted: dict[int, set[str]] = {}
        for head in self.heads:
            wanted.setdefault(head.seq, set()).add(head.hash)
        self._wanted = wanted

    def feed_archived(self, entry: AuditEntry | Unreadable) -> None:
        """Look at the next entry that was removed from the log, and is kept beside it."""
        self._feed(entry)

    def feed(self, entry: AuditEntry | Unreadable) -> None:
        """Look at the next entry of the log itself."""
        if self._start is None:
            # what an entry names as the one before it is where the log begins
            self._start = Head(entry.seq - 1, entry.prev_hash if isinstance(entry, AuditEntry) else "")
        self._feed(entry)
        if isinstance(entry, AuditEntry) and entry.action == PRUNE:
            self._note_removal(entry)

    def hold(self, heads: Iterable[Head], hashes: Mapping[int, str], *, begins: int | None) -> None:
        """Hold heads of entries before the first one that is looked at against what is kept of them.

        Args:
            heads: The heads.
            hashes: ``seq`` → hash, of those of their entries that there are.
            begins: Where the log begins.
        """
        for head in sorted(heads, key=lambda head: head.seq):
            kept = hashes.get(head.seq)
            if kept is None and begins is not None and head.seq >= begins:
                self._find(head.seq, Kind.MISSING, f"entry {head.seq} is missing, of which a head was kept")
            elif kept not in (None, head.hash):
                self._find(head.seq, Kind.HEAD_DIFFERS, _differs(kept, head.hash))

    def finish(self) -> Report:
        """Say what was found, once every entry was looked at."""
        self._check_start()
        held, unchecked = self._check_heads()
        return Report(
            entries=self._entries,
            first=self._first.seq + 1 if self._first else None,
            head=self._last,
            heads_held=held,
            heads_unchecked=unchecked,
            findings=tuple(self._findings),
            found=self._found,
        )

    def _feed(self, entry: AuditEntry | Unreadable) -> None:
        self._entries += 1
        self._check_order(entry.seq)
        if isinstance(entry, Unreadable):
            self._find(entry.seq, Kind.UNREADABLE, f"this is no entry: {entry.why}")
            self._first = self._first or Head(entry.seq - 1, "")
            self._last, self._linkable = Head(entry.seq, ""), False
            return
        self._first = self._first or Head(entry.seq - 1, entry.prev_hash)
        self._check_link(entry)
        self._check_content(entry)
        self._last, self._linkable = Head(entry.seq, entry.hash), True
        if entry.seq in self._wanted:
            self._kept[entry.seq] = entry.hash

    def _check_order(self, seq: int) -> None:
        last = self._last.seq if self._last else None
        if last is None or seq == last + 1:
            return
        self._linkable = False
        if seq <= last:
            self._find(seq, Kind.OUT_OF_ORDER, f"it stands after entry {last}")
        else:
            gap = f"entry {last + 1} is" if seq == last + 2 else f"entries {last + 1} to {seq - 1} are"
            self._find(last + 1, Kind.MISSING, f"{gap} missing")

    def _check_link(self, entry: AuditEntry) -> None:
        if self._linkable and self._last is not None and entry.prev_hash != self._last.hash:
            self._find(entry.seq, Kind.UNLINKED, "it names another hash as the one before it")

    def _check_content(self, entry: AuditEntry) -> None:
        try:
            fits = hash_of(entry) == entry.hash
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            self._find(entry.seq, Kind.ALTERED, "what it says does not fit its hash")

    def _note_removal(self, entry: AuditEntry) -> None:
        through, value = entry.detail.get("through"), entry.detail.get("hash")
        if type(through) is not int or not isinstance(value, str) or not 0 < through < entry.seq:
            self._find(entry.seq, Kind.BAD_PRUNE, "it does not say which entries were removed")
            return
        self._removed = Head(through, value)

    def _check_start(self) -> None:
        """A log begins with its first entry, or right after what its newest `PRUNE` entry says was removed."""
        start, removed = self._start, self._removed
        if start is None:
            if self._last is not None:
                self._find(self._last.seq + 1, Kind.MISSING, "the log is empty, but entries were archived from it")
            return
        expected = removed or Head(0, GENESIS)
        if not self.whole and start.seq not in (0, expected.seq):
            return  # a part of a log begins anywhere
        if not self.whole and start.seq == 0:
            expected = Head(0, GENESIS)
        if start != expected:
            self._find(start.seq + 1, Kind.UNEXPLAINED_START, _unexplained(start, expected))

    def _check_heads(self) -> tuple[int, int]:
        held = unchecked = 0
        first, last = self._first, self._last
        for seq in sorted(self._wanted):
            if last is None or seq > last.seq:
                self._find(seq, Kind.CUT_OFF, f"a head was kept of entry {seq}, but {_ends(last)}")
                continue
            before = first.hash if first is not None and first.seq == seq else None
            kept = self._kept.get(seq, before)
            if kept is not None:
                differing = self._wanted[seq] - {kept}
                held += kept in self._wanted[seq]
                for value in sorted(differing):
                    self._find(seq, Kind.HEAD_DIFFERS, _differs(kept, value))
            elif first is not None and seq < first.seq:
                unchecked += 1
        return held, unchecked

    def _find(self, seq: int, kind: Kind, message: str) -> None:
        self._found += 1
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(seq, kind, message))


def verify_lines(lines: Iterable[str], heads: frozenset[Head] = frozenset()) -> Report:
    """Verify an exported log, or a part of one, without the database.

    Args:
        lines: Entries as lines of JSON, in order.
        heads: Heads that were kept elsewhere.
    """
    verifier = Verifier(heads, whole=False)
    seq = 0
    for number, line in enumerate(lines, start=1):
        try:
            entry: AuditEntry | Unreadable = entry_of(line)
        except ValueError as error:
            entry = Unreadable(seq + 1, f"line {number}: {error}")
        verifier.feed(entry)
        seq = entry.seq
    return verifier.finish()


def _differs(kept: str | None, said: str) -> str:
    return f"its hash is {kept}, but a head was kept that says {said}"


def _ends(last: Head | None) -> str:
    return "the log is empty" if last is None else f"the log ends with entry {last.seq}"


def _unexplained(start: Head, expected: Head) -> str:
    if start.seq == expected.seq:
        return f"the log begins here, but names {start.hash} as the hash before it, not {expected.hash}"
    where = f"the log begins with entry {start.seq + 1}"
    if expected.seq == 0:
        return f"{where}, and no {PRUNE} entry says why"
    return f"{where}, but its newest {PRUNE} entry names {expected.seq} as the last that was removed"
