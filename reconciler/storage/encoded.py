"""JSON columns whose text is encoded before the statement, off the event loop."""

import json
from typing import Any


class Encoded(str):
    """The JSON text of a column's value."""

    __slots__ = ()


def encoded(value: Any) -> Encoded:
    """A JSON value as its column keeps it."""
    return Encoded(json.dumps(value))


def serializer(value: Any) -> str:
    """What a database's driver is given for a JSON column: what is encoded already stays as it is."""
    return str(value) if isinstance(value, Encoded) else json.dumps(value)
