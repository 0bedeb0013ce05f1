"""Summarises a plan in one sentence of plain words."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.domain.direction import DirectedOp
from reconciler.domain.escaping import escaped, escaped_distinct
from reconciler.domain.losses import Loss, LossKind, field_losses
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.alignment import Effort
from reconciler.render.field_clauses import (
    Clause,
    Field,
    FieldWording,
    Owner,
    as_words,
    clause,
    field_label,
    loss_clause,
    side_of,
    turn,
)
from reconciler.render.values import leaves

_MAX_NAMED = 3
_MAX_OF_ITEM = 2
_MAX_VALUED = 6
"""With more fields than these the sentence tells no values: it is to stay one that can be read."""
_EFFORT = 200_000
"""How much work all texts of one sentence may take; a page may say many sentences."""
_ALWAYS_NAMED = (LossKind.UNPROTECTED, LossKind.OPENED, LossKind.REDIRECTED)
_EDITED = (Direction.LIVE_AHEAD, Direction.DIVERGED)


class SummaryTone(StrEnum):
    """How a part of the sentence is emphasised."""

    PLAIN = "plain"
    NAME = "name"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class SummaryPart:
    """A part of the sentence: words, the name of an item, or what is lost."""

    tone: SummaryTone
    text: str


@dataclass(frozen=True, slots=True)
class _Update:
    """An update, and the fields that it changes."""

    op: Op
    fields: tuple[Field, ...]

    @property
    def kept(self) -> Sequence[Field]:
        """The fields that are not lost by it."""
        return [field for field in self.fields if not field.losses]


class _Noun(NamedTuple):
    """What the items of a section, or a section without items, are called."""

    one: str
    many: str


NOUNS = {
    "skills": _Noun("skill", "skills"),
    "mcpServers": _Noun("MCP server", "MCP servers"),
    "domains": _Noun("domain", "domains"),
}
_SECTIONS = {
    "core": "core settings",
    "scopes": "knowledge scopes",
    "accessProtection": "access protection",
    "externalApi": "external API",
    "accessLists": "access lists",
    "telemetry": "telemetry",
}
_UNCOUNTED = ("accessProtection", "telemetry")
"""Sections that go without an article."""


def sentence(ops: Sequence[DirectedOp], effort: Effort | None = None) -> tuple[SummaryPart, ...]:
    """The sentence in parts, which are its text when they are joined; what is lost comes last, and stands out.

    Args:
        ops: The plan's.
        effort: What is left of the work that the whole page may take, of which a sentence takes a part at most.
    """
    effort = Effort(_EFFORT) if effort is None else effort.at_most(_EFFORT)
    updates = [_Update(op.op, _fields(op)) for op in ops if op.op.action is Action.UPDATE]
    clauses = [
        *_of_updates(updates, effort),
        *_of_creates(ops),
        *map(_lost, _of_losses(updates)),
        *map(_lost, _of_deletes(ops)),
    ]
    parts = _joined(clauses) if clauses else (SummaryPart(SummaryTone.PLAIN, "Changes nothing."),)
    return tuple(SummaryPart(part.tone, escaped(part.text)) for part in parts)


def taken_away(ops: Sequence[DirectedOp]) -> tuple[str, ...]:
    """What updates take away, as `domain.losses` finds it: a clause for each loss, in the ops' order."""
    updates = (directed for directed in ops if directed.op.action is Action.UPDATE)
    fields = (field for directed in updates for field in _fields(directed))
    return tuple(escaped(str(loss_clause(field, loss))) for field in fields for loss in field.losses)


def overwritten(ops: Sequence[DirectedOp]) -> tuple[str, ...]:
    """The live edits that an apply takes back: each an item, or a field as the sentence calls it."""
    return tuple(escaped(place) for directed in ops for place in _edited(directed))


def side_unknown(ops: Sequence[DirectedOp]) -> bool:
    """Whether there is a change of which it is not known which side moved."""
    changed = (directed for directed in ops if not directed.op.is_noop)
    return any(Direction.UNKNOWN in (change.direction, *change.fields.values()) for change in changed)


def noun_of(op: Op) -> str:
    """The name of an op's target in plain words: a section, or an item with its name."""
    if op.key is None:
        return _SECTIONS.get(op.section, as_words(op.section))
    return f"{NOUNS[op.section].one if op.section in NOUNS else op.section} {escaped_distinct(op.key)}"


def title_of(section: str) -> str:
    """A section as a heading."""
    name = NOUNS[section].many if section in NOUNS else _SECTIONS.get(section, as_words(section))
    return name[:1].upper() + name[1:]


def _edited(directed: DirectedOp) -> Iterator[str]:
    op = directed.op
    if op.action is Action.UPDATE:
        names = (change.name for change in leaves(op) if side_of(directed, change.name) in _EDITED)
        yield from (_placed(op, field_label(op.section, name)) for name in names)
    elif directed.direction in _EDITED:
        yield f"{noun_of(op)}, {'deleted' if op.action is Action.CREATE else 'added'} live"


def _placed(op: Op, name: str) -> str:
    """A field with what it belongs to, where that does not go without saying."""
    return name if op.section == "core" or name == noun_of(op) else f"{noun_of(op)}: {name}"


def _fields(directed: DirectedOp) -> tuple[Field, ...]:
    op = directed.op
    owner = _owner(op)
    found = ((change, side_of(directed, change.name)) for change in leaves(op))
    return tuple(
        Field(
            owner,
            change,
            side is Direction.LIVE_AHEAD,
            field_losses(op.place, change.name, change.before, change.after),
        )
        for change, side in found
    )


def _owner(op: Op) -> Owner:
    if op.section == "core" and op.key is None:
        return Owner(op.place, "the chatbot", "")
    noun = noun_of(op)
    return Owner(op.place, noun if op.section in _UNCOUNTED else f"the {noun}", f" of the {noun}")


def _of_updates(updates: Sequence[_Update], effort: Effort) -> Iterator[tuple[SummaryPart, ...]]:
    """What sections and items become, but for what is lost."""
    changed = [field for update in updates for field in update.kept]
    efforts = effort.shares(sum(not field.change.is_short for field in changed))
    wording = FieldWording(efforts, values=len(changed) <= _MAX_VALUED)
    for update in updates:
        if update.op.key is None:
            yield from _of_section(update.op, update.kept, wording)
    items = [update for update in updates if update.op.key is not None]
    for section in dict.fromkeys(update.op.section for update in items):
        kept = [field for update in items if update.op.section == section for field in update.kept]
        yield from _of_switches(section, [field for field in kept if field.is_whole])
        yield from _of_items_fields(section, [field for field in kept if not field.is_whole], wording)
    without_fields = [update.op for update in updates if not update.fields]
    yield from (*_of_sections(without_fields, "changes"), *_of_items(without_fields, "changes"))


def _of_section(op: Op, fields: Sequence[Field], wording: FieldWording) -> Iterator[tuple[SummaryPart, ...]]:
    # texts first: what a bot says matters more than a switch
    ordered = sorted(fields, key=_weight)
    if len(ordered) <= _MAX_NAMED:
        yield from (_parts(clause(field, wording)) for field in ordered)
        return
    named, rest = ordered[: _MAX_NAMED - 1], ordered[_MAX_NAMED - 1 :]
    yield from (_parts(clause(field, FieldWording(wording.efforts, values=False))) for field in named)
    yield (SummaryPart(SummaryTone.PLAIN, f"{_changing(rest)} {len(rest)} other fields of the {noun_of(op)}"),)


def _weight(field: Field) -> tuple[bool, bool, bool, int, str]:
    """The order in which fields are named: long texts first, the longest of them before others, then switches."""
    change = field.change
    lengths = [len(value) for value in (change.before, change.after) if isinstance(value, str)]
    return change.is_short, not field.is_switch, not lengths, -max(lengths, default=0), change.name


def _of_switches(section: str, fields: Sequence[Field]) -> Iterator[tuple[SummaryPart, ...]]:
    """The items that are turned on and off, those alike together."""
    turns = [(turn(field), field.owner.place.key) for field in fields]
    for word in sorted({turned for turned, _ in turns}):
        keys = [key for turned, key in turns if turned == word]
        yield (*_names_part("switches", _noun(section), keys), SummaryPart(SummaryTone.PLAIN, f" {word}"))


def _of_items_fields(section: str, fields: Sequence[Field], wording: FieldWording) -> Iterator[tuple[SummaryPart, ...]]:
    """The fields of a single item; several items are only named."""
    if len({field.owner.place.key for field in fields}) == 1 and len(fields) <= _MAX_OF_ITEM:
        yield from (_parts(clause(field, wording)) for field in sorted(fields, key=_weight))
        return
    of_items: defaultdict[str, list[Field]] = defaultdict(list)
    for field in fields:
        of_items[field.owner.place.key].append(field)
    verbs = {key: _changing(fields_of_item) for key, fields_of_item in of_items.items()}
    for verb in sorted({*verbs.values()}):
        yield _names_part(verb, _noun(section), [key for key in verbs if verbs[key] == verb])


def _changing(fields: Sequence[Field]) -> str:
    return "puts back" if all(field.is_back for field in fields) else "changes"


def _of_creates(ops: Sequence[DirectedOp]) -> Iterator[tuple[SummaryPart, ...]]:
    created = [directed for directed in ops if directed.op.action is Action.CREATE]
    back = [directed.op for directed in created if directed.direction is Direction.LIVE_AHEAD]
    new = [directed.op for directed in created if directed.direction is not Direction.LIVE_AHEAD]
    yield from (*_of_sections(back, "puts back"), *_of_items(back, "puts back"))
    yield from (*_of_sections(new, "sets"), *_of_items(new, "adds"))


def _of_losses(updates: Sequence[_Update]) -> Iterator[tuple[SummaryPart, ...]]:
    """What updates take away: what they let in or send elsewhere is always named."""
    found = [(field, loss) for update in updates for field in update.fields for loss in field.losses]
    ordered = sorted(found, key=lambda pair: pair[1].kind not in _ALWAYS_NAMED)
    always = sum(loss.kind in _ALWAYS_NAMED for _, loss in found)
    named = ordered if len(ordered) <= _MAX_NAMED else ordered[: max(_MAX_NAMED - 1, always)]
    yield from (_parts(_loss_clause(*pair)) for pair in named)
    rest = len(ordered) - len(named)
    if rest:
        yield (SummaryPart(SummaryTone.PLAIN, f"empties or removes {rest} other {'field' if rest == 1 else 'fields'}"),)


def _loss_clause(field: Field, loss: Loss) -> Clause:
    """A list in which other entries take the place of those that are gone is changed, as far as one sentence tells."""
    before, after = field.change.before, field.change.after
    if loss.entries and isinstance(before, list) and isinstance(after, list) and len(after) >= len(before):
        return clause(field, FieldWording(Effort(0).shares(1), values=False))
    return loss_clause(field, loss)


def _of_deletes(ops: Sequence[DirectedOp]) -> Iterator[tuple[SummaryPart, ...]]:
    deleted = [directed.op for directed in ops if directed.op.action is Action.DELETE]
    yield from (*_of_sections(deleted, "deletes"), *_of_items(deleted, "deletes"))


def _of_sections(ops: Sequence[Op], verb: str) -> Iterator[tuple[SummaryPart, ...]]:
    for op in ops:
        if op.key is None:
            yield SummaryPart(SummaryTone.PLAIN, f"{verb} the "), SummaryPart(SummaryTone.NAME, noun_of(op))


def _of_items(ops: Sequence[Op], verb: str) -> Iterator[tuple[SummaryPart, ...]]:
    for section in dict.fromkeys(op.section for op in ops if op.key is not None):
        keys = [op.key for op in ops if op.section == section and op.key is not None]
        yield _names_part(verb, _noun(section), keys)


def _noun(section: str) -> _Noun:
    return NOUNS.get(section, _Noun(f"item of {section}", f"items of {section}"))


def _names_part(verb: str, noun: _Noun, keys: Sequence[str]) -> tuple[SummaryPart, ...]:
    if len(keys) > _MAX_NAMED:
        return (SummaryPart(SummaryTone.PLAIN, f"{verb} {len(keys)} {noun.many}"),)
    head = SummaryPart(SummaryTone.PLAIN, f"{verb} the {noun.one if len(keys) == 1 else noun.many} ")
    return (head, *_listed([(SummaryPart(SummaryTone.NAME, escaped_distinct(key)),) for key in keys], " and "))


def _parts(clause_: Clause) -> tuple[SummaryPart, ...]:
    parts = (
        SummaryPart(SummaryTone.PLAIN, clause_.verb),
        SummaryPart(SummaryTone.NAME, clause_.name),
        SummaryPart(SummaryTone.PLAIN, clause_.rest),
    )
    return parts if clause_.rest else parts[:2]


def _lost(clause: tuple[SummaryPart, ...]) -> tuple[SummaryPart, ...]:
    return (SummaryPart(SummaryTone.LOSS, "".join(part.text for part in clause)),)


def _listed(items: Sequence[tuple[SummaryPart, ...]], last: str) -> tuple[SummaryPart, ...]:
    """Items in a row, the last one joined by other words."""
    parts = list(items[0])
    for number, item in enumerate(items[1:], 2):
        parts += [SummaryPart(SummaryTone.PLAIN, last if number == len(items) else ", "), *item]
    return tuple(parts)


def _joined(clauses: Sequence[tuple[SummaryPart, ...]]) -> tuple[SummaryPart, ...]:
    first, *rest = _listed(clauses, ", and " if len(clauses) > 2 else " and ")  # noqa: PLR2004  a list begins at three
    return SummaryPart(first.tone, first.text[:1].upper() + first.text[1:]), *rest, SummaryPart(SummaryTone.PLAIN, ".")
