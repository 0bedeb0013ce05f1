"""The texts in a JSON value."""

from collections.abc import Iterator


def texts_in(value: object) -> Iterator[str]:
    """Every text in a value, the names in its objects included."""
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield from (name, *texts_in(inner))
        case list():
            for inner in value:
                yield from texts_in(inner)
        case _:
            return
