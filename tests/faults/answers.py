"""Answers that are no true ApplyResult: wrong types, missing parts, ops never asked for, another chatbot's."""

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

Json = dict[str, Any]

TRUE_RESULT: Final[Json] = {
    "dryRun": False,
    "plan": {
        "ops": [{"section": "core", "action": "update", "changedFields": ["behavior.systemPrompt"]}],
        "summary": {"create": 0, "update": 1, "delete": 0, "noop": 0},
    },
    "applied": [{"section": "core", "action": "update"}],
    "failed": None,
}
_GONE: Final = object()
_ODD: Final[tuple[Any, ...]] = (None, 0, 1.5, True, "text", [], {}, [None], {"a": 1}, -1, "\ud800")
_TEXTS: Final = (
    "",
    " ",
    "null",
    "true",
    "0",
    '"text"',
    "[]",
    "{}",
    '{"unfinished": ',
    "<html>",
    "\x00",
    "[" * 5000,
    '{"a":' * 3000,
    "NaN",
    '{"dryRun": NaN}',
    "\ufeff{}",
    '{"error": {"code": "x", "message": "y"}}',
    '{"ok": true}',
)


def wrong_results() -> tuple[str, ...]:
    """Every wrong answer, in a fixed order."""
    return (*_TEXTS, *(json.dumps(result) for result in _mutated()))


def _mutated() -> Iterator[Json]:
    for path in (("dryRun",), ("plan",), ("applied",), ("failed",), ("plan", "ops"), ("plan", "summary")):
        yield _changed(path, _GONE)
        for odd in _ODD:
            yield _changed(path, odd)
    for field in ("section", "action"):
        for odd in (*_ODD, "nonsense"):
            yield _changed(("applied", 0, field), odd)
            yield _changed(("plan", "ops", 0, field), odd)
    yield {**copy.deepcopy(TRUE_RESULT), "dryRun": True}
    yield {**copy.deepcopy(TRUE_RESULT), "applied": [{"section": "domains", "action": "delete", "key": "never.asked"}]}
    yield {**copy.deepcopy(TRUE_RESULT), "config": {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}}}
    yield {**copy.deepcopy(TRUE_RESULT), "chatbotId": "bot_of_somebody_else"}
    yield {**copy.deepcopy(TRUE_RESULT), "applied": [{"section": "core", "action": "update"}] * 1000}


def _changed(path: tuple[Any, ...], value: Any) -> Json:
    result = copy.deepcopy(TRUE_RESULT)
    holder: Any = result
    for step in path[:-1]:
        holder = holder[step]
    if value is _GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return result
