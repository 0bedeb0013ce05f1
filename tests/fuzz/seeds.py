"""Where the fuzzer begins: a few inputs of each kind that reach far into the readers, and the hostile corpus."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.hostile.corpus.include_cases import ESCAPES
from tests.hostile.corpus.make import kept_cases
from tests.hostile.corpus.recipes import BAD, JSON

_HEAD: Final = "apiVersion: v1\nkind: ChatbotConfig\n"
_OP: Final = {
    "section": "skills",
    "action": "update",
    "key": "refunds",
    "before": {"name": "refunds", "body": "a"},
    "after": {"name": "refunds", "body": "b"},
    "changedFields": ["body"],
}
_SUMMARY: Final = {"create": 0, "update": 1, "delete": 0, "noop": 0}
_PLAN: Final = {"ops": [_OP], "summary": _SUMMARY}
_FAILED: Final = {"op": {"section": "skills", "action": "update", "key": "refunds"}, "code": "x", "message": "no"}

_DOCUMENTS: Final = (
    _HEAD + "spec: {}\n",
    _HEAD + "metadata: {chatbotId: bot_1, labels: {team: a}}\nprune: false\nspec:\n  core: {name: 'A', maxTokens: 3}\n",
    _HEAD
    + 'spec:\n  skills:\n    - {name: a, mode: always, body: "\\u00e9"}\n    - name: b\n      body: |\n        text\n',
    _HEAD
    + "spec: {core: {behavior: {systemPrompt: {$file: ../prompts/a.md}}}}\n---\n"
    + _HEAD
    + "spec: {core: {$file: ../b.md}}\n",
    "a: &a [x, y]\nb: *a\n<<: *a\n? [k]\n: !!str v\n--- # comment\n%TAG ! x\n",
    "{a: 1, a: 2, 0o17: 0x1F, t: true, n: ~, f: 1e3, d: 2001-01-01, inf: .inf}",
    '{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"name": "A", "n": 1e400, "s": "\\ud800"}}}',
    '{"a": [1, -0.5e-3, true, null, "\\u0000\\"\\\\"], "a": {}} x',
)
_INCLUDES: Final = (
    *("../../prompts/a.md", "../c.md", "./../../b.md", "/etc/passwd", "~/x", "..\\..\\x", "C:x", "linked/passwd"),
    *("../../prompts/link.md", "%2e%2e/x", "\u2024\u2024/x", "a\x00b", "//x", "", ".", "..", "../../..", "a.json"),
)
_REQUESTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"fingerprint": "f" * 64, "comment": "ok", "overrides": {"deletes": True, "reason": "why"}, "apply": True},
    {"decision": "approve", "items": [{"plan_id": "plan_1", "fingerprint": "f"}], "comment": None},
    {"revision": "a" * 40, "reason": "looked at"},
    {"scope": "chatbot/bot_1", "reason": "freeze", "until": "2026-12-31T18:00:00+01:00"},
    {"name": "ci", "role": "approver", "person": "ann", "expires_at": "2026-12-31T18:00:00Z", "sources": ["main"]},
    {"reason": "left"},
)
_ANSWERS: Final[tuple[tuple[int, Any], ...]] = (
    (0, {"dryRun": True, "plan": _PLAN}),
    (0, {"dryRun": False, "plan": _PLAN, "applied": [{"section": "skills", "action": "update", "key": "refunds"}]}),
    (1, {"dryRun": False, "plan": _PLAN, "applied": [], "failed": _FAILED}),
    (1, {"dryRun": True, "plan": _PLAN}),
    (1, {"error": {"code": "invalid", "message": "no", "details": {"a": 1}}}),
    (132, {"error": {"code": "quota_exceeded", "message": "wait"}}),
    (5, {"error": {"code": "internal_error", "message": "sorry"}}),
    (6, "<html>"),
)

_LONGEST: Final = 1_500
"""Of what the hostile corpus lends: the fuzzer makes long inputs by itself."""


def _hostile_documents() -> Iterator[bytes]:
    for case in kept_cases():
        for file in case.files:
            if file.path in (BAD.encode(), JSON.encode()) and len(content := file.content()) <= _LONGEST:
                yield content


def _hostile_includes() -> Iterator[bytes]:
    yield from (reference.encode() for reference, _ in ESCAPES if len(reference) <= _LONGEST)


SEEDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "documents": (*(text.encode() for text in _DOCUMENTS), *_hostile_documents()),
    "includes": (*(text.encode() for text in _INCLUDES), *_hostile_includes()),
    # the first byte chooses the kind of body: every body is tried as every kind
    "requests": tuple(bytes([kind]) + json.dumps(body).encode() for body in _REQUESTS for kind in range(10)),
    "answers": tuple(bytes([status]) + json.dumps(body).encode() for status, body in _ANSWERS),
}
