"""What a plan leaves as it is beside what it changes: the items that its body states and no op touches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.domain.plan import Action, Op
from reconciler.render.summary import noun_of


def unchanged(body: Mapping[str, Any], ops: Sequence[Op], noops: int) -> Sequence[str]:
    """The items whose ops are noop beside those of a plan, as people say them, in the body's order.

    Plans count noops and do not keep them, and a body states only the sections in which something changes: those items
    have names, the rest a number. Of a list section each item is an op, any other section is one as a whole.

    Args:
        body: What an apply sends.
        ops: Its ops that are not noop.
        noops: How many are, in all sections.

    Returns:
        What people call those that the body states; nothing where they are more than there are noops.
    """
    touched = {op.place for op in ops}
    left = [op for op in _stated(body) if op.place not in touched]
    return [noun_of(op) for op in left] if len(left) <= noops else []


def _stated(body: Mapping[str, Any]) -> Iterator[Op]:
    for section, value in body["spec"].items():
        if not isinstance(value, list):
            yield Op(section, Action.NOOP)
            continue
        identity = "domain" if section == "domains" else "name"
        yield from (Op(section, Action.NOOP, item[identity]) for item in value)
