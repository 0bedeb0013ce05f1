"""Logging: JSON lines on stderr, one event each."""

import logging
import sys
from typing import Any

import structlog

from reconciler.domain.escaping import escaped
from reconciler.errors import StoreError


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send every log record of this process to stderr as one JSON object a line.

    Args:
        level: What is worth a line.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_known_traces,
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_unseen,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("apscheduler", "httpx", "httpcore", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # it warns of each tick that is due while another runs: ticks never overlap, on purpose
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def _without_colours(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drop uvicorn's second message, which is the first with escape sequences."""
    event.pop("color_message", None)
    return event


def _without_known_traces(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say in one line that the database is not usable: its message says what to do, and every tick meets it again."""
    match event.get("exc_info"):
        case (_, BaseException() as error, _) if (store_error := _store_error(error)) is not None:
            return {name: value for name, value in event.items() if name != "exc_info"} | {"cause": str(store_error)}
        case _:
            return event


def _store_error(error: BaseException) -> StoreError | None:
    """What an exception says of the database, where it says nothing else; libraries raise in groups."""
    match error:
        case StoreError():
            return error
        case BaseExceptionGroup(exceptions=inner):
            found = [_store_error(item) for item in inner]
            return found[0] if all(found) else None
        case _:
            return None


def _without_unseen(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Write unseen characters as escapes: JSON's own are undone by whatever prints a line's message for people."""
    return {name: _shown(value) for name, value in event.items()}


def _shown(value: Any) -> Any:
    match value:
        case str():
            return escaped(value, keep="\n\t")
        case dict():
            return {_shown(name): _shown(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_shown(inner) for inner in value]
        case _:
            return value
