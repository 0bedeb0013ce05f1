"""Describes the change of one field in plain words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.domain.direction import DirectedOp
from reconciler.domain.escaping import escaped
from reconciler.domain.fields import MISSING, is_nothing
from reconciler.domain.losses import Loss, LossKind
from reconciler.domain.plan import OpTarget
from reconciler.domain.status import Direction
from reconciler.render.alignment import Effort
from reconciler.render.sizes import differs_in_blanks_only, share_of_words_kept
from reconciler.render.text_diff import share_kept_in_order
from reconciler.render.values import FieldChange, inline

_SENTENCE = 60
"""A text of at least this length is rewritten; a shorter one is changed."""
_LONGEST_WEIGHED = 200_000
_HALF, _MOST = 0.5, 0.9
_LONGEST_TOLD = 24
"""A longer value is not told: the sentence is to stay one."""

_MAX_ENTRIES = 3
_BY_VALUE = (LossKind.UNPROTECTED, LossKind.SHORTENED)
"""What is lost by these is seen by the values."""

_ENABLED = "enabled"
_REQUIRED = "requireAuth"
_NAMES = {"logoUrl": "logo", _REQUIRED: "sign-in requirement", "scopes.scopes": "knowledge scopes"}
_ACRONYMS = {name.lower(): name for name in ("API", "ID", "IDs", "JWT", "LLM", "MCP", "UI", "URL", "URLs")}
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")


@dataclass(frozen=True, slots=True)
class Owner:
    """What a field belongs to.

    Attributes:
        place: The section, or the item.
        subject: What is on or off as a whole, such as ``the skill refunds``.
        of: What follows the field's name, such as `` of the skill refunds``; empty where it goes without saying.
    """

    place: OpTarget
    subject: str
    of: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field that an update changes.

    Attributes:
        is_back: Whether only the live side moved, so that the update takes its edit back.
        losses: What it takes away.
    """

    owner: Owner
    change: FieldChange
    is_back: bool
    losses: tuple[Loss, ...] = ()

    @property
    def is_emptied(self) -> bool:
        """Whether there was something and will be nothing."""
        return not is_nothing(self.change.before) and is_nothing(self.change.after)

    @property
    def is_switch(self) -> bool:
        """Whether it is known by its name to turn something on or off, and does so."""
        before, after = self.change.before, self.change.after
        return _is_switch(self.change.name) and isinstance(after, bool) and (is_nothing(before) or before is not after)

    @property
    def is_whole(self) -> bool:
        """Whether it turns on or off all that it belongs to."""
        return self.is_switch and self.change.name == _ENABLED


@dataclass(frozen=True, slots=True)
class Clause:
    """What becomes of a field: a verb, the field's name, and what follows it."""

    verb: str
    name: str
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.verb}{self.name}{self.rest}"


@dataclass(frozen=True, slots=True)
class FieldWording:
    """How closely fields are told of.

    Attributes:
        efforts: How much work it may take to compare two texts: one for each field that is too long for a line.
        values: Whether short values are told.
    """

    efforts: Iterator[Effort]
    values: bool


class _Verb(NamedTuple):
    """A verb, and the one for taking back what was edited live."""

    there: str
    back: str


_SETS = _Verb("sets", "puts back")
_CHANGES = _Verb("changes", "puts back")
_REWRITES = _Verb("rewrites", "puts back")
_PARTS = _Verb("rewrites parts of", "puts back parts of")
_FEW = _Verb("changes a few words of", "puts back a few words of")
_ADDS = _Verb("adds to", "puts back what was cut from")
_CUTS = _Verb("cuts from", "takes out what was added to")
_BLANKS = _Verb("changes only blanks in", "puts back only blanks in")


def side_of(directed: DirectedOp, name: str) -> Direction:
    """Which side moved for a field, or for the field of the API that it lies in."""
    sides = (side for field, side in directed.fields.items() if name == field or name.startswith(f"{field}."))
    return next(sides, directed.direction)


def as_words(name: str) -> str:
    """A name of the API as words: ``responseLength`` → response length, ``logoUrl`` → logo URL."""
    words = (word.lower() for word in _HUMP.sub(" ", name).split())
    return " ".join(_ACRONYMS.get(word, word) for word in words) or name


def field_label(section: str, name: str) -> str:
    """What people call a field: the last part of its path, as words."""
    last = _last(name)
    return _NAMES.get(f"{section}.{name}") or _NAMES.get(last) or as_words(last.removesuffix("Enabled") or last)


def clause(field: Field, wording: FieldWording) -> Clause:
    """The clause that describes the change of a field."""
    if field.is_emptied:
        return _emptying(field)
    if field.is_switch:
        return Clause("switches ", _subject(field), f" {turn(field)}")
    with_value = _with_value(field) if wording.values else None
    return with_value or Clause(f"{_verb(field, wording.efforts)} the ", _name(field))


def loss_clause(field: Field, loss: Loss) -> Clause:
    """What is lost by a change of a field."""
    if loss.field != field.change.name:
        return Clause("", str(loss))
    if loss.kind is LossKind.OPENED:
        return Clause("opens the ", _name(field), " to everybody")
    if loss.kind is LossKind.REDIRECTED:
        return Clause("points the ", _name(field), " elsewhere")
    if loss.entries and not loss.empties:
        return _without_entries(field, loss)
    return clause(field, FieldWording(Effort(0).shares(1), values=loss.kind in _BY_VALUE))


def _without_entries(field: Field, loss: Loss) -> Clause:
    gone = loss.entries if loss.count <= _MAX_ENTRIES else (f"{loss.count} entries",)
    *first, last = map(escaped, gone)
    return Clause("removes ", f"{', '.join(first)} and {last}" if first else last, f" from the {_name(field)}")


def _emptying(field: Field) -> Clause:
    if _is_switch(field.change.name) and isinstance(field.change.before, bool):
        return Clause("no longer says whether ", _subject(field), " is on")
    is_gone = field.change.after is MISSING or field.change.after is None
    return Clause("removes the " if is_gone else "empties the ", _name(field))


def turn(field: Field) -> str:
    """What a switch is turned to: on or off, or back to that."""
    return f"{'back ' if field.is_back else ''}{'on' if field.change.after else 'off'}"


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_switch(name: str) -> bool:
    last = _last(name)
    return last in (_ENABLED, _REQUIRED) or last.endswith("Enabled")


def _name(field: Field) -> str:
    section, name = field.owner.place.section, field.change.name
    if f"{section}.{name}" in _NAMES:
        return field_label(section, name)
    return f"{'on/off switch' if _last(name) == _ENABLED else field_label(section, name)}{field.owner.of}"


def _subject(field: Field) -> str:
    """What a switch turns on or off: the owner, the object that the switch lies in, or what it is named for."""
    inside, _, last = field.change.name.rpartition(".")
    if last != _ENABLED:
        return f"the {_name(field)}"
    return f"the {as_words(_last(inside))}{field.owner.of}" if inside else field.owner.subject


def _with_value(field: Field) -> Clause | None:
    """The clause with the values, where they are short."""
    before, after = field.change.before, field.change.after
    old, new = _short(before), _short(after)
    if new is None or (isinstance(before, str) and isinstance(after, str) and differs_in_blanks_only(before, after)):
        return None
    if is_nothing(before):
        return None if field.is_back else Clause("sets the ", _name(field), f" to {new}")
    if old is None:
        return None
    verb, back = ("puts the ", " back") if field.is_back else ("changes the ", "")
    return Clause(verb, _name(field), f"{back} from {old} to {new}")


def _short(value: Any) -> str | None:
    """A value within a sentence; a text in quotes, so that it is not read on as a part of it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float | str) or is_nothing(value):
        return None
    text = f"“{escaped(value)}”" if isinstance(value, str) else inline(value)
    return text if len(text) - 2 * isinstance(value, str) <= _LONGEST_TOLD and "\n" not in str(value) else None


def _verb(field: Field, efforts: Iterator[Effort]) -> str:
    verb = _how_much(field.change.before, field.change.after, efforts)
    return verb.back if field.is_back else verb.there


def _how_much(before: Any, after: Any, efforts: Iterator[Effort]) -> _Verb:
    if isinstance(before, str) and isinstance(after, str) and differs_in_blanks_only(before, after):
        return _BLANKS
    if is_nothing(before) and not is_nothing(after):
        return _SETS
    if isinstance(before, str) and isinstance(after, str):
        return _rewriting(before, after, efforts)
    return _CHANGES


def _rewriting(before: str, after: str, efforts: Iterator[Effort]) -> _Verb:
    if not _SENTENCE <= max(len(before), len(after)) <= _LONGEST_WEIGHED:
        return _CHANGES
    if before in after:
        return _ADDS
    if after in before:
        return _CUTS
    if share_of_words_kept(before, after) < _HALF:  # in order there are no more, and this is told at once
        return _REWRITES
    kept = share_kept_in_order(before, after, next(efforts))
    if kept is None:
        return _CHANGES
    return _REWRITES if kept < _HALF else _PARTS if kept < _MOST else _FEW
