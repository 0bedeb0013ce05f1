"""Names the items that a plan's body states and leaves unchanged."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.domain.plan import Action, Op
from reconciler.render.plan_summary import noun_of


def unchanged_items(body: Mapping[str, Any], ops: Sequence[Op], noops: int) -> Sequence[str]:
    """The items whose ops are noop beside those of a plan, as people say them, in the body's order.

    Plans count noops and do not keep them, and a body states only the sections in which something changes: those items
    have names, the rest a number. Of a list section each item is an op, any other section is one as a whole.

    Args:
        body: What an apply sends.
        ops: Its ops that are not noop.
        noops: How many are, in all sections.

    Returns:
        What people call those that the body states; nothing where they are more than there are noops, or where an
        op is about an item that the body does not state, such as a key that the API writes in another way.
    """
    items = {op.place: op for op in _items_of(body)}
    touched = {op.place for op in ops}
    untouched = [noun_of(op) for place, op in items.items() if place not in touched]
    unknown = any(op.place not in items for op in ops if op.action is not Action.DELETE)
    return [] if unknown or len(untouched) > noops else untouched


def _items_of(body: Mapping[str, Any]) -> Iterator[Op]:
    for section, value in body["spec"].items():
        if not isinstance(value, list):
            yield Op(section, Action.NOOP)
            continue
        identity = "domain" if section == "domains" else "name"
        yield from (Op(section, Action.NOOP, item[identity]) for item in value)
