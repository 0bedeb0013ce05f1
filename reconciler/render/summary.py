"""What a plan does, in one sentence that somebody who never saw a configuration understands."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.domain import fields
from reconciler.domain.direction import DirectedOp
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.sizes import differs_in_blanks_only, share_of_words_kept
from reconciler.render.wording import FieldChange, leaves

_MOST_NAMED = 3
_SENTENCE = 60
"""A text of at least this length is rewritten; a shorter one is changed."""
_LONGEST_WEIGHED = 200_000
_HALF, _MOST = 0.5, 0.9


class Tone(StrEnum):
    """How a part of the sentence is said."""

    PLAIN = "plain"
    NAME = "name"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the sentence: words, the name of an item, or what is lost."""

    tone: Tone
    text: str


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
_FIELDS = {"name": "name", "status": "status", "logoUrl": "logo", "behavior.systemPrompt": "system prompt"}


def sentence(ops: Sequence[DirectedOp]) -> tuple[Part, ...]:
    """The sentence in parts, which are its text when they are joined; what is lost comes last, and stands out."""
    bare = [directed.op for directed in ops if not directed.op.is_noop]
    clauses = [
        *(clause for op in bare if op.action is Action.UPDATE and op.key is None for clause in _of_section(op)),
        *_of_items(bare, Action.UPDATE, "changes"),
        *_of_sections(bare, Action.CREATE, "sets"),
        *_of_items(bare, Action.CREATE, "adds"),
        *(_lost(clause) for clause in _of_sections(bare, Action.DELETE, "deletes")),
        *(_lost(clause) for clause in _of_items(bare, Action.DELETE, "deletes")),
    ]
    return _joined(clauses) if clauses else (Part(Tone.PLAIN, "Changes nothing."),)


def overwritten(ops: Sequence[DirectedOp]) -> tuple[str, ...]:
    """The live edits that an apply takes back: each a place, with the field in an update."""
    return tuple(place for directed in ops for place in _edited(directed))


def _edited(directed: DirectedOp) -> Iterator[str]:
    edits = (Direction.LIVE_AHEAD, Direction.DIVERGED)
    place = noun_of(directed.op)
    if directed.op.action is Action.UPDATE:
        yield from (f"{place}, {name}" for name, side in directed.fields.items() if side in edits)
    elif directed.direction in edits:
        yield f"{place}, {'deleted' if directed.op.action is Action.CREATE else 'added'} live"


def noun_of(op: Op) -> str:
    """What an op is about, as people say it: a section, or an item with its name."""
    if op.key is None:
        return _SECTIONS.get(op.section, _spoken(op.section))
    return f"{NOUNS[op.section].one if op.section in NOUNS else op.section} {op.key}"


def title_of(section: str) -> str:
    """A section as a heading."""
    name = NOUNS[section].many if section in NOUNS else _SECTIONS.get(section, _spoken(section))
    return name[:1].upper() + name[1:]


def _of_section(op: Op) -> Iterator[tuple[Part, ...]]:
    # texts first: what a bot says matters more than a switch
    changed = sorted(leaves(op), key=_weight)
    named = changed if len(changed) <= _MOST_NAMED else changed[: _MOST_NAMED - 1]
    for change in named:
        verb = Part(Tone.PLAIN, f"{_verb(change.before, change.after)} the ")
        yield verb, Part(Tone.NAME, _field(op.section, change.name))
    if len(named) < len(changed):
        rest = (
            f"changes {len(changed) - len(named)} other fields of the {_SECTIONS.get(op.section, _spoken(op.section))}"
        )
        yield (Part(Tone.PLAIN, rest),)


def _weight(change: FieldChange) -> tuple[bool, bool, int, str]:
    """The order in which fields are named: long texts first, the longest of them before others."""
    lengths = [len(value) for value in (change.before, change.after) if isinstance(value, str)]
    return change.is_short, not lengths, -max(lengths, default=0), change.name


def _verb(before: object, after: object) -> str:
    if before is fields.MISSING:
        return "sets"
    if after is fields.MISSING:
        return "removes"
    if not (isinstance(before, str) and isinstance(after, str)):
        return "changes"
    if differs_in_blanks_only(before, after):
        return "changes only blanks in"
    if not _SENTENCE <= max(len(before), len(after)) <= _LONGEST_WEIGHED:
        return "changes"
    kept = share_of_words_kept(before, after)
    return "rewrites" if kept < _HALF else "rewrites parts of" if kept < _MOST else "changes a few words of"


def _field(section: str, name: str) -> str:
    last = _FIELDS.get(name) or _spoken(name.rpartition(".")[2])
    return last if section == "core" else f"{last} of the {_SECTIONS.get(section, _spoken(section))}"


def _spoken(name: str) -> str:
    """A field's name as words: ``responseLength`` → response length."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower() if name.isidentifier() else name


def _of_sections(ops: Sequence[Op], action: Action, verb: str) -> Iterator[tuple[Part, ...]]:
    for op in ops:
        if op.action is action and op.key is None:
            yield Part(Tone.PLAIN, f"{verb} the "), Part(Tone.NAME, noun_of(op))


def _of_items(ops: Sequence[Op], action: Action, verb: str) -> Iterator[tuple[Part, ...]]:
    sections = dict.fromkeys(op.section for op in ops if op.key is not None)
    for section in sections:
        keys = [op.key or "" for op in ops if (op.section, op.action) == (section, action) and op.key is not None]
        if keys:
            yield _named(verb, NOUNS.get(section, _Noun(f"item of {section}", f"items of {section}")), keys)


def _named(verb: str, noun: _Noun, keys: Sequence[str]) -> tuple[Part, ...]:
    if len(keys) > _MOST_NAMED:
        return (Part(Tone.PLAIN, f"{verb} {len(keys)} {noun.many}"),)
    head = Part(Tone.PLAIN, f"{verb} the {noun.one if len(keys) == 1 else noun.many} ")
    return (head, *_listed([(Part(Tone.NAME, key),) for key in keys], " and "))


def _lost(clause: tuple[Part, ...]) -> tuple[Part, ...]:
    return (Part(Tone.LOSS, "".join(part.text for part in clause)),)


def _listed(items: Sequence[tuple[Part, ...]], last: str) -> tuple[Part, ...]:
    """Items in a row, the last one joined by other words."""
    parts = list(items[0])
    for number, item in enumerate(items[1:], 2):
        parts += [Part(Tone.PLAIN, last if number == len(items) else ", "), *item]
    return tuple(parts)


def _joined(clauses: Sequence[tuple[Part, ...]]) -> tuple[Part, ...]:
    first, *rest = _listed(clauses, ", and " if len(clauses) > 2 else " and ")  # noqa: PLR2004  a list begins at three
    return Part(first.tone, first.text[:1].upper() + first.text[1:]), *rest, Part(Tone.PLAIN, ".")
