"""What is fuzzed: each target takes any bytes, and holds the reader that it feeds to its promises.

A reader may refuse with the errors that it documents. Anything else that is raised is a finding: the fuzzer stops at it
and keeps the input.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from api_client._retry import Retries
from api_client._wire import Answer, Read, Send, apply_call, exchange
from api_client.errors import WizChatError
from api_client.models import ApplyResult
from reconciler.domain import apply_answers
from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.document import ParsedFile
from reconciler.domain.json_values import to_json
from reconciler.domain.plan import propose
from reconciler.domain.secrets import find_secrets
from reconciler.errors import TargetError
from reconciler.sources.includes import IncludeRefused, resolve_path
from reconciler.sources.loader import load_tree, select
from reconciler.targets import error_translation, translation
from reconciler.web import routes
from reconciler.web.http import schemas
from tests.fakes.source import MemoryTree
from tests.support.contract import CONTRACT
from tests.support.texts import texts_in

Target = Callable[[bytes], None]

INCLUDED: Final = "Be kind."
_FILES: Final = {"prompts/a.md": INCLUDED, "b.md": INCLUDED, "chatbots/c.md": INCLUDED}
_LINKS: Final = {"linked": "/etc", "prompts/link.md": "/etc/passwd"}
_NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
_ONCE: Final = Retries(limit=0, backoff_s=0, longest_wait_s=0, now=lambda: _NOW, random=lambda: 0.0)
_BODY: Final[Mapping[str, Any]] = {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": True, "spec": {"skills": []}}
_STATUSES: Final = (200, 422, 400, 409, 429, 500, 503, 302)
_LONGEST_REQUEST: Final = 1024 * 1024


def documents(data: bytes) -> None:
    """The loader: a file is documents, refusals and diagnostics, the same each time, and kept without loss."""
    for path in ("chatbots/a.yaml", "chatbots/a.json"):
        file = _loaded(path, data)
        assert file == _loaded(path, data), "the same bytes say the same"
        kept = json.loads(json.dumps(to_json(file)))
        assert ParsedFile.from_json(kept) == file, "what is kept is what was read"
        assert not any(find_secrets(text) for text in texts_in(kept)), "no key is kept"
        for document in file.documents:
            canonical_bytes(document.body)
        for diagnostic in file.diagnostics:
            assert diagnostic.path == path
            assert diagnostic.line is None or diagnostic.line >= 1
            str(diagnostic).encode()
        assert file.documents or file.refusals or file.diagnostics, "nothing is passed over in silence"


def includes(data: bytes) -> None:
    """The include resolver: whatever a reference says, it names a regular file of the repository, or nothing."""
    reference = data.decode("utf-8", "surrogateescape")
    with suppress(IncludeRefused):
        path = resolve_path("chatbots/deep/a.yaml", reference)
        parts = path.split("/")
        assert ".." not in parts
        assert not path.startswith("/")
        assert not reference.startswith("~"), "no shell's spelling of a home is understood"
        assert all(parts) or not path
    document = {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {"core": {"prompt": {"$file": reference}}}}
    own = json.dumps(document)
    file = _loaded("chatbots/deep/a.json", own.encode())
    said = [document.body["spec"]["core"]["prompt"] for document in file.documents]
    assert set(said) <= {INCLUDED, own}, "nothing but a file of the repository was read"


def requests(data: bytes) -> None:
    """The bodies of our own API: read or refused, and what is read can be stored and says the same again."""
    kinds = sorted(_request_models(), key=lambda kind: kind.__name__)
    kind = kinds[data[0] % len(kinds)] if data else kinds[0]
    try:
        value = json.loads(data[1 : _LONGEST_REQUEST + 1])
        ask = kind.model_validate(value)
    except (ValueError, RecursionError):
        return
    written = ask.model_dump_json()
    assert "\\u0000" not in written.replace("\\\\", ""), "no database keeps a NUL"
    with suppress(ValidationError):  # a moment at the end of time has no other writing
        assert kind.model_validate_json(written) == ask


def answers(data: bytes) -> None:
    """The reader of answers to dry runs and applies: never a success that was not said, never a false "not sent"."""
    if not data:
        return
    status = _STATUSES[data[0] % len(_STATUSES)]
    answer = Answer(status, data[1:], data[1:20].decode("latin-1") if data[0] & 128 else None)
    _dry_run(answer)
    _apply(answer)


def _dry_run(answer: Answer) -> None:
    try:
        result = _exchange(answer, dry_run=True)
        ops = translation.ops_of(result)
    except (WizChatError, TargetError):
        return
    assert answer.is_success
    proposal = propose("acme", "bot_1", _BODY, ops)
    assert proposal == propose("acme", "bot_1", _BODY, ops)
    canonical_bytes([[op.section, op.key, op.before, op.after] for op in ops])


def _apply(answer: Answer) -> None:
    try:
        said = translation.answer_of(_exchange(answer, dry_run=False))
    except WizChatError as error:
        said = error_translation.answer_of_error(error)
    assert not isinstance(said, apply_answers.NotSent), "an answer came, so it was sent"
    if isinstance(said, apply_answers.ApplyAnswered):
        assert answer.is_success or answer.status_code == 422
    if isinstance(said, apply_answers.ApplyRefused):
        assert 400 <= answer.status_code < 500
    json.dumps([getattr(said, "applied", None), getattr(said, "failed", None)])


def _exchange(answer: Answer, *, dry_run: bool) -> ApplyResult:
    steps = exchange(apply_call("bot_1", _BODY, dry_run=dry_run, prune=None), _ONCE)
    assert isinstance(next(steps), Send)
    read = steps.send(answer)
    assert isinstance(read, Read)
    try:
        steps.send(read.do())
    except StopIteration as end:
        result: ApplyResult = end.value
        return result
    raise AssertionError("one answer is enough, as nothing is tried again")


def _loaded(path: str, data: bytes) -> ParsedFile:
    tree = MemoryTree({**_FILES, path: data}, _LINKS)
    (file,) = load_tree(tree, select(tree, [path]), CONTRACT, {}).files
    return file


def _request_models() -> list[type[schemas.RequestModel]]:
    """The bodies of all features, which `routes` loads."""
    assert routes.API_ROUTERS
    return schemas.RequestModel.__subclasses__()


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """A target.

    Attributes:
        longest: The longest input that is tried, in bytes.
    """

    run: Target
    longest: int = 4096


TARGETS: Final[Mapping[str, Fuzzed]] = {
    "documents": Fuzzed(documents),
    "includes": Fuzzed(includes, longest=300),
    "requests": Fuzzed(requests, longest=1024),
    "answers": Fuzzed(answers),
}
